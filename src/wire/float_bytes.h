// Floats in received frames: frames need not be aligned, so values are moved by memcpy, which compilers turn
// into unaligned vector loads. Values travel in the byte order of x86-64 and aarch64, little endian.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

#include "src/base/check.h"
#include "src/base/float_buffer.h"
#include "src/wire/payload.h"

namespace meridian {

static_assert(std::endian::native == std::endian::little, "payloads are little endian");

inline float load_float(const std::byte* bytes) {
  float value = 0.0F;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

/// sum[i] += float i of `bytes`. Requires bytes.size() == 4 * sum.size().
inline void add_floats(std::span<float> sum, std::span<const std::byte> bytes) {
  MERIDIAN_CHECK(bytes.size() == sum.size() * sizeof(float), "{} bytes for {} floats", bytes.size(),
                 sum.size());
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += load_float(bytes.data() + i * sizeof(float));
}

/// out[i] = sum[i] + float i of `bytes`. Requires `sum` to be as long as `out`, and bytes.size() == 4 *
/// out.size().
inline void set_to_sum(std::span<float> out, const float* sum, std::span<const std::byte> bytes) {
  MERIDIAN_CHECK(bytes.size() == out.size() * sizeof(float), "{} bytes for {} floats", bytes.size(),
                 out.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = sum[i] + load_float(bytes.data() + i * sizeof(float));
}

/// Requires bytes.size() == 4 * values.size().
inline void copy_floats(std::span<float> values, std::span<const std::byte> bytes) {
  MERIDIAN_CHECK(bytes.size() == values.size() * sizeof(float), "{} bytes for {} floats", bytes.size(),
                 values.size());
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
}

/// A payload over floats [first, first + count) of a shared buffer, without a copy.
inline Payload payload_of(const std::shared_ptr<FloatBuffer>& buffer, std::size_t first, std::size_t count) {
  return {buffer, std::as_bytes(std::span<const float>(buffer->span()).subspan(first, count))};
}

}  // namespace meridian
