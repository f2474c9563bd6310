#include "wan/dense_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "wan/compact_indexes.h"
#include "wan/compact_values.h"

namespace meridian::wan {
namespace {

/// Where the first block's code would stand, if it is not that: then come the number of holes (32 bits),
/// their indexes, and the values between them.
constexpr std::byte kWithHoles{kNoBlock};
constexpr std::size_t kHeadBytes = 1 + sizeof(std::uint32_t);

bool is_hole(float value) { return std::bit_cast<std::uint32_t>(value) == 0; }

std::size_t count_holes(std::span<const float> values) {
  std::uint32_t holes = 0;
  for (const float value : values) holes += static_cast<std::uint32_t>(is_hole(value));
  return holes;
}

void append_with_holes(std::span<const float> values, std::size_t count, std::vector<std::byte>& out) {
  std::vector<std::uint32_t> holes(count + 1);
  std::vector<float> others(values.size() - count + 1);
  std::size_t found = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    holes[found] = static_cast<std::uint32_t>(i);
    others[i - found] = values[i];
    found += static_cast<std::size_t>(is_hole(values[i]));
  }
  holes.pop_back();
  others.pop_back();
  const auto number = static_cast<std::uint32_t>(count);
  out.resize(out.size() + kHeadBytes);
  out[out.size() - kHeadBytes] = kWithHoles;
  std::memcpy(out.data() + out.size() - sizeof(number), &number, sizeof(number));
  append_indexes(holes, values.size(), out);
  append_values(others, out);
}

Result<std::size_t> read_with_holes(std::span<const std::byte> bytes, std::span<float> values) {
  std::uint32_t count = 0;
  if (bytes.size() < kHeadBytes) return Error{"values that are cut short"};
  std::memcpy(&count, bytes.data() + 1, sizeof(count));
  if (count > values.size()) return Error{fmt::format("{} zeros among {} values", count, values.size())};
  std::vector<std::uint32_t> holes(count);
  const auto indexes = read_indexes(bytes.subspan(kHeadBytes), values.size(), holes);
  if (!indexes) return indexes.error();
  const std::size_t at = kHeadBytes + indexes.value();
  std::vector<float> others(values.size() - count);
  const auto read = read_values(bytes.subspan(at), others);
  if (!read) return read.error();
  std::size_t from = 0;
  std::size_t to = 0;
  for (const std::uint32_t hole : holes) {
    const std::size_t between = hole - to;
    std::copy_n(others.data() + from, between, values.data() + to);
    values[hole] = 0.0F;
    from += between;
    to += between + 1;
  }
  std::copy_n(others.data() + from, values.size() - to, values.data() + to);
  return at + read.value();
}

}  // namespace

void append_dense(std::span<const float> values, std::vector<std::byte>& out) {
  const std::size_t begin = out.size();
  append_values(values, out);
  const std::size_t holes = count_holes(values);
  // So many values cannot be counted; and where all are holes they are a block of one level.
  if (holes == 0 || holes == values.size() || values.size() > UINT32_MAX) return;
  std::vector<std::byte> other;
  append_with_holes(values, holes, other);
  if (other.size() >= out.size() - begin) return;
  out.resize(begin);
  out.insert(out.end(), other.begin(), other.end());
}

Result<std::size_t> read_dense(std::span<const std::byte> bytes, std::span<float> values) {
  if (!bytes.empty() && bytes.front() == kWithHoles) return read_with_holes(bytes, values);
  return read_values(bytes, values);
}

}  // namespace meridian::wan
