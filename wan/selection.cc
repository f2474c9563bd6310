#include "wan/selection.h"

#include <algorithm>
#include <array>

#include "src/optimizer/finite.h"

namespace meridian::wan {
namespace {

constexpr std::size_t kBlock = 256;

/// Appends those entries of `block`, which begins at `offset` and is not longer than kBlock, that are not
/// zero. Most often all go out, or none.
void append_block(std::size_t offset, std::span<const float> block, TableSelection& out) {
  std::uint32_t zeros = 0;
  for (const float value : block) zeros += static_cast<std::uint32_t>(value == 0.0F);
  if (zeros == block.size()) return;
  std::array<std::uint32_t, kBlock> offsets{};
  if (zeros == 0) {
    for (std::size_t i = 0; i < block.size(); ++i) offsets[i] = static_cast<std::uint32_t>(offset + i);
    out.offsets.insert(out.offsets.end(), offsets.data(), offsets.data() + block.size());
    out.values.insert(out.values.end(), block.begin(), block.end());
    return;
  }
  std::array<float, kBlock> values{};
  std::size_t found = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    offsets[found] = static_cast<std::uint32_t>(offset + i);
    values[found] = block[i];
    found += static_cast<std::size_t>(block[i] != 0.0F);
  }
  out.offsets.insert(out.offsets.end(), offsets.data(), offsets.data() + found);
  out.values.insert(out.values.end(), values.data(), values.data() + found);
}

}  // namespace

void append_nonzeros(std::span<const float> values, TableSelection& out, std::size_t offset) {
  for (std::size_t first = 0; first < values.size(); first += kBlock) {
    append_block(offset + first, values.subspan(first, std::min(kBlock, values.size() - first)), out);
  }
}

std::optional<std::size_t> select_nonzeros(std::span<const FloatBuffer> sums, Selection& selection) {
  selection.resize(sums.size());
  std::optional<std::size_t> wrong;
  for (std::size_t table = 0; table < sums.size(); ++table) {
    const std::span<const float> values = sums[table].span();
    FiniteCheck check;
    for (const float value : values) check.see(value);
    if (!check.all_finite() && !wrong) wrong = table;
    selection[table].clear();
    append_nonzeros(values, selection[table]);
  }
  return wrong;
}

}  // namespace meridian::wan
