#include "experiments/precision/table.h"

#include <algorithm>
#include <utility>

#include "src/base/check.h"

namespace meridian::precision {

namespace {

// Bytes that begin a character: cells hold dashes and crosses, which take several bytes.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

}  // namespace

Table::Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }

void Table::add(std::vector<std::string> row) {
  MERIDIAN_CHECK(row.size() == rows_.front().size(), "{} cells of {}", row.size(), rows_.front().size());
  rows_.push_back(std::move(row));
}

std::string Table::markdown() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      text.append("| ").append(rows_[r][i]).append(widths[i] - width(rows_[r][i]) + 1, ' ');
    }
    text += "|\n";
    if (r > 0) continue;
    for (const std::size_t columns : widths) text.append("|").append(columns + 2, '-');
    text += "|\n";
  }
  return text;
}

}  // namespace meridian::precision
