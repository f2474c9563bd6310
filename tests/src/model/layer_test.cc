// Goal: what backward() of every kind of layer gives is the derivative of what forward() gives, by the input
// and by every table; in place, where a layer says that it can, as well as apart. How: central differences of
// a random weighted sum of the outputs.
#include "src/model/layer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/base/float_buffer.h"
#include "src/base/random.h"
#include "src/model/average_pool_layer.h"
#include "src/model/convolution_layer.h"
#include "src/model/dense_layer.h"
#include "src/model/dropout_layer.h"
#include "src/model/group_norm_layer.h"
#include "src/model/max_pool_layer.h"
#include "src/model/rectifier_layer.h"

namespace meridian {
namespace {

constexpr std::size_t kSamples = 3;
constexpr LayerContext kTraining{.trains = true, .seed = 4, .place = {1, 2}, .clock = 7};

struct Case {
  std::string name;
  std::function<std::unique_ptr<Layer>()> make;
  // Layers that are linear in the input and in each table allow a step as large as the values: no other
  // terms, and rounding (1e-7 of sums of up to some 100) does not grow. Piecewise linear ones need a step
  // that reaches no kink, which the inputs leave room for. The curvature of a normalisation allows a small
  // step only: the third derivative, about 10 here, leaves 10 * step^2 / 6, rounding 1e-6 / step.
  float step;
  double tolerance;
};

std::vector<Case> cases() {
  constexpr double kLinear = 1e-4;
  constexpr double kPiecewise = 3e-4;
  return {
      {"dense", [] { return std::make_unique<DenseLayer>("a", 7, 5); }, 0.5F, kLinear},
      {"convolution",
       [] {
         return std::make_unique<ConvolutionLayer>("a", ConvolutionShape{2, 6, 5, 3, 3, 1, 1});
       },
       0.5F, kLinear},
      {"strided",
       [] {
         return std::make_unique<ConvolutionLayer>("a", ConvolutionShape{3, 7, 6, 4, 3, 2, 0});
       },
       0.5F, kLinear},
      {"average_pool",
       [] {
         return std::make_unique<AveragePoolLayer>(PoolingShape{2, 5, 5, 3, 2});
       },
       0.5F, kLinear},
      {"dropout", [] { return std::make_unique<DropoutLayer>(3, 30, 0.4); }, 0.5F, kLinear},
      {"rectifier", [] { return std::make_unique<RectifierLayer>(30); }, 0.02F, kPiecewise},
      {"max_pool",
       [] {
         return std::make_unique<MaxPoolLayer>(PoolingShape{2, 6, 6, 2, 2});
       },
       0.02F, kPiecewise},
      {"overlapping_max_pool",
       [] {
         return std::make_unique<MaxPoolLayer>(PoolingShape{2, 5, 7, 3, 2});
       },
       0.02F, kPiecewise},
      {"group_norm",
       [] {
         return std::make_unique<GroupNormLayer>("a", GroupShape{4, 6, 2});
       },
       0.01F, 2e-3},
      {"one_group",
       [] {
         return std::make_unique<GroupNormLayer>("a", GroupShape{3, 5, 1});
       },
       0.01F, 2e-3},
  };
}

/// Values of one layer's tables, with the views its functions take.
struct LayerTables {
  explicit LayerTables(const Layer& layer) {
    for (const TableSpec& table : layer.tables()) buffers.emplace_back(table.size());
    for (FloatBuffer& buffer : buffers) {
      spans.push_back(buffer.span());
      views.emplace_back(buffer.span());
    }
  }
  std::vector<FloatBuffer> buffers;
  std::vector<std::span<float>> spans;
  std::vector<std::span<const float>> views;
};

class EveryLayer : public testing::TestWithParam<Case> {
 protected:
  EveryLayer() {
    Random random(11);
    // Multiples of 0.1 in random order, none 0: a step of 0.02 changes neither a sign nor what is larger.
    for (std::size_t i = 0; i < input_.size(); ++i)
      input_[i] = 0.1F * (static_cast<float>(i) - static_cast<float>(input_.size()) / 2.0F + 0.5F);
    for (std::size_t i = input_.size(); i > 1; --i) std::swap(input_[i - 1], input_[random.below(i)]);
    for (float& value : weights_.span()) value = static_cast<float>(random.normal());
    for (const std::span<float> table : parameters_.spans) {
      for (float& value : table) value = static_cast<float>(0.5 + random.normal());
    }
  }

  double weighted_sum() {
    FloatBuffer output(kSamples * layer_->outputs());
    layer_->forward(kTraining, {input_.data(), kSamples, layer_->inputs()}, parameters_.views,
                    {output.data(), kSamples, layer_->outputs()});
    double sum = 0.0;
    for (std::size_t i = 0; i < output.size(); ++i)
      sum += static_cast<double>(output[i]) * static_cast<double>(weights_[i]);
    return sum;
  }

  double slope(float& value) {
    const float before = value;
    value = before + GetParam().step;
    const float above = value;
    const double sum_above = weighted_sum();
    value = before - GetParam().step;
    const double change = sum_above - weighted_sum();
    const double distance = static_cast<double>(above) - static_cast<double>(value);
    value = before;
    return change / distance;
  }

  const std::unique_ptr<Layer> layer_ = GetParam().make();
  FloatBuffer input_{kSamples * layer_->inputs()};
  FloatBuffer weights_{kSamples * layer_->outputs()};  // of the sum; also its gradient by the output
  LayerTables parameters_{*layer_};
};

TEST_P(EveryLayer, GradientIsTheDerivative) {
  const ConstMatrix input{input_.data(), kSamples, layer_->inputs()};
  FloatBuffer output(kSamples * layer_->outputs());
  layer_->forward(kTraining, input, parameters_.views, {output.data(), kSamples, layer_->outputs()});
  FloatBuffer input_gradient(input.size());
  std::ranges::fill(input_gradient.span(), 1e30F);  // What was there before must not count.
  LayerTables gradient(*layer_);
  for (const std::span<float> table : gradient.spans) std::ranges::fill(table, 1e30F);
  layer_->backward(kTraining, input, {output.data(), kSamples, layer_->outputs()},
                   {weights_.data(), kSamples, layer_->outputs()}, parameters_.views, gradient.spans,
                   {input_gradient.data(), kSamples, layer_->inputs()});
  const double tolerance = GetParam().tolerance;
  for (std::size_t i = 0; i < input_.size(); ++i) {
    const double expected = slope(input_[i]);
    ASSERT_NEAR(input_gradient[i], expected, tolerance * (1.0 + std::abs(expected))) << "input " << i;
  }
  for (std::size_t table = 0; table < gradient.spans.size(); ++table) {
    for (std::size_t i = 0; i < gradient.spans[table].size(); ++i) {
      const double expected = slope(parameters_.spans[table][i]);
      ASSERT_NEAR(gradient.spans[table][i], expected, tolerance * (1.0 + std::abs(expected)))
          << layer_->tables()[table].name << " at " << i;
    }
  }
}

TEST_P(EveryLayer, WithoutAnInputGradientTheTablesGetTheSame) {
  const ConstMatrix input{input_.data(), kSamples, layer_->inputs()};
  FloatBuffer output(kSamples * layer_->outputs());
  const Matrix outputs{output.data(), kSamples, layer_->outputs()};
  const ConstMatrix output_gradient{weights_.data(), kSamples, layer_->outputs()};
  layer_->forward(kTraining, input, parameters_.views, outputs);
  FloatBuffer input_gradient(input.size());
  LayerTables with(*layer_);
  LayerTables without(*layer_);
  layer_->backward(kTraining, input, outputs, output_gradient, parameters_.views, with.spans,
                   {input_gradient.data(), kSamples, layer_->inputs()});
  layer_->backward(kTraining, input, outputs, output_gradient, parameters_.views, without.spans,
                   {nullptr, kSamples, layer_->inputs()});
  for (std::size_t table = 0; table < with.spans.size(); ++table)
    EXPECT_TRUE(std::ranges::equal(with.spans[table], without.spans[table]));
}

TEST_P(EveryLayer, InPlaceGivesWhatApartGives) {
  if (!layer_->works_in_place()) return;
  const ConstMatrix input{input_.data(), kSamples, layer_->inputs()};
  FloatBuffer output(input.size());
  FloatBuffer gradient(input.size());
  layer_->forward(kTraining, input, {}, {output.data(), kSamples, layer_->outputs()});
  layer_->backward(kTraining, input, {output.data(), kSamples, layer_->outputs()},
                   {weights_.data(), kSamples, layer_->outputs()}, {}, {},
                   {gradient.data(), kSamples, layer_->inputs()});
  const Matrix values{input_.data(), kSamples, layer_->inputs()};
  const Matrix gradients{weights_.data(), kSamples, layer_->outputs()};
  layer_->forward(kTraining, values, {}, values);
  layer_->backward(kTraining, values, values, gradients, {}, {}, gradients);
  EXPECT_TRUE(std::ranges::equal(input_.span(), output.span()));
  EXPECT_TRUE(std::ranges::equal(weights_.span(), gradient.span()));
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryLayer, testing::ValuesIn(cases()),
                         [](const auto& layer) { return layer.param.name; });

// ---- dropout

std::vector<float> dropped(const LayerContext& context, std::size_t position) {
  const DropoutLayer layer(position, 1000, 0.5);
  const std::vector<float> input(1000, 1.0F);
  std::vector<float> output(1000);
  layer.forward(context, {input.data(), 1, 1000}, {}, {output.data(), 1, 1000});
  return output;
}

TEST(DropoutLayer, DrawsBySeedPlaceClockAndPosition) {
  const std::vector<float> output = dropped(kTraining, 2);
  EXPECT_EQ(dropped(kTraining, 2), output);
  EXPECT_NE(dropped(kTraining, 3), output);
  LayerContext other = kTraining;
  other.seed = 5;
  EXPECT_NE(dropped(other, 2), output);
  other = kTraining;
  other.place.worker = 3;
  EXPECT_NE(dropped(other, 2), output);
  other = kTraining;
  other.place = {2, 1};
  EXPECT_NE(dropped(other, 2), output);
  other = kTraining;
  other.clock = 8;
  EXPECT_NE(dropped(other, 2), output);
}

TEST(DropoutLayer, PassesAllWhenNothingTrains) {
  LayerContext evaluating = kTraining;
  evaluating.trains = false;
  EXPECT_EQ(dropped(evaluating, 2), std::vector<float>(1000, 1.0F));
}

}  // namespace
}  // namespace meridian
