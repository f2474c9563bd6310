// MERIDIAN_ISA where a benchmark begins: figures of another instruction set than the one that was asked for
// would mislead.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "src/base/instruction_sets.h"

namespace meridian::bench {

/// Ends the program where MERIDIAN_ISA names what this machine and build have not.
inline void require_wanted_instruction_set() {
  const char* const wanted = std::getenv("MERIDIAN_ISA");
  if (wanted == nullptr) return;
  if (const Failure failure = check_instruction_set(wanted)) {
    std::fprintf(stderr, "%s\n", failure->message.c_str());
    std::exit(2);
  }
}

}  // namespace meridian::bench
