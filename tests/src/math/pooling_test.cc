// Goal: pooling and its gradients are right for windows that touch, overlap or leave entries unread, and
// where a window's largest value is there several times the first gets the gradient. How: plain loops over
// windows are the reference; sums are few and small enough to be exact.
#include "src/math/pooling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "src/base/check.h"
#include "src/base/random.h"

namespace meridian {
namespace {

using testing::ElementsAre;

std::vector<PoolingShape> shapes() {
  return {{1, 2, 2, 2, 2}, {3, 28, 28, 2, 2}, {2, 7, 5, 2, 2}, {2, 9, 9, 3, 2},  {2, 8, 37, 3, 3},
          {1, 6, 6, 3, 1}, {2, 5, 5, 1, 2},   {4, 6, 7, 6, 1}, {2, 66, 35, 2, 2}};
}

/// Small whole numbers, many of them equal: ties are common and sums exact.
std::vector<float> random_integers(Random& random, std::size_t size) {
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(random.below(5)) - 2.0F;
  return values;
}

/// Calls visit(output index, input indices of its window by rows).
template <typename Visit>
void for_each_window(const PoolingShape& shape, std::size_t samples, Visit visit) {
  const std::size_t rows = shape.output_height();
  const std::size_t columns = shape.output_width();
  for (std::size_t out = 0; out < samples * shape.output_size(); ++out) {
    const std::size_t plane = out / (rows * columns);
    std::vector<std::size_t> window;
    for (std::size_t y = 0; y < shape.kernel; ++y) {
      for (std::size_t x = 0; x < shape.kernel; ++x) {
        window.push_back((plane * shape.height + out / columns % rows * shape.stride + y) * shape.width +
                         out % columns * shape.stride + x);
      }
    }
    visit(out, window);
  }
}

constexpr std::size_t kSamples = 3;

TEST(MaxPooling, AgreesWithAPlainLoop) {
  Random random(3);
  for (const PoolingShape& shape : shapes()) {
    const std::vector<float> input = random_integers(random, kSamples * shape.input_size());
    const std::vector<float> gradient = random_integers(random, kSamples * shape.output_size());
    std::vector<float> expected(gradient.size());
    std::vector<float> expected_gradient(input.size());
    for_each_window(shape, kSamples, [&](std::size_t out, const std::vector<std::size_t>& window) {
      std::size_t largest = window.front();
      for (const std::size_t in : window) {
        if (input[in] > input[largest]) largest = in;
      }
      expected[out] = input[largest];
      expected_gradient[largest] += gradient[out];
    });
    std::vector<float> output(gradient.size(), 99.0F);
    std::vector<float> input_gradient(input.size(), 99.0F);
    max_pool(shape, {input.data(), kSamples, shape.input_size()},
             {output.data(), kSamples, shape.output_size()});
    max_pool_backward(shape, {input.data(), kSamples, shape.input_size()},
                      {output.data(), kSamples, shape.output_size()},
                      {gradient.data(), kSamples, shape.output_size()},
                      {input_gradient.data(), kSamples, shape.input_size()});
    EXPECT_EQ(output, expected) << shape.kernel << " by " << shape.stride;
    EXPECT_EQ(input_gradient, expected_gradient) << shape.kernel << " by " << shape.stride;
  }
}

TEST(MaxPooling, TheFirstOfEqualValuesGetsTheWholeGradient) {
  const PoolingShape shape{1, 2, 4, 2, 2};
  const std::vector<float> input{1, 5, 7, 7,  //
                                 5, 5, 7, 7};
  const std::vector<float> gradient{3, 4};
  std::vector<float> output(2);
  std::vector<float> input_gradient(8);
  max_pool(shape, {input.data(), 1, 8}, {output.data(), 1, 2});
  max_pool_backward(shape, {input.data(), 1, 8}, {output.data(), 1, 2}, {gradient.data(), 1, 2},
                    {input_gradient.data(), 1, 8});
  EXPECT_THAT(output, ElementsAre(5, 7));
  EXPECT_THAT(input_gradient, ElementsAre(0, 3, 4, 0, 0, 0, 0, 0));
}

TEST(AveragePooling, AgreesWithAPlainLoop) {
  Random random(4);
  for (const PoolingShape& shape : shapes()) {
    const std::vector<float> input = random_integers(random, kSamples * shape.input_size());
    const std::vector<float> gradient = random_integers(random, kSamples * shape.output_size());
    const float share = 1.0F / static_cast<float>(shape.kernel * shape.kernel);
    std::vector<float> expected(gradient.size());
    std::vector<float> expected_gradient(input.size());
    for_each_window(shape, kSamples, [&](std::size_t out, const std::vector<std::size_t>& window) {
      for (const std::size_t in : window) {
        expected[out] += input[in];
        expected_gradient[in] += gradient[out] * share;
      }
      expected[out] *= share;
    });
    std::vector<float> output(gradient.size(), 99.0F);
    std::vector<float> input_gradient(input.size(), 99.0F);
    average_pool(shape, {input.data(), kSamples, shape.input_size()},
                 {output.data(), kSamples, shape.output_size()});
    average_pool_backward(shape, {gradient.data(), kSamples, shape.output_size()},
                          {input_gradient.data(), kSamples, shape.input_size()});
    EXPECT_EQ(output, expected) << shape.kernel << " by " << shape.stride;
    // Windows that overlap add their parts in another order here than there.
    EXPECT_THAT(input_gradient, testing::Pointwise(testing::FloatNear(1e-5F), expected_gradient));
  }
}

TEST(Pooling, RefusesWhatDoesNotFit) {
  std::vector<float> values(100);
  EXPECT_THROW(max_pool({1, 3, 3, 4, 1}, {values.data(), 1, 9}, {values.data(), 1, 1}), BrokenInvariant);
  EXPECT_THROW(average_pool({1, 4, 4, 2, 2}, {values.data(), 1, 16}, {values.data() + 50, 1, 5}),
               BrokenInvariant);
}

}  // namespace
}  // namespace meridian
