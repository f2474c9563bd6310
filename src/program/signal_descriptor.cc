#include "src/program/signal_descriptor.h"

#include <sys/signalfd.h>

#include <csignal>

namespace meridian::program {

Descriptor signals_as_descriptor(std::initializer_list<int> signals) {
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : signals) sigaddset(&handled, signal);
  ::pthread_sigmask(SIG_BLOCK, &handled, nullptr);
  return Descriptor(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace meridian::program
