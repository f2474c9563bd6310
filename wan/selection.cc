#include "wan/selection.h"

#include <algorithm>
#include <array>

#include "src/optimizer/finite.h"
#include "wan/packing.h"

namespace meridian::wan {
namespace {

/// Entries that are looked at before they are appended: few enough to stay in the nearest cache.
constexpr std::size_t kBlock = 1024;

/// The least magnitude_bits() of what is not 0.
constexpr std::uint32_t kNotZero = 1;

/// Calls then(first, size) after each block of `values` whose entries were appended.
template <typename Then>
void append_by_block(std::span<const float> values, std::uint32_t least, TableSelection& out,
                     std::size_t offset, Then then) {
  std::array<std::uint32_t, kBlock + kPackingRoom> offsets;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::array<float, kBlock + kPackingRoom> packed;           // NOLINT: both are written first
  for (std::size_t first = 0; first < values.size(); first += kBlock) {
    const std::size_t size = std::min(kBlock, values.size() - first);
    const std::size_t found =
        pack_large(values.data() + first, size, least, offset + first, offsets.data(), packed.data());
    if (found > 0) out.append(offsets.data(), packed.data(), found);
    then(first, size);
  }
}

}  // namespace

void append_nonzeros(std::span<const float> values, TableSelection& out, std::size_t offset) {
  append_by_block(values, kNotZero, out, offset, [](std::size_t /*first*/, std::size_t /*size*/) {});
}

void append_large(std::span<const float> values, std::uint32_t least, TableSelection& out) {
  append_by_block(values, least, out, 0, [](std::size_t /*first*/, std::size_t /*size*/) {});
}

void take_nonzeros(std::span<float> values, TableSelection& out, std::size_t offset) {
  append_by_block(values, kNotZero, out, offset, [&](std::size_t first, std::size_t size) {
    std::fill_n(values.data() + first, size, 0.0F);
  });
}

std::optional<std::size_t> select_nonzeros(std::span<const FloatBuffer> sums, Selection& selection) {
  selection.resize(sums.size());
  std::optional<std::size_t> wrong;
  for (std::size_t table = 0; table < sums.size(); ++table) {
    const std::span<const float> values = sums[table].span();
    if (!wrong && !all_finite(values)) wrong = table;
    selection[table].clear();
    append_nonzeros(values, selection[table]);
  }
  return wrong;
}

}  // namespace meridian::wan
