// Goal: what is not finite is found wherever it stands, and nothing else is taken for it.
#include "src/optimizer/finite.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace meridian {
namespace {

TEST(AllFinite, FindsTheOneThatIsNotWhereverItStands) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (std::size_t size = 1; size <= 70; ++size) {
    std::vector<float> values(size, std::numeric_limits<float>::max());
    EXPECT_TRUE(all_finite(values)) << size;
    for (std::size_t i = 0; i < size; ++i) {
      for (const float wrong : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
        values[i] = wrong;
        EXPECT_FALSE(all_finite(values)) << wrong << " at " << i << " of " << size;
      }
      values[i] = -std::numeric_limits<float>::denorm_min();
    }
    EXPECT_TRUE(all_finite(values)) << size;
  }
  EXPECT_TRUE(all_finite({}));
}

}  // namespace
}  // namespace meridian
