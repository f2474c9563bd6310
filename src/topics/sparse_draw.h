// Draws topics in proportion to one row of the word-topic table, of which few entries are above zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/topics/document_tokens.h"

namespace meridian {

/// Reading a row takes one pass over it that vector units do; all else costs what its positive entries cost.
class SparseDraw {
 public:
  explicit SparseDraw(std::size_t topics);

  /// Takes the positive entries of row + change, each of which has as many entries as there are topics.
  void build(std::span<const float> row, std::span<const float> change);

  /// The sum of the positive entries.
  float sum() const { return size_ == 0 ? 0.0F : sums_[size_ - 1]; }

  /// The topic at `at`, uniform in [0, sum()): topic k for a share row[k] / sum() of it. Requires sum() > 0.
  Topic draw(float at) const {
    // A binary search without branches: where it goes cannot be predicted.
    const float* first = sums_.data();
    for (std::size_t left = size_; left > 1;) {
      const std::size_t half = left / 2;
      first += first[half - 1] <= at ? half : 0;
      left -= half;
    }
    return topics_[static_cast<std::size_t>(first - sums_.data())];
  }

 private:
  std::vector<Topic> topics_;  // with a positive entry
  std::vector<float> sums_;    // of the entries up to each of them
  std::size_t size_ = 0;
};

}  // namespace meridian
