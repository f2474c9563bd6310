#include "src/base/float_buffer.h"

#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace meridian {
namespace {

// Of buffers that are larger than a few of these the kernel is asked for pages of this size: a walk that
// jumps from row to row finds their addresses in the processor's tables, and a new buffer costs a page fault
// for every 2 MB, not for every 4 kB.
constexpr std::size_t kHugePage = 2UL * 1024 * 1024;
constexpr std::size_t kWorthHugePages = 4 * kHugePage;

std::size_t alignment_of(std::size_t bytes) {
  return bytes >= kWorthHugePages ? kHugePage : FloatBuffer::kAlignment;
}

}  // namespace

float* FloatBuffer::allocate(std::size_t size) {
  const std::size_t bytes = size * sizeof(float);
  void* const memory = ::operator new (bytes, std::align_val_t{alignment_of(bytes)});
#if defined(__linux__)
  // A wish: where it is not granted, pages are as small as ever.
  if (bytes >= kWorthHugePages) (void)::madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return static_cast<float*>(memory);
}

void FloatBuffer::forget(std::size_t first, std::size_t count) {
  std::fill_n(data_ + first, count, 0.0F);
#if defined(__linux__)
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(data_ + first);
  const std::uintptr_t first_page = (begin + page - 1) / page * page;
  const std::uintptr_t end_page = (begin + count * sizeof(float)) / page * page;
  // Private memory without a file: what is read there next is zeros.
  if (end_page > first_page)
    (void)::madvise(reinterpret_cast<void*>(first_page), end_page - first_page, MADV_DONTNEED);
#endif
}

void FloatBuffer::release(float* data, std::size_t size) {
  ::operator delete (data, std::align_val_t{alignment_of(size * sizeof(float))});
}

}  // namespace meridian
