// Sparse logistic regression of two classes as a workload. A sample's logit is bias + the sum of its
// features' values times their weights. Workers read and update only the weights of the features that their
// batch has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "src/base/result.h"
#include "src/data/partition.h"
#include "src/data/sparse_samples.h"
#include "src/workload/workload.h"

namespace meridian {

struct LogisticOptions {
  double l2 = 0.0;                     ///< weight of each sample's penalty, see below
  std::string objective = "accuracy";  ///< accuracy | auc | loss
  std::uint64_t seed = 1;              ///< of batches
  PartitionOptions partition;          ///< between the workers of all datacenters
  std::size_t batch = 64;              ///< samples per worker and clock
  std::string note;                    ///< what the samples are, for the user; the workload adds how many
};

/// Tables, both 0 at first: weight [features x 1], read by row, and bias [1 x 1], UpdateRule::mean_gradient.
///
/// What is minimised is the mean over samples of -log P(class) + l2 / 2 * (the squares of the weights of the
/// features that the sample has): a weight is pulled towards 0 as often as its feature comes up, so a step
/// needs no other weights. The bias is not pulled. UpdateReport::loss_sum and EvaluationSums::loss_sum are
/// sums of -log P(class), without penalties.
///
/// Each datacenter measures all held-out samples, in equal parts between its workers. Figures: accuracy
/// (class 1 is foretold where the logit is above 0), auc (from a histogram, see score_histogram.h), log_loss,
/// in nats.
///
/// Errors name the option or what is wrong with the samples, and what was expected: other than two classes,
/// held out samples of other labels or with features that the others have not.
Result<std::unique_ptr<Workload>> make_logistic_workload(const LogisticOptions& options, SparseSamples train,
                                                         SparseSamples test);

}  // namespace meridian
