// A buffer of floats that starts on a 64-byte boundary, so that reductions over it give the same bits
// wherever it lies in memory, and vector loads never straddle a cache line.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <span>
#include <utility>

namespace meridian {

/// The count of floats that fills whole 64-byte lines: for placing several tensors in one buffer, all
/// aligned.
constexpr std::size_t round_up_to_line(std::size_t floats) {
  constexpr std::size_t kFloatsPerLine = 64 / sizeof(float);
  return (floats + kFloatsPerLine - 1) / kFloatsPerLine * kFloatsPerLine;
}

/// Owns its floats; moves, does not copy by accident (clone() copies). A new buffer is all zeros. A large one
/// asks the kernel for large pages.
class FloatBuffer {
 public:
  static constexpr std::size_t kAlignment = 64;

  FloatBuffer() = default;
  explicit FloatBuffer(std::size_t size) : data_(size == 0 ? nullptr : allocate(size)), size_(size) {
    std::fill_n(data_, size_, 0.0F);
  }
  ~FloatBuffer() {
    if (data_ != nullptr) release(data_, size_);
  }

  FloatBuffer(FloatBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  FloatBuffer& operator=(FloatBuffer&& other) noexcept {
    FloatBuffer taken(std::move(other));
    std::swap(data_, taken.data_);
    std::swap(size_, taken.size_);
    return *this;
  }
  FloatBuffer(const FloatBuffer&) = delete;
  FloatBuffer& operator=(const FloatBuffer&) = delete;

  /// Zeros that take memory only where they are written: for what fills as another buffer is given back.
  /// (What is read before it is written gets small pages.)
  static FloatBuffer untouched_zeros(std::size_t size);

  FloatBuffer clone() const {
    FloatBuffer copy(size_);
    std::copy_n(data_, size_, copy.data_);
    return copy;
  }

  /// Sets entries [first, first + count) to zero, and gives the memory of whole pages of them back to the
  /// system until they are written again. Requires them to exist.
  void forget(std::size_t first, std::size_t count);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  float* data() { return data_; }
  const float* data() const { return data_; }
  std::span<float> span() { return {data_, size_}; }
  std::span<const float> span() const { return {data_, size_}; }
  float& operator[](std::size_t i) { return data_[i]; }
  float operator[](std::size_t i) const { return data_[i]; }

 private:
  static float* allocate(std::size_t size);
  static void release(float* data, std::size_t size);

  float* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace meridian
