// Goal: a row's topics are drawn in proportion to its positive entries, and no others ever. How: rows of
// sizes around the block that is read at once, with negative entries among them; every point between 0 and
// the sum is looked up and compared with a plain walk along the row.
#include "src/topics/sparse_draw.h"

#include <gtest/gtest.h>

#include <vector>

#include "src/base/random.h"

namespace meridian {
namespace {

std::size_t walk(const std::vector<float>& row, float at) {
  float sum = 0.0F;
  std::size_t last = 0;
  for (std::size_t k = 0; k < row.size(); ++k) {
    if (row[k] <= 0.0F) continue;
    sum += row[k];
    last = k;
    if (at < sum) break;
  }
  return last;
}

TEST(SparseDraw, DrawsWhatAWalkAlongTheRowDraws) {
  for (const std::size_t topics : {1U, 31U, 63U, 64U, 65U, 100U, 1000U}) {
    Random random(topics);
    SparseDraw draw(topics);
    std::vector<float> row(topics);
    std::vector<float> change(topics);
    std::vector<float> sums(topics);
    for (std::size_t k = 0; k < topics; ++k) {
      row[k] = random.below(3) == 0 ? static_cast<float>(random.below(5)) : 0.0F;
      change[k] = random.below(3) == 0 ? -2.0F : 0.0F;
      sums[k] = row[k] + change[k];
    }
    row[topics - 1] = sums[topics - 1] = 3.0F;
    change[topics - 1] = 0.0F;
    draw.build(row, change);
    float expected_sum = 0.0F;
    for (const float value : sums) expected_sum += value > 0.0F ? value : 0.0F;
    ASSERT_EQ(draw.sum(), expected_sum);
    for (int quarter = 0; static_cast<float>(quarter) < 4.0F * expected_sum; ++quarter) {
      const float at = 0.25F * static_cast<float>(quarter);
      ASSERT_EQ(draw.draw(at), walk(sums, at)) << topics << " topics at " << at;
    }
  }
}

TEST(SparseDraw, HasNoSumWhereNothingIsPositive) {
  SparseDraw draw(40);
  std::vector<float> row(40, 1.0F);
  draw.build(row, std::vector<float>(40, 0.0F));
  EXPECT_EQ(draw.sum(), 40.0F);
  draw.build(row, std::vector<float>(40, -1.0F));
  EXPECT_EQ(draw.sum(), 0.0F);
}

}  // namespace
}  // namespace meridian
