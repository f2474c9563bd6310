// Goal: inputs made with a set's normalisation have mean 0 and variance 1 over the set.
// How: a set with a known mean and deviation, a random one measured, and one of equal pixels.
#include "src/data/image_set.h"

#include <gtest/gtest.h>

#include <cmath>

#include "src/base/random.h"

namespace meridian {
namespace {

TEST(Normalisation, KnowsMeanAndDeviation) {
  const ImageSet set{1, 2, {0, 200, 200, 0}, {0, 0}};
  const Normalisation normalisation = normalisation_of(set);
  EXPECT_FLOAT_EQ(normalisation.scale, 0.01F);
  EXPECT_FLOAT_EQ(normalisation.shift, -1.0F);
}

TEST(Normalisation, GivesMeanZeroAndVarianceOne) {
  ImageSet set{10, 10, std::vector<std::uint8_t>(5000), std::vector<std::uint8_t>(50)};
  Random random(4);
  for (std::uint8_t& pixel : set.pixels)
    pixel = static_cast<std::uint8_t>(random.below(90) * random.below(3));
  const Normalisation normalisation = normalisation_of(set);
  double sum = 0.0;
  double squares = 0.0;
  for (const std::uint8_t pixel : set.pixels) {
    const double input =
        static_cast<double>(static_cast<float>(pixel) * normalisation.scale + normalisation.shift);
    sum += input;
    squares += input * input;
  }
  EXPECT_NEAR(sum / 5000.0, 0.0, 1e-6);
  EXPECT_NEAR(squares / 5000.0, 1.0, 1e-5);
}

TEST(Normalisation, StaysFiniteWhereAllPixelsAreEqual) {
  const ImageSet set{1, 2, {7, 7}, {0}};
  EXPECT_EQ(normalisation_of(set).scale, 1.0F);
  EXPECT_EQ(normalisation_of(set).shift, -7.0F);
}

TEST(Normalisation, IsTheSameByPublishedFiguresOfPixelsUpToOne) {
  // The set of the first test: mean 100 / 255, deviation the same.
  const Normalisation normalisation = normalisation_by(100.0 / 255.0, 100.0 / 255.0);
  EXPECT_FLOAT_EQ(normalisation.scale, 0.01F);
  EXPECT_FLOAT_EQ(normalisation.shift, -1.0F);
}

}  // namespace
}  // namespace meridian
