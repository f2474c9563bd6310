// Generated samples of two classes and known truth: sparse features of power-law popularity and labels drawn
// from a logistic model, so that the best accuracy and loss that anything can reach are known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/base/result.h"
#include "src/data/sparse_samples.h"

namespace meridian {

struct GeneratedSparseSamplesOptions {
  std::uint64_t seed = 1;
  std::size_t samples = 10'000;
  std::size_t held_out_samples = 0;
  std::size_t features = 10'000;
  double features_per_sample = 20.0;  ///< the mean; a Poisson variate for each sample, but at least 1
  double exponent = 1.0;              ///< a feature's popularity is its rank to the power -exponent
  double relevant = 0.5;              ///< the share of features whose weight in the true model is not 0
  double margin = 3.0;  ///< the standard deviation of the true model's logits: separable as it grows
  bool binary = true;   ///< every value is 1; otherwise uniform in (0, 2]
};

struct GeneratedSparseSamples {
  SparseSamples train;
  SparseSamples held_out;
  std::vector<float> weights;  ///< of the true model, one for each feature
  double intercept = 0.0;      ///< of the true model, chosen so that about half of all samples are of class 1
  /// What the true model reaches on the held-out samples, on those to train on where none are held out, in
  /// expectation over their labels given their features; no model is better. The share of right answers, and
  /// the mean logistic loss in nats.
  double bayes_accuracy = 0.0;
  double bayes_loss = 0.0;
};

/// P(class 1) = 1 / (1 + exp(-(intercept + weights . features))). Labels are written -1 and 1 (label_values).
/// The same options give the same samples; how many are held out changes none of the others. Errors: no
/// sample, fewer than 2 features, more of them in the mean sample than half, an exponent outside 0 to 10,
/// `relevant` outside 0 to 1, a margin that is negative or no number, more than 2^32 - 1 features or samples.
Result<GeneratedSparseSamples> generate_sparse_samples(const GeneratedSparseSamplesOptions& options);

}  // namespace meridian
