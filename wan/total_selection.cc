#include "wan/total_selection.h"

#include <algorithm>
#include <utility>

namespace meridian::wan {

TotalSelection::TotalSelection(std::unique_ptr<What> what) : what_(std::move(what)) {}

void TotalSelection::gather(std::span<const FloatBuffer> sums) {
  for (std::size_t table = 0; table < sums.size(); ++table) {
    if (table >= left_.size()) left_.emplace_back(sums[table].size());
    if (table >= taken_.size()) taken_.emplace_back(sums[table].size());
    for (std::size_t i = 0; i < sums[table].size(); ++i) left_[table][i] += sums[table][i];
    std::fill_n(taken_[table].data(), taken_[table].size(), 0.0F);
  }
}

std::span<const FloatBuffer> TotalSelection::take(Clock clock, std::span<const FloatBuffer> sums) {
  gather(sums);
  for (std::size_t table = 0; table < left_.size(); ++table) {
    selection_.clear();
    what_->select({.clock = clock, .table = table}, {}, left_[table].span(), selection_);
    for (std::size_t i = 0; i < selection_.size(); ++i) {
      taken_[table][selection_.offsets[i]] = selection_.values[i];
    }
  }
  return taken_;
}

std::span<const FloatBuffer> TotalSelection::take_all(std::span<const FloatBuffer> sums) {
  gather(sums);
  std::swap(left_, taken_);
  return taken_;
}

void TotalSelection::add_left_to(std::vector<FloatBuffer>& sums) const {
  for (std::size_t table = 0; table < left_.size(); ++table) {
    for (std::size_t i = 0; i < left_[table].size(); ++i) sums[table][i] += left_[table][i];
  }
}

}  // namespace meridian::wan
