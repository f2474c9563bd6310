// Goal: a convolution and both its gradients are right for every mix of sizes, stride and padding, whatever
// the number of samples, give the same bits wherever operands lie and from any thread. How: plain loops in
// double precision over seeded random values are the reference.
#include "src/math/convolution.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "src/base/check.h"
#include "src/base/float_buffer.h"
#include "src/base/random.h"

namespace meridian {
namespace {

struct Case {
  ConvolutionShape shape;
  std::size_t samples;
};

std::string text_of(const Case& c) {
  const ConvolutionShape& shape = c.shape;
  return fmt::format("{} of {} x {} x {}, {} kernels of {}, stride {}, padding {}", c.samples, shape.channels,
                     shape.height, shape.width, shape.filters, shape.kernel, shape.stride, shape.padding);
}

std::vector<Case> cases() {
  std::vector<Case> result{
      {{1, 28, 28, 6, 5, 1, 2}, 3}, {{6, 14, 14, 16, 5, 1, 0}, 3}, {{1, 1, 1, 1, 1, 1, 0}, 1},
      {{3, 9, 7, 4, 3, 2, 1}, 2},   {{16, 6, 6, 32, 3, 1, 1}, 2},  {{17, 5, 8, 19, 3, 1, 1}, 2},
      {{5, 8, 8, 7, 3, 2, 0}, 2},   {{2, 10, 11, 3, 4, 3, 2}, 2},  {{20, 7, 7, 33, 1, 1, 0}, 2},
      {{1, 5, 5, 1, 5, 1, 4}, 1},   {{48, 3, 3, 4, 3, 1, 1}, 1},
  };
  // Stride and padding at random; sizes such that the last windows leave rows unread in some.
  Random random(17);
  for (int i = 0; i < 25; ++i) {
    ConvolutionShape shape;
    shape.channels = 1 + random.below(20);
    shape.filters = 1 + random.below(20);
    shape.kernel = 1 + random.below(4);
    shape.stride = 1 + random.below(3);
    shape.padding = random.below(shape.kernel);
    shape.height = shape.kernel + random.below(7);
    shape.width = shape.kernel + random.below(7);
    result.push_back({shape, 1 + random.below(4)});
  }
  return result;
}

FloatBuffer random_values(Random& random, std::size_t size) {
  FloatBuffer values(size);
  for (float& value : values.span()) value = static_cast<float>(random.normal());
  return values;
}

struct Operands {
  FloatBuffer input, weight, bias, output_gradient;
};

Operands random_operands(const Case& c) {
  Random random(c.shape.input_size());
  return {random_values(random, c.samples * c.shape.input_size()),
          random_values(random, c.shape.weight_size()), random_values(random, c.shape.filters),
          random_values(random, c.samples * c.shape.output_size())};
}

/// Calls visit(input index, weight index, output index, filter) for every product of the convolution.
template <typename Visit>
void for_each_product(const Case& c, Visit visit) {
  const ConvolutionShape& s = c.shape;
  const std::size_t rows = s.output_height();
  const std::size_t columns = s.output_width();
  for (std::size_t sample = 0; sample < c.samples; ++sample) {
    for (std::size_t out = 0; out < s.output_size(); ++out) {
      const std::size_t filter = out / (rows * columns);
      const std::size_t top = out / columns % rows * s.stride;
      const std::size_t left = out % columns * s.stride;
      for (std::size_t k = 0; k < s.channels * s.kernel * s.kernel; ++k) {
        const std::size_t channel = k / (s.kernel * s.kernel);
        const std::size_t y = top + k / s.kernel % s.kernel;
        const std::size_t x = left + k % s.kernel;
        if (y < s.padding || y >= s.height + s.padding || x < s.padding || x >= s.width + s.padding) continue;
        visit(((sample * s.channels + channel) * s.height + y - s.padding) * s.width + x - s.padding,
              filter * s.channels * s.kernel * s.kernel + k, sample * s.output_size() + out, filter);
      }
    }
  }
}

double product(float a, float b) { return static_cast<double>(a) * static_cast<double>(b); }

// Each entry is a sum of products of size about 1: its rounding error grows with the square root of how many.
void expect_near(const FloatBuffer& found, const std::vector<double>& expected, std::size_t terms,
                 const std::string& what) {
  ASSERT_EQ(found.size(), expected.size());
  const double tolerance = 2e-6 * (4.0 + 3.0 * std::sqrt(static_cast<double>(terms)));
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_NEAR(found[i], expected[i], tolerance) << what << " at " << i;
}

struct Results {
  FloatBuffer output, input_gradient, weight_gradient, bias_gradient;
};

Results compute(const Convolution& convolution, const Case& c, const Operands& operands) {
  const ConvolutionShape& shape = c.shape;
  Results results{FloatBuffer(c.samples * shape.output_size()), FloatBuffer(c.samples * shape.input_size()),
                  FloatBuffer(shape.weight_size()), FloatBuffer(shape.filters)};
  // What was there before must not count.
  for (FloatBuffer* buffer :
       {&results.output, &results.input_gradient, &results.weight_gradient, &results.bias_gradient})
    std::ranges::fill(buffer->span(), std::numeric_limits<float>::quiet_NaN());
  const ConstMatrix input{operands.input.data(), c.samples, shape.input_size()};
  const ConstMatrix gradient{operands.output_gradient.data(), c.samples, shape.output_size()};
  convolution.forward(input, operands.weight.span(), operands.bias.span(),
                      {results.output.data(), c.samples, shape.output_size()});
  convolution.backward_data(gradient, operands.weight.span(),
                            {results.input_gradient.data(), c.samples, shape.input_size()});
  convolution.backward_weights(input, gradient, results.weight_gradient.span(), results.bias_gradient.span());
  return results;
}

void expect_right(const Case& c) {
  const std::string what = text_of(c);
  const Operands operands = random_operands(c);
  const Convolution convolution(c.shape);
  const Results results = compute(convolution, c, operands);
  std::vector<double> output(results.output.size());
  std::vector<double> input_gradient(results.input_gradient.size());
  std::vector<double> weight_gradient(results.weight_gradient.size());
  std::vector<double> bias_gradient(results.bias_gradient.size());
  const std::size_t pixels = c.shape.output_height() * c.shape.output_width();
  for (std::size_t i = 0; i < output.size(); ++i) {
    const std::size_t filter = i / pixels % c.shape.filters;
    output[i] = static_cast<double>(operands.bias[filter]);
    bias_gradient[filter] += static_cast<double>(operands.output_gradient[i]);
  }
  for_each_product(c, [&](std::size_t in, std::size_t weight, std::size_t out, std::size_t /*filter*/) {
    output[out] += product(operands.input[in], operands.weight[weight]);
    input_gradient[in] += product(operands.output_gradient[out], operands.weight[weight]);
    weight_gradient[weight] += product(operands.output_gradient[out], operands.input[in]);
  });
  const std::size_t taps = c.shape.kernel * c.shape.kernel;
  expect_near(results.output, output, c.shape.channels * taps, what + ", output");
  expect_near(results.input_gradient, input_gradient, c.shape.filters * taps, what + ", input gradient");
  expect_near(results.weight_gradient, weight_gradient, c.samples * pixels, what + ", weight gradient");
  expect_near(results.bias_gradient, bias_gradient, c.samples * pixels, what + ", bias gradient");
}

TEST(Convolution, AgreesWithADoubleLoop) {
  for (const Case& c : cases()) {
    expect_right(c);
    if (HasFatalFailure()) return;
  }
}

TEST(Convolution, AgreesWithADoubleLoopBeyondOneBlockOfSamples) {
  // More samples than stay in the second-level cache together, so that the work is cut into blocks.
  expect_right({{4, 16, 16, 24, 3, 1, 1}, 90});
  expect_right({{1, 28, 28, 6, 5, 1, 2}, 41});
}

TEST(Convolution, OneObjectTakesAnyNumberOfSamples) {
  // More numbers than it keeps compiled, and again the first of them: all as a fresh object says.
  const ConvolutionShape shape{3, 8, 8, 5, 3, 1, 1};
  const Convolution kept(shape);
  for (std::size_t round = 0; round < 2; ++round) {
    for (std::size_t samples = 1; samples <= 12; ++samples) {
      const Case c{shape, samples};
      const Operands operands = random_operands(c);
      const Results results = compute(kept, c, operands);
      const Results expected = compute(Convolution(shape), c, operands);
      ASSERT_TRUE(std::ranges::equal(results.output.span(), expected.output.span())) << samples;
      ASSERT_TRUE(std::ranges::equal(results.weight_gradient.span(), expected.weight_gradient.span()));
      ASSERT_TRUE(std::ranges::equal(results.input_gradient.span(), expected.input_gradient.span()));
    }
  }
}

TEST(Convolution, NoSamplesGiveNoGradient) {
  const ConvolutionShape shape{2, 4, 4, 3, 3, 1, 1};
  const Case none{shape, 0};
  const Results results = compute(Convolution(shape), none, random_operands(none));
  EXPECT_TRUE(std::ranges::all_of(results.weight_gradient.span(), [](float value) { return value == 0.0F; }));
  EXPECT_TRUE(std::ranges::all_of(results.bias_gradient.span(), [](float value) { return value == 0.0F; }));
}

TEST(Convolution, GivesTheSameBitsWhereverOperandsLie) {
  for (const Case& c : {Case{{6, 14, 14, 16, 5, 1, 0}, 4}, Case{{1, 12, 12, 7, 3, 1, 1}, 4}}) {
    const Operands operands = random_operands(c);
    const Convolution convolution(c.shape);
    const Results expected = compute(convolution, c, operands);
    for (const std::size_t offset : {1U, 2U, 3U, 5U}) {
      FloatBuffer input(operands.input.size() + offset);
      FloatBuffer gradient(operands.output_gradient.size() + offset);
      FloatBuffer output(expected.output.size() + offset);
      FloatBuffer weight_gradient(expected.weight_gradient.size() + offset);
      FloatBuffer bias_gradient(expected.bias_gradient.size());
      std::ranges::copy(operands.input.span(), input.data() + offset);
      std::ranges::copy(operands.output_gradient.span(), gradient.data() + offset);
      const ConstMatrix moved{input.data() + offset, c.samples, c.shape.input_size()};
      convolution.forward(moved, operands.weight.span(), operands.bias.span(),
                          {output.data() + offset, c.samples, c.shape.output_size()});
      convolution.backward_weights(moved, {gradient.data() + offset, c.samples, c.shape.output_size()},
                                   weight_gradient.span().subspan(offset), bias_gradient.span());
      EXPECT_TRUE(std::ranges::equal(output.span().subspan(offset), expected.output.span())) << offset;
      EXPECT_TRUE(std::ranges::equal(weight_gradient.span().subspan(offset), expected.weight_gradient.span()))
          << offset;
    }
  }
}

TEST(Convolution, ManyThreadsMayShareOne) {
  const Case c{{6, 14, 14, 16, 5, 1, 0}, 5};
  const Operands operands = random_operands(c);
  const Results expected = compute(Convolution(c.shape), c, operands);
  const Convolution shared(c.shape);
  std::vector<Results> results(4);
  std::vector<std::thread> threads;
  threads.reserve(results.size());
  for (Results& result : results) threads.emplace_back([&] { result = compute(shared, c, operands); });
  for (std::thread& thread : threads) thread.join();
  for (const Results& result : results) {
    EXPECT_TRUE(std::ranges::equal(result.output.span(), expected.output.span()));
    EXPECT_TRUE(std::ranges::equal(result.input_gradient.span(), expected.input_gradient.span()));
    EXPECT_TRUE(std::ranges::equal(result.weight_gradient.span(), expected.weight_gradient.span()));
  }
}

TEST(Convolution, RefusesWhatDoesNotFit) {
  EXPECT_THROW(Convolution({1, 2, 9, 1, 3, 1, 0}), BrokenInvariant);
  EXPECT_THROW(Convolution({1, 9, 9, 1, 3, 0, 0}), BrokenInvariant);
  EXPECT_THROW(Convolution({1, 9, 9, 1, 3, 1, 3}), BrokenInvariant);
  const Convolution convolution({1, 4, 4, 2, 3, 1, 0});
  std::vector<float> values(100);
  EXPECT_THROW(convolution.forward({values.data(), 1, 15}, std::span(values).first(18),
                                   std::span(values).first(2), {values.data(), 1, 8}),
               BrokenInvariant);
  EXPECT_THROW(convolution.forward({values.data(), 1, 16}, std::span(values).first(17),
                                   std::span(values).first(2), {values.data(), 1, 8}),
               BrokenInvariant);
}

}  // namespace
}  // namespace meridian
