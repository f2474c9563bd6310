// Goal: a network's gradient is the derivative of its loss, for every kind of layer and every table, and sums
// over samples as the contract says. How: the gradient against central differences of the loss, on small
// networks of each shape; one batch against its two halves.
#include "src/model/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "src/base/check.h"
#include "src/base/random.h"
#include "src/model/dense_layer.h"
#include "src/model/rectifier_layer.h"

namespace meridian {
namespace {

/// Values for all tables of a network, with the views its functions take.
class Tables {
 public:
  explicit Tables(const Network& network) {
    for (const TableSpec& table : network.tables()) buffers_.emplace_back(table.size());
    for (FloatBuffer& buffer : buffers_) {
      spans_.push_back(buffer.span());
      views_.emplace_back(buffer.span());
    }
  }

  void fill_initial_values(const Network& network, std::uint64_t seed) {
    for (std::size_t i = 0; i < spans_.size(); ++i) network.fill_initial_values(i, seed, spans_[i]);
  }
  void fill(float value) {
    for (const std::span<float> table : spans_) std::fill(table.begin(), table.end(), value);
  }

  std::size_t size() const { return spans_.size(); }
  std::span<float> operator[](std::size_t i) const { return spans_[i]; }
  TablesView view() const { return views_; }
  TablesSpan span() const { return spans_; }

 private:
  std::vector<FloatBuffer> buffers_;
  std::vector<std::span<float>> spans_;
  std::vector<std::span<const float>> views_;
};

struct Samples {
  FloatBuffer inputs;
  std::vector<std::uint8_t> labels;
  std::size_t columns;

  ConstMatrix rows(std::size_t start, std::size_t count) const {
    return {inputs.data() + start * columns, count, columns};
  }
  std::span<const std::uint8_t> labels_of(std::size_t start, std::size_t count) const {
    return std::span(labels).subspan(start, count);
  }
};

Samples random_samples(std::size_t count, const Network& network, std::uint64_t seed) {
  Samples samples{FloatBuffer(count * network.inputs()), std::vector<std::uint8_t>(count), network.inputs()};
  Random random(seed);
  for (float& value : samples.inputs.span()) value = static_cast<float>(random.normal());
  for (std::uint8_t& label : samples.labels)
    label = static_cast<std::uint8_t>(random.below(network.classes()));
  return samples;
}

struct Named {
  std::string name;
  std::vector<std::size_t> hidden;
};

class EveryNetwork : public testing::TestWithParam<Named> {
 protected:
  const Network network_ = Network::perceptron(6, GetParam().hidden, 4);
};

// The loss in double precision, by plain loops over dense layers and rectifiers: finite differences of a
// single-precision loss would drown in its rounding.
double exact_loss(const Network& network, const Samples& samples, TablesView parameters) {
  double loss = 0.0;
  for (std::size_t sample = 0; sample < samples.labels.size(); ++sample) {
    const ConstMatrix row = samples.rows(sample, 1);
    std::vector<double> values(row.data, row.data + row.columns);
    for (std::size_t table = 0; table < parameters.size(); table += 2) {
      const TableSpec& weight = network.tables()[table];
      std::vector<double> next(weight.rows);
      for (std::size_t out = 0; out < weight.rows; ++out) {
        next[out] = static_cast<double>(parameters[table + 1][out]);
        for (std::size_t in = 0; in < weight.columns; ++in) {
          next[out] += static_cast<double>(parameters[table][out * weight.columns + in]) * values[in];
        }
        if (table + 2 < parameters.size()) next[out] = std::max(next[out], 0.0);
      }
      values = next;
    }
    double sum = 0.0;
    for (const double value : values) sum += std::exp(value);
    loss += std::log(sum) - values[samples.labels[sample]];
  }
  return loss;
}

TEST_P(EveryNetwork, GradientIsTheDerivativeOfTheSummedLoss) {
  Tables parameters(network_);
  parameters.fill_initial_values(network_, 5);
  Random random(6);
  for (std::size_t i = 1; i < parameters.size(); i += 2) {
    for (float& bias : parameters[i]) bias = static_cast<float>(0.3 * random.normal());
  }
  const Samples samples = random_samples(9, network_, 8);
  Tables gradient(network_);
  gradient.fill(1e30F);  // What was there before must not count.
  NetworkScratch scratch;
  const CrossEntropy result = network_.compute_gradient(samples.rows(0, 9), samples.labels, parameters.view(),
                                                        gradient.span(), scratch);
  EXPECT_NEAR(result.loss_sum, exact_loss(network_, samples, parameters.view()), 1e-5 * result.loss_sum);
  for (std::size_t table = 0; table < parameters.size(); ++table) {
    for (std::size_t i = 0; i < parameters[table].size(); ++i) {
      const float before = parameters[table][i];
      constexpr float kStep = 1e-4F;
      parameters[table][i] = before + kStep;
      const float above = parameters[table][i];
      const double loss_above = exact_loss(network_, samples, parameters.view());
      parameters[table][i] = before - kStep;
      const float below = parameters[table][i];
      const double loss_below = exact_loss(network_, samples, parameters.view());
      parameters[table][i] = before;
      const double slope =
          (loss_above - loss_below) / (static_cast<double>(above) - static_cast<double>(below));
      ASSERT_NEAR(gradient[table][i], slope, 1e-4 + 1e-4 * std::abs(slope))
          << network_.tables()[table].name << " at " << i;
    }
  }
}

TEST_P(EveryNetwork, GradientsOfTwoHalvesAddUpToTheWhole) {
  Tables parameters(network_);
  parameters.fill_initial_values(network_, 5);
  const Samples samples = random_samples(64, network_, 8);
  Tables whole(network_);
  Tables first(network_);
  Tables second(network_);
  NetworkScratch scratch;
  const auto gradient_of = [&](std::size_t start, std::size_t count, const Tables& into) {
    return network_
        .compute_gradient(samples.rows(start, count), samples.labels_of(start, count), parameters.view(),
                          into.span(), scratch)
        .loss_sum;
  };
  const double loss = gradient_of(0, 64, whole);
  EXPECT_NEAR(gradient_of(0, 32, first) + gradient_of(32, 32, second), loss, 1e-5 * loss);
  for (std::size_t table = 0; table < whole.size(); ++table) {
    for (std::size_t i = 0; i < whole[table].size(); ++i) {
      ASSERT_NEAR(first[table][i] + second[table][i], whole[table][i], 2e-5) << network_.tables()[table].name;
    }
  }
}

TEST_P(EveryNetwork, ScratchOfALargerBatchDoesNotShowInASmallerOne) {
  Tables parameters(network_);
  parameters.fill_initial_values(network_, 5);
  const Samples large = random_samples(40, network_, 1);
  const Samples small = random_samples(3, network_, 2);
  Tables fresh(network_);
  Tables reused(network_);
  NetworkScratch new_scratch;
  NetworkScratch old_scratch;
  network_.compute_gradient(small.rows(0, 3), small.labels, parameters.view(), fresh.span(), new_scratch);
  network_.compute_gradient(large.rows(0, 40), large.labels, parameters.view(), reused.span(), old_scratch);
  network_.compute_gradient(small.rows(0, 3), small.labels, parameters.view(), reused.span(), old_scratch);
  for (std::size_t table = 0; table < fresh.size(); ++table) {
    EXPECT_TRUE(std::ranges::equal(fresh[table], reused[table])) << table;
  }
}

TEST_P(EveryNetwork, EvaluationFindsTheLossOfTheGradient) {
  Tables parameters(network_);
  parameters.fill_initial_values(network_, 5);
  const Samples samples = random_samples(30, network_, 8);
  Tables gradient(network_);
  NetworkScratch scratch;
  const CrossEntropy trained = network_.compute_gradient(samples.rows(0, 30), samples.labels,
                                                         parameters.view(), gradient.span(), scratch);
  const CrossEntropy evaluated =
      network_.evaluate(samples.rows(0, 30), samples.labels, parameters.view(), scratch);
  EXPECT_EQ(evaluated.loss_sum, trained.loss_sum);
  EXPECT_EQ(evaluated.correct, trained.correct);
}

INSTANTIATE_TEST_SUITE_P(Shapes, EveryNetwork,
                         testing::Values(Named{"softmax", {}}, Named{"one_hidden", {5}},
                                         Named{"widening", {3, 17}}, Named{"three_hidden", {7, 5, 6}}),
                         [](const auto& shape) { return shape.param.name; });

TEST(Network, NamesItsTables) {
  const std::vector<std::size_t> hidden{128, 32};
  const Network network = Network::perceptron(784, hidden, 10);
  EXPECT_THAT(network.tables(),
              testing::ElementsAre(TableSpec{"layer0.weight", 128, 784}, TableSpec{"layer0.bias", 128, 1},
                                   TableSpec{"layer1.weight", 32, 128}, TableSpec{"layer1.bias", 32, 1},
                                   TableSpec{"layer2.weight", 10, 32}, TableSpec{"layer2.bias", 10, 1}));
}

TEST(Network, InitialValuesDependOnSeedAndNameOnly) {
  const std::vector<std::size_t> narrow{50};
  const std::vector<std::size_t> deep{50, 20};
  const Network one = Network::perceptron(200, narrow, 10);
  const Network other = Network::perceptron(200, deep, 10);
  const auto values = [](const Network& network, std::size_t table, std::uint64_t seed) {
    std::vector<float> result(network.tables()[table].size(), 9.0F);
    network.fill_initial_values(table, seed, result);
    return result;
  };
  EXPECT_EQ(values(one, 0, 3), values(other, 0, 3));
  EXPECT_NE(values(one, 0, 3), values(one, 0, 4));
  EXPECT_EQ(values(one, 1, 3), std::vector<float>(50, 0.0F));
  const std::vector<float> second = values(other, 2, 3);
  EXPECT_FALSE(std::equal(second.begin(), second.begin() + 100, values(one, 0, 3).begin()));
  // He: variance 2 / 200; the deviation of 10,000 samples' variance is 1.4 % of it.
  double squares = 0.0;
  for (const float value : values(one, 0, 3))
    squares += static_cast<double>(value) * static_cast<double>(value);
  EXPECT_NEAR(squares / 10000.0, 0.01, 0.0006);
}

TEST(Network, RefusesWhatDoesNotFit) {
  std::vector<std::unique_ptr<Layer>> layers;
  EXPECT_THROW(Network(std::move(layers)), BrokenInvariant);
  layers.clear();
  layers.push_back(std::make_unique<DenseLayer>("a", 4, 3));
  layers.push_back(std::make_unique<RectifierLayer>(5));
  EXPECT_THROW(Network(std::move(layers)), BrokenInvariant);
  const Network network = Network::perceptron(6, {}, 4);
  const Tables parameters(network);
  const Samples samples = random_samples(2, network, 1);
  NetworkScratch scratch;
  EXPECT_THROW(network.evaluate({samples.inputs.data(), 2, 5}, samples.labels, parameters.view(), scratch),
               BrokenInvariant);
}

}  // namespace
}  // namespace meridian
