// Draws several different things by their weights: successive sampling, each draw in proportion to the
// weights of what is left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "src/base/random.h"
#include "src/data/alias_table.h"

namespace meridian {

/// Not thread-safe.
class DistinctDraws {
 public:
  /// `weights`: at least one, each finite and above 0.
  explicit DistinctDraws(std::vector<double> weights);

  /// Fills `drawn`, of at most as many as there are weights, in the order drawn. What it draws depends on
  /// `random` alone, not on earlier calls.
  void draw(Random& random, std::span<std::uint32_t> drawn);

 private:
  void draw_of_rest(Random& random, std::span<std::uint32_t> drawn);

  std::vector<double> weights_;
  AliasTable table_;
  std::vector<std::uint64_t> last_call_;  // that drew each of them
  std::uint64_t call_ = 0;
  std::vector<std::pair<double, std::uint32_t>> keys_;
};

}  // namespace meridian
