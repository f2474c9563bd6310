// A descriptor of a process: readable to poll once the process has ended, whoever's child it is.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "src/program/descriptor.h"

namespace meridian::program {

/// Empty, with the reason in errno, where there is no such process. The direct call: in Debian 12's C library
/// the header of pidfd_open is not made for C++.
inline Descriptor open_process(pid_t pid) {
  return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
}

}  // namespace meridian::program
