// A buffer of floats that starts on a 64-byte boundary, so that reductions over it give the same bits
// wherever it lies in memory, and vector loads never straddle a cache line.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
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

/// Owns its floats; moves, does not copy by accident (clone() copies). A new buffer is all zeros.
class FloatBuffer {
 public:
  static constexpr std::size_t kAlignment = 64;

  FloatBuffer() = default;
  explicit FloatBuffer(std::size_t size)
      : data_(size == 0
                  ? nullptr
                  : static_cast<float*>(::operator new (size * sizeof(float), std::align_val_t{kAlignment}))),
        size_(size) {
    std::fill_n(data_.get(), size_, 0.0F);
  }

  FloatBuffer(FloatBuffer&& other) noexcept
      : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  FloatBuffer& operator=(FloatBuffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  FloatBuffer clone() const {
    FloatBuffer copy(size_);
    std::copy_n(data_.get(), size_, copy.data_.get());
    return copy;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  std::span<float> span() { return {data_.get(), size_}; }
  std::span<const float> span() const { return {data_.get(), size_}; }
  float& operator[](std::size_t i) { return data_.get()[i]; }
  float operator[](std::size_t i) const { return data_.get()[i]; }

 private:
  struct Release {
    void operator()(float* data) const { ::operator delete (data, std::align_val_t{kAlignment}); }
  };

  std::unique_ptr<float, Release> data_;
  std::size_t size_ = 0;
};

}  // namespace meridian
