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

FloatBuffer FloatBuffer::untouched_zeros(std::size_t size) {
  FloatBuffer buffer;
  if (size > 0) buffer.data_ = allocate(size);
  buffer.size_ = size;
  buffer.forget(0, size);
  return buffer;
}

void FloatBuffer::forget(std::size_t first, std::size_t count) {
  float* const begin = data_ + first;
  float* const end = begin + count;
#if defined(__linux__)
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  // Floats are aligned, and so are pages.
  const auto begins = reinterpret_cast<std::uintptr_t>(begin);
  const auto ends = reinterpret_cast<std::uintptr_t>(end);
  float* const first_page = begin + (page - begins % page) % page / sizeof(float);
  float* const past_pages = end - ends % page / sizeof(float);
  // Private memory without a file: what is read there next is zeros.
  if (first_page < past_pages &&
      ::madvise(first_page, static_cast<std::size_t>(past_pages - first_page) * sizeof(float),
                MADV_DONTNEED) == 0) {
    std::fill(begin, first_page, 0.0F);
    std::fill(past_pages, end, 0.0F);
    return;
  }
#endif
  std::fill(begin, end, 0.0F);
}

void FloatBuffer::release(float* data, std::size_t size) {
  ::operator delete (data, std::align_val_t{alignment_of(size * sizeof(float))});
}

}  // namespace meridian
