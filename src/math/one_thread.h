// oneDNN would spread a computation over all processors; Meridian runs one on each. OpenMP keeps the number
// of threads for each calling thread, so each thread says once that it wants one.
#pragma once

#include <omp.h>

namespace meridian {

/// Call it before oneDNN makes or runs anything: what it makes is laid out for the number of threads.
inline void use_one_thread() {
  thread_local const bool said = [] {
    omp_set_num_threads(1);
    return true;
  }();
  static_cast<void>(said);
}

}  // namespace meridian
