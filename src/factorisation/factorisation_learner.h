// One worker's part of a matrix factorisation: its users' ratings, their factors, and the updates of items
// that come of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/factorisation/factorisation_workload.h"
#include "src/factorisation/rating_batches.h"
#include "src/factorisation/rating_pass.h"
#include "src/factorisation/user_factors.h"
#include "src/workload/learner.h"
#include "src/workload/touched_rows.h"

namespace meridian {

/// The ratings of one worker's users; rating.user is the user's position in `users`.
struct RatingsOfUsers {
  std::vector<std::uint32_t> users;  ///< numbers among all users of the run, rising
  std::vector<PlacedRating> train;   ///< at least one; user by user
  std::vector<PlacedRating> test;    ///< user by user
};

class FactorisationLearner : public Learner {
 public:
  /// `worker` is its position among all workers, `items` the number of items.
  FactorisationLearner(const FactorisationOptions& options, std::size_t worker, std::size_t items,
                       RatingsOfUsers ratings);

  void list_rows(Clock clock, std::size_t table, std::vector<std::uint32_t>& rows) override;
  UpdateReport compute_update(Clock clock, TablesView parameters, TablesSpan update) override;
  EvaluationSums evaluate(TablesView parameters) override;
  void save_state(std::ostream& out) const override;
  Failure restore_state(std::istream& in) override;

  /// Positions in the list of tables.
  static constexpr std::size_t kItemFactors = 0;
  static constexpr std::size_t kMean = 1;

 private:
  // What evaluate() adds to the sums: how the last update's ratings were predicted.
  struct LastBatch {
    double squared_errors = 0.0;
    double ratings = 0.0;
  };

  RatingPass pass_at(Clock clock, TablesView parameters) const;

  FactorisationOptions options_;
  std::size_t columns_;
  std::size_t items_;
  UserFactors users_;
  RatingBatches batches_;
  std::vector<PlacedRating> test_;

  TouchedRows touched_;
  Clock listed_clock_ = 0;  // the batch below is of this clock; 0: there is none
  std::size_t listed_ = 0;  // rows that it touches
  std::vector<PlacedRating> batch_;
  std::vector<std::uint32_t> batch_items_;
  std::vector<std::uint32_t> places_;

  LastBatch last_batch_;
};

}  // namespace meridian
