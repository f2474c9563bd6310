// The entries that have gathered most: a fixed share of every table, whatever their size (Aji and Heafield,
// "Sparse communication for distributed gradient descent", EMNLP 2017; Lin et al., "Deep gradient
// compression", ICLR 2018). What stays in the residual is the error feedback.
#pragma once

#include <cstddef>
#include <span>

#include "wan/what.h"

namespace meridian::wan {

class TopK final : public What {
 public:
  /// `share` of a server's entries of a table go out in a pass, rounded up; above 0, at most 1.
  explicit TopK(double share);

  /// Takes the largest |residual|, of equal ones those that come first; residuals that are not finite are the
  /// largest. Takes fewer where there are not so many that are not 0.
  /// Reads memory once, where a sample tells well enough how large the largest are; twice at most.
  void select(const FilterPass& pass, std::span<const float> values, std::span<float> residual,
              TableSelection& out) const override;

 private:
  double share_;
};

}  // namespace meridian::wan
