#include "src/runtime/real/kept_memory.h"

#include <cstdlib>  // defines __GLIBC__, where it is that

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace meridian {

void keep_freed_memory() {
#if defined(__GLIBC__)
  constexpr int kLargestKept = 32 * 1024 * 1024;     // the largest that mallopt() takes
  constexpr int kMostAtTheEnd = 1024 * 1024 * 1024;  // free at a heap's end before it shrinks
  mallopt(M_MMAP_THRESHOLD, kLargestKept);
  mallopt(M_TRIM_THRESHOLD, kMostAtTheEnd);
#endif
}

}  // namespace meridian
