#include "src/data/generated_sparse_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "src/base/random.h"
#include "src/data/distinct_draws.h"
#include "src/data/distributions.h"

namespace meridian {
namespace {

constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
constexpr double kLargestExponent = 10.0;

Failure check(const GeneratedSparseSamplesOptions& options) {
  if (options.samples == 0 || options.samples > kMost || options.held_out_samples > kMost) {
    return Error{
        fmt::format("generated samples: {} samples and {} held out; expected at least 1 and at most {}",
                    options.samples, options.held_out_samples, kMost)};
  }
  if (options.features < 2 || options.features > kMost) {
    return Error{fmt::format("generated samples: features is {}; expected 2 to {}", options.features, kMost)};
  }
  struct Parameter {
    const char* name;
    double value;
    double least;
    double most;
  };
  for (const Parameter& parameter : std::array<Parameter, 4>{{
           {"features_per_sample", options.features_per_sample, 0.0,
            static_cast<double>(options.features) / 2.0},
           {"exponent", options.exponent, 0.0, kLargestExponent},
           {"relevant", options.relevant, 0.0, 1.0},
           {"margin", options.margin, 0.0, std::numeric_limits<float>::max()},
       }}) {
    if (!(parameter.value >= parameter.least && parameter.value <= parameter.most)) {
      return Error{fmt::format("generated samples: {} is {}; expected {} to {}", parameter.name,
                               parameter.value, parameter.least, parameter.most)};
    }
  }
  return {};
}

/// Draws samples, each from a random source of its own.
class SampleSource {
 public:
  explicit SampleSource(const GeneratedSparseSamplesOptions& options)
      : options_(options), draws_(popularities(options)), weights_(options.features) {
    Random random = Random::for_parts(options.seed, {hash_text("generated weights")});
    for (float& weight : weights_) {
      const bool relevant = random.uniform() < options.relevant;
      const double drawn = random.normal();
      weight = relevant ? static_cast<float>(drawn) : 0.0F;
    }
    fit_margin();
  }

  const std::vector<float>& weights() const { return weights_; }
  double intercept() const { return intercept_; }

  SparseSamples draw_set(const char* name, std::size_t count) {
    SparseSamples set;
    set.features = options_.features;
    set.label_values = {-1.0F, 1.0F};
    set.source_sizes = {count};
    for (std::size_t i = 0; i < count; ++i) {
      Random random = Random::for_parts(options_.seed, {hash_text(name), i});
      draw_features(random, set);
      set.labels.push_back(random.uniform() < probability(set, i) ? 1 : 0);
    }
    return set;
  }

  /// Of class 1, for a sample of `set`.
  double probability(const SparseSamples& set, std::size_t sample) const {
    return 1.0 / (1.0 + std::exp(-logit(set, sample)));
  }

 private:
  static std::vector<double> popularities(const GeneratedSparseSamplesOptions& options) {
    Random random = Random::for_parts(options.seed, {hash_text("generated feature popularity")});
    return power_law_weights(random, options.features, options.exponent);
  }

  void draw_features(Random& random, SparseSamples& set) {
    const std::size_t wanted = std::max(1U, draw_poisson(random, options_.features_per_sample));
    drawn_.resize(std::min(wanted, options_.features));
    draws_.draw(random, drawn_);
    std::sort(drawn_.begin(), drawn_.end());
    for (const std::uint32_t feature : drawn_) {
      set.feature.push_back(feature);
      set.value.push_back(options_.binary ? 1.0F : static_cast<float>(2.0 * (1.0 - random.uniform())));
    }
    set.offsets.push_back(set.entries());
  }

  double logit(const SparseSamples& set, std::size_t sample) const {
    double sum = intercept_;
    for (std::size_t k = set.offsets[sample]; k < set.offsets[sample + 1]; ++k) {
      sum += static_cast<double>(weights_[set.feature[k]]) * static_cast<double>(set.value[k]);
    }
    return sum;
  }

  // Scales weights and shifts logits by what samples of their own, which nothing else uses, show.
  void fit_margin() {
    constexpr std::size_t kSamples = 4000;
    SparseSamples set;
    double sum = 0.0;
    double squares = 0.0;
    for (std::size_t i = 0; i < kSamples; ++i) {
      Random random = Random::for_parts(options_.seed, {hash_text("generated margin"), i});
      draw_features(random, set);
      const double value = logit(set, i);
      sum += value;
      squares += value * value;
    }
    const double mean = sum / kSamples;
    const double deviation = std::sqrt(std::max(0.0, squares / kSamples - mean * mean));
    if (deviation < 1e-9) return;
    const double scale = options_.margin / deviation;
    for (float& weight : weights_) weight = static_cast<float>(weight * scale);
    intercept_ = -mean * scale;
  }

  const GeneratedSparseSamplesOptions& options_;
  DistinctDraws draws_;
  std::vector<float> weights_;
  double intercept_ = 0.0;
  std::vector<std::uint32_t> drawn_;
};

void measure_bayes(const SampleSource& source, const SparseSamples& set, GeneratedSparseSamples& generated) {
  const auto entropy_part = [](double p) { return p > 0.0 ? -p * std::log(p) : 0.0; };
  double right = 0.0;
  double loss = 0.0;
  for (std::size_t i = 0; i < set.size(); ++i) {
    const double p = source.probability(set, i);
    right += std::max(p, 1.0 - p);
    loss += entropy_part(p) + entropy_part(1.0 - p);
  }
  generated.bayes_accuracy = right / static_cast<double>(set.size());
  generated.bayes_loss = loss / static_cast<double>(set.size());
}

}  // namespace

Result<GeneratedSparseSamples> generate_sparse_samples(const GeneratedSparseSamplesOptions& options) {
  if (Failure failure = check(options)) return std::move(*failure);
  SampleSource source(options);
  GeneratedSparseSamples generated;
  generated.train = source.draw_set("generated samples", options.samples);
  generated.held_out = source.draw_set("generated held-out samples", options.held_out_samples);
  generated.weights = source.weights();
  generated.intercept = source.intercept();
  measure_bayes(source, options.held_out_samples > 0 ? generated.held_out : generated.train, generated);
  return generated;
}

}  // namespace meridian
