// What a filter takes, for tests: it selects from a copy and checks that no sum changes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "wan/what.h"

namespace meridian::wan {

/// Selects from a copy of `residual` and checks that selection + what stays = what was there, and that
/// nothing that is not finite stays.
inline TableSelection selected(const What& what, const FilterPass& pass, const std::vector<float>& values,
                               const std::vector<float>& residual) {
  std::vector<float> left = residual;
  TableSelection out;
  what.select(pass, values, left, out);
  EXPECT_TRUE(std::is_sorted(out.offsets.begin(), out.offsets.end()));
  EXPECT_EQ(out.offsets.size(), out.values.size());
  for (const float stays : left) EXPECT_TRUE(std::isfinite(stays) || !what.sends());
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(left[out.offsets[i]], 0.0F);
    left[out.offsets[i]] = out.values[i];
  }
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (std::isnan(residual[i])) continue;
    EXPECT_EQ(left[i], residual[i]) << "entry " << i;
  }
  return out;
}

}  // namespace meridian::wan
