// Goal: a network made from a description has the layers and tables it says, its gradient is the derivative
// of its loss through every kind of layer at once, it learns images, and what does not fit is refused by
// name. How: differences of the loss along random directions; training on generated images; messages
// compared.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "src/base/random.h"
#include "src/data/generated_images.h"
#include "src/model/network.h"

namespace meridian {
namespace {

using testing::HasSubstr;

LayerDescription convolution(std::size_t filters, std::size_t kernel, std::size_t padding = 0) {
  return {.kind = "conv", .outputs = filters, .kernel = kernel, .padding = padding};
}
LayerDescription pool(const char* kind, std::size_t side) {
  return {.kind = kind, .kernel = side, .stride = side};
}
LayerDescription dense(std::size_t outputs) { return {.kind = "dense", .outputs = outputs}; }
LayerDescription dropout(double rate) { return {.kind = "dropout", .rate = rate}; }
LayerDescription group_norm(std::size_t groups) { return {.kind = "group_norm", .groups = groups}; }
LayerDescription rectifier() { return {.kind = "relu"}; }

Network make(const std::vector<LayerDescription>& layers, const ImageShape& input, std::size_t classes) {
  Result<Network> network = Network::from_description(layers, input, classes);
  return std::move(network).value();
}

std::string refusal(const std::vector<LayerDescription>& layers, const ImageShape& input = {1, 28, 28}) {
  const Result<Network> network = Network::from_description(layers, input, 10);
  return network.ok() ? "" : network.error().message;
}

struct Tables {
  explicit Tables(const Network& network) {
    for (const TableSpec& table : network.tables()) buffers.emplace_back(table.size());
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      network.fill_initial_values(i, 3, buffers[i].span());
      spans.push_back(buffers[i].span());
      views.emplace_back(buffers[i].span());
    }
  }
  std::vector<FloatBuffer> buffers;
  std::vector<std::span<float>> spans;
  std::vector<std::span<const float>> views;
};

// The order puts rectifiers and dropout after layers that allow them to work in place and after ones that do
// not.
std::vector<LayerDescription> every_kind() {
  return {dropout(0.1),
          convolution(4, 3, 1),
          group_norm(2),
          rectifier(),
          dropout(0.2),
          pool("max_pool", 2),
          rectifier(),
          convolution(6, 3),
          pool("average_pool", 2),
          rectifier(),
          dense(9),
          rectifier(),
          dropout(0.3),
          dense(8),
          rectifier()};
}

TEST(ConvolutionalNetwork, NamesItsTables) {
  const Network network =
      make({convolution(6, 5, 2), rectifier(), pool("max_pool", 2), group_norm(2), dropout(0.2), dense(120)},
           {1, 28, 28}, 10);
  EXPECT_THAT(
      network.tables(),
      testing::ElementsAre(TableSpec{"layer0.weight", 6, 25}, TableSpec{"layer0.bias", 6, 1},
                           TableSpec{"layer1.scale", 6, 1}, TableSpec{"layer1.shift", 6, 1},
                           TableSpec{"layer2.weight", 120, 6 * 14 * 14}, TableSpec{"layer2.bias", 120, 1},
                           TableSpec{"layer3.weight", 10, 120}, TableSpec{"layer3.bias", 10, 1}));
  EXPECT_EQ(network.inputs(), 784U);
  EXPECT_EQ(network.classes(), 10U);
}

TEST(ConvolutionalNetwork, ADescribedPerceptronIsThePerceptron) {
  const std::vector<std::size_t> hidden{20, 15};
  const Network described = make({dense(20), rectifier(), dense(15), rectifier()}, {1, 6, 6}, 4);
  const Network perceptron = Network::perceptron(36, hidden, 4);
  ASSERT_EQ(described.tables(), perceptron.tables());
  Tables parameters(described);
  std::vector<float> input(36 * 5);
  Random random(2);
  for (float& value : input) value = static_cast<float>(random.normal());
  const std::vector<std::uint8_t> labels{0, 1, 2, 3, 0};
  Tables one(described);
  Tables other(described);
  NetworkScratch scratch;
  described.compute_gradient({input.data(), 5, 36}, labels, parameters.views, one.spans, scratch);
  perceptron.compute_gradient({input.data(), 5, 36}, labels, parameters.views, other.spans, scratch);
  for (std::size_t table = 0; table < one.spans.size(); ++table)
    EXPECT_TRUE(std::ranges::equal(one.spans[table], other.spans[table]));
}

TEST(ConvolutionalNetwork, GradientIsTheDerivativeOfTheSummedLoss) {
  const ImageShape image{2, 10, 10};
  const Network network = make(every_kind(), image, 4);
  Tables parameters(network);
  constexpr std::size_t kSamples = 40;
  std::vector<float> input(kSamples * image.size());
  Random random(6);
  // Without biases a sample whose values are all cut off would sit exactly on the next rectifier's kink.
  for (const std::span<float> table : parameters.spans) {
    for (float& value : table) value += static_cast<float>(0.2 * random.normal());
  }
  for (float& value : input) value = static_cast<float>(random.normal());
  std::vector<std::uint8_t> labels(kSamples);
  for (std::uint8_t& label : labels) label = static_cast<std::uint8_t>(random.below(4));
  Tables gradient(network);
  Tables unused(network);
  NetworkScratch scratch;
  const LayerContext context{.seed = 8, .place = {0, 1}, .clock = 3};
  const auto loss = [&](const Tables& into) {
    return network
        .compute_gradient({input.data(), kSamples, image.size()}, labels, parameters.views, into.spans,
                          scratch, context)
        .loss_sum;
  };
  loss(gradient);
  for (std::size_t table = 0; table < gradient.spans.size(); ++table) {
    const std::span<float> values = parameters.spans[table];
    const std::vector<float> before(values.begin(), values.end());
    double expected = 0.0;
    double length = 0.0;
    std::vector<double> direction(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      direction[i] = random.normal();
      expected += direction[i] * static_cast<double>(gradient.spans[table][i]);
      length += std::pow(static_cast<double>(gradient.spans[table][i]), 2.0);
    }
    // Small enough that few of the thousands of rectifiers change sides; rounding of the loss, about 1e-6,
    // then costs some 1e-3 of slopes of size 1.
    constexpr double kStep = 1e-4;
    const auto move = [&](double by) {
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(static_cast<double>(before[i]) + by * direction[i]);
    };
    move(kStep);
    const double above = loss(unused);
    move(-kStep);
    const double slope = (above - loss(unused)) / (2.0 * kStep);
    move(0.0);
    EXPECT_NEAR(slope, expected, 0.01 * std::sqrt(length) + 0.01) << network.tables()[table].name;
  }
}

TEST(ConvolutionalNetwork, SameContextSameBits) {
  const ImageShape image{2, 10, 10};
  const Network network = make(every_kind(), image, 4);
  const Tables parameters(network);
  const std::vector<float> input(5 * image.size(), 0.3F);
  const std::vector<std::uint8_t> labels{0, 1, 2, 3, 0};
  const auto gradient_at = [&](Clock clock, NetworkScratch& scratch) {
    const Tables gradient(network);
    network.compute_gradient({input.data(), 5, image.size()}, labels, parameters.views, gradient.spans,
                             scratch, {.seed = 1, .clock = clock});
    return std::vector<float>(gradient.spans[0].begin(), gradient.spans[0].end());
  };
  NetworkScratch one;
  NetworkScratch other;
  const std::vector<float> first = gradient_at(1, one);
  EXPECT_NE(gradient_at(2, one), first);
  EXPECT_EQ(gradient_at(1, one), first);
  EXPECT_EQ(gradient_at(1, other), first);
}

TEST(ConvolutionalNetwork, ASmallLeNetLearnsGeneratedImages) {
  const TrainAndTest data = generate_images(20, 4000, 300);
  const Network network = make({convolution(4, 5, 2), rectifier(), pool("max_pool", 2), convolution(8, 5),
                                rectifier(), pool("max_pool", 2), dense(32), rectifier()},
                               {1, kGeneratedSide, kGeneratedSide}, kGeneratedClasses);
  const Normalisation normalisation = normalisation_of(data.train);
  const auto inputs_of = [&](const ImageSet& set) {
    std::vector<float> inputs(set.pixels.size());
    scale_bytes(set.pixels, normalisation.scale, normalisation.shift, inputs);
    return inputs;
  };
  const std::vector<float> train = inputs_of(data.train);
  const std::vector<float> test = inputs_of(data.test);
  const std::size_t pixels = network.inputs();
  Tables parameters(network);
  const Tables gradient(network);
  NetworkScratch scratch;
  const auto correct = [&] {
    return network
        .evaluate({test.data(), data.test.size(), pixels}, data.test.labels, parameters.views, scratch)
        .correct;
  };
  EXPECT_LT(correct(), data.test.size() / 4);
  constexpr std::size_t kBatch = 50;
  constexpr float kRate = 0.05F;
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    for (std::size_t start = 0; start < data.train.size(); start += kBatch) {
      network.compute_gradient({train.data() + start * pixels, kBatch, pixels},
                               std::span(data.train.labels).subspan(start, kBatch), parameters.views,
                               gradient.spans, scratch);
      for (std::size_t table = 0; table < gradient.spans.size(); ++table) {
        for (std::size_t i = 0; i < gradient.spans[table].size(); ++i)
          parameters.spans[table][i] -= kRate / static_cast<float>(kBatch) * gradient.spans[table][i];
      }
    }
  }
  // Chance gives a tenth; the set is a hard one for so few images.
  EXPECT_GT(correct(), data.test.size() * 4 / 10);
}

TEST(ConvolutionalNetwork, RefusesWhatDoesNotFitByPositionAndShapes) {
  EXPECT_EQ(refusal({convolution(6, 5, 2), pool("max_pool", 2)}), "");
  EXPECT_EQ(
      refusal({pool("max_pool", 14), convolution(3, 5, 1)}),
      "layers[1] (conv, kernel 5 x 5, padding 1) gets images of 1 x 2 x 2; expected at least 3 x 3 pixels");
  EXPECT_EQ(
      refusal({dense(30), pool("max_pool", 2)}),
      "layers[1] (max_pool, windows of 2 x 2) gets images of 30 x 1 x 1; expected at least 2 x 2 pixels");
  EXPECT_EQ(refusal({convolution(6, 3), group_norm(4)}),
            "layers[1] (group_norm, 4 groups) gets images of 6 x 26 x 26; expected channels that 4 groups "
            "divide evenly");
  EXPECT_THAT(refusal({convolution(6, 3, 3)}), HasSubstr("expected padding below the kernel's 3, not 3"));
  EXPECT_THAT(refusal({convolution(0, 3)}), HasSubstr("channels out of it, not 0"));
  EXPECT_THAT(refusal({convolution(6, 0)}), HasSubstr("expected a kernel and a stride from 1"));
  EXPECT_THAT(refusal({dropout(1.0)}), HasSubstr("layers[0] (dropout) gets images of 1 x 28 x 28"));
  EXPECT_THAT(refusal({dense(0)}), HasSubstr("not 0 outputs"));
  EXPECT_THAT(refusal({LayerDescription{.kind = "pool"}}), HasSubstr("expected the kind conv, max_pool"));
}

}  // namespace
}  // namespace meridian
