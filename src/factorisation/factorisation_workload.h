// Matrix factorisation of ratings by stochastic gradient descent as a workload (Koren, Bell & Volinsky 2009).
// The factors of items are shared: a table that workers read by row. The factors of users are not: each
// user's ratings belong to one worker, which holds the user's factors and steps them itself, so nothing that
// is about a single user leaves its datacenter. The objective is the root of the mean squared error over
// held-out ratings of the worker's own users. rating_pass.h has the formulas.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/base/time.h"
#include "src/data/partition.h"
#include "src/data/ratings.h"
#include "src/workload/workload.h"

namespace meridian {

struct FactorisationOptions {
  std::size_t rank = 32;  ///< factors of each user and item, 1 to 4096
  double l2 = 0.05;       ///< weight of each rating's penalty on its user's and item's factors and biases
  bool biases = true;     ///< whether users and items have a bias each
  double mean = 0.0;      ///< what the shared mean starts from; the middle of the scale is a good start
  double initial_scale = 0.1;  ///< deviation of the initial factors; biases start at 0
  /// The users' learning rate at a clock, from 1: the one with which servers step the items.
  std::function<float(Clock)> rate_at;
  std::uint64_t seed = 1;  ///< of initial factors and batches
  PartitionOptions
      partition;             ///< of the users, with all their ratings, between the workers of all datacenters
  std::size_t batch = 4096;  ///< ratings per worker and clock
  std::string note;          ///< what the ratings are, for the user; the workload adds how many
};

/// Tables: item_factors [items x rank, and a last column with the items' biases if there are any], read by
/// row, UpdateRule::summed_gradient; and mean [1 x 1], UpdateRule::mean_gradient. The bias is a column of its
/// item's row so that an item is one row: listed once, sent once, looked up once for each rating. The mean is
/// learnt, from a start in the options, so that no datacenter has to tell the others about its ratings.
///
/// Items' gradients are taken at the factors as they were pulled; users step rating by rating within a batch,
/// which goes user by user. (Steps from the clock's start instead reach the same error to within 0.0003 on
/// generated ratings, and are the worse ones at high rates.) Workers that share a clock thus do together what
/// one does with their joined batch. UpdateReport::loss_sum and EvaluationSums::loss_sum are sums of half the
/// squared error, without penalties. Figures: rmse; train_rmse, over the ratings of each worker's last batch,
/// before their own step.
///
/// Errors name the option or the rating, its value and what was expected: among others a partition in which
/// workers share ratings, and a datacenter without a held-out rating.
Result<std::unique_ptr<Workload>> make_factorisation_workload(const FactorisationOptions& options,
                                                              TrainAndTestRatings data);

}  // namespace meridian
