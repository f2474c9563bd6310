// Goal: the generated data set is a function of its seed, has the shape it says, and its two parts differ.
// How: small sets compared byte by byte. How hard the set is to learn is the workload's test
// (tests/src/model/classification_workload_test.cc).
#include "src/data/generated_images.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace meridian {
namespace {

TEST(GeneratedImages, AreAFunctionOfTheSeed) {
  const TrainAndTest one = generate_images(3, 200, 50);
  const TrainAndTest same = generate_images(3, 200, 50);
  const TrainAndTest other = generate_images(4, 200, 50);
  EXPECT_EQ(one.train.pixels, same.train.pixels);
  EXPECT_EQ(one.train.labels, same.train.labels);
  EXPECT_EQ(one.test.pixels, same.test.pixels);
  EXPECT_NE(one.train.pixels, other.train.pixels);
}

TEST(GeneratedImages, OfALargerSetBeginWithTheSmallerOne) {
  const TrainAndTest small = generate_images(3, 20, 10);
  const TrainAndTest large = generate_images(3, 40, 30);
  EXPECT_TRUE(std::equal(small.train.pixels.begin(), small.train.pixels.end(), large.train.pixels.begin()));
  EXPECT_TRUE(std::equal(small.test.pixels.begin(), small.test.pixels.end(), large.test.pixels.begin()));
}

TEST(GeneratedImages, HaveTheShapeOfTheRealSet) {
  const TrainAndTest sets = generate_images(3, 2000, 300);
  for (const ImageSet* set : {&sets.train, &sets.test}) {
    EXPECT_EQ(set->pixels_per_image(), 784U);
    EXPECT_EQ(set->pixels.size(), set->size() * 784);
    std::array<std::size_t, kGeneratedClasses> counts{};
    for (const std::uint8_t label : set->labels) ++counts.at(label);
    for (const std::size_t count : counts) EXPECT_GT(count, set->size() / 20);
  }
  EXPECT_EQ(sets.train.size(), 2000U);
  EXPECT_EQ(sets.test.size(), 300U);
  EXPECT_FALSE(std::equal(sets.test.pixels.begin(), sets.test.pixels.end(), sets.train.pixels.begin()));
}

}  // namespace
}  // namespace meridian
