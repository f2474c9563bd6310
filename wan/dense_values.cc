#include "wan/dense_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "src/base/instruction_sets.h"
#include "wan/compact_indexes.h"
#include "wan/compact_values.h"
#include "wan/packing.h"

namespace meridian::wan {
namespace {

/// Where the first block's code would stand, if it is not that: then come the number of holes (32 bits),
/// their indexes, and the values between them.
constexpr std::byte kWithHoles{kNoBlock};
constexpr std::size_t kHeadBytes = 1 + sizeof(std::uint32_t);

MERIDIAN_FOR_EACH_INSTRUCTION_SET(std::uint32_t, holes_in, (const float* values, std::size_t count),
                                  (values, count)) {
  std::uint32_t holes = 0;
  for (std::size_t i = 0; i < count; ++i)
    holes += static_cast<std::uint32_t>(std::bit_cast<std::uint32_t>(values[i]) == 0);
  return holes;
}

/// So many blocks, taken from all over, that what they take tells about the rest.
constexpr std::size_t kBlocksTried = 8;
constexpr std::size_t kTried = kBlocksTried * kValueBlock;
/// An estimate below this share of another one is believed to be the smaller one.
constexpr double kClear = 0.95;

/// Most often the first few values tell.
bool has_holes(std::span<const float> values) {
  const std::size_t first = std::min(kTried, values.size());
  return holes_in(values.data(), first) > 0 || holes_in(values.data() + first, values.size() - first) > 0;
}

/// About how many bytes all values take.
double bytes_tried(std::span<const float> values) {
  EncodedBytes bytes;
  if (values.size() <= kTried) {
    append_values(values, bytes);
    return static_cast<double>(bytes.size());
  }
  const std::size_t blocks = values.size() / kValueBlock;
  for (std::size_t i = 0; i < kBlocksTried; ++i)
    append_values(values.subspan(i * blocks / kBlocksTried * kValueBlock, kValueBlock), bytes);
  return static_cast<double>(bytes.size()) * static_cast<double>(values.size()) / kTried;
}

/// The head and the indexes of a segment with holes.
void append_holes(std::span<const std::uint32_t> holes, std::size_t values, EncodedBytes& out) {
  const auto number = static_cast<std::uint32_t>(holes.size());
  out.push_back(kWithHoles);
  out.resize(out.size() + sizeof(number));
  std::memcpy(out.data() + out.size() - sizeof(number), &number, sizeof(number));
  append_indexes(holes, values, out);
}

Result<std::size_t> read_with_holes(std::span<const std::byte> bytes, std::span<float> values) {
  std::uint32_t count = 0;
  if (bytes.size() < kHeadBytes) return Error{"values that are cut short"};
  std::memcpy(&count, bytes.data() + 1, sizeof(count));
  if (count > values.size()) return Error{fmt::format("{} zeros among {} values", count, values.size())};
  UninitialisedVector<std::uint32_t> holes(count);
  const auto indexes = read_indexes(bytes.subspan(kHeadBytes), values.size(), holes);
  if (!indexes) return indexes.error();
  const std::size_t at = kHeadBytes + indexes.value();
  UninitialisedVector<float> others(values.size() - count + kPackingRoom);
  const auto read = read_values(bytes.subspan(at), std::span(others).first(values.size() - count));
  if (!read) return read.error();
  fill_holes(holes, others.data(), values.size(), values.data());
  return at + read.value();
}

}  // namespace

void append_dense(std::span<const float> values, EncodedBytes& out) {
  // So many values cannot be counted.
  if (values.size() > UINT32_MAX || !has_holes(values)) return append_values(values, out);
  UninitialisedVector<std::uint32_t> holes(values.size() + kPackingRoom);
  UninitialisedVector<float> parted(values.size() + kPackingRoom);
  holes.resize(part_holes(values.data(), values.size(), holes.data(), parted.data()));
  // Where all are holes they are a block of one level.
  if (holes.size() == values.size()) return append_values(values, out);
  const std::span<const float> others = std::span(parted).first(values.size() - holes.size());
  const std::size_t begin = out.size();
  append_holes(holes, values.size(), out);
  const double with_holes = static_cast<double>(out.size() - begin) + bytes_tried(others);
  const double without = bytes_tried(values);
  if (with_holes < kClear * without) return append_values(others, out);
  if (without < kClear * with_holes) {
    out.resize(begin);
    return append_values(values, out);
  }
  append_values(others, out);
  EncodedBytes all;
  append_values(values, all);
  if (all.size() > out.size() - begin) return;
  out.resize(begin);
  out.insert(out.end(), all.begin(), all.end());
}

Result<std::size_t> read_dense(std::span<const std::byte> bytes, std::span<float> values) {
  if (!bytes.empty() && bytes.front() == kWithHoles) return read_with_holes(bytes, values);
  return read_values(bytes, values);
}

}  // namespace meridian::wan
