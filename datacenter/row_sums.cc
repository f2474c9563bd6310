#include "datacenter/row_sums.h"

namespace meridian::datacenter {

void RowSums::add(std::span<const std::uint32_t> rows, std::size_t first_row, std::size_t first,
                  std::span<const std::byte> bytes) {
  const auto add_piece = [&](std::size_t selected, std::size_t column, std::size_t from, std::size_t count) {
    const std::size_t row = selected - first_row;
    add_floats(sums_.span().subspan(row * columns_ + column, count),
               bytes.subspan(from * sizeof(float), count * sizeof(float)));
    if (is_touched_[row]) return;
    is_touched_[row] = true;
    touched_.push_back(static_cast<std::uint32_t>(row));
  };
  for_each_piece(rows, columns_, first, bytes.size() / sizeof(float), add_piece);
}

void RowSums::restart() {
  for (const std::uint32_t row : touched_) {
    is_touched_[row] = false;
    std::fill_n(sums_.data() + row * columns_, columns_, 0.0F);
  }
  touched_.clear();
}

}  // namespace meridian::datacenter
