// The workload of docs/add-a-workload.md: how strong the players of a league are, learnt from who beat whom
// (R. A. Bradley & M. E. Terry, Rank Analysis of Incomplete Block Designs, Biometrika 1952).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "src/base/random.h"
#include "src/workload/workload.h"

namespace meridian {

struct Match {
  std::uint32_t winner = 0;
  std::uint32_t loser = 0;
};

struct LeagueOptions {
  std::uint64_t seed = 1;
  std::size_t players = 1000;
  std::size_t batch = 64;            ///< matches per worker and clock
  std::vector<std::size_t> workers;  ///< of each datacenter
};

/// One table, `strength` [players x 1], read by row: a match touches two players. The probability that a
/// beats b is 1 / (1 + exp(strength b - strength a)). Objective: the share of held-out matches that it
/// foretells.
class LeagueWorkload final : public Workload {
 public:
  explicit LeagueWorkload(LeagueOptions options)
      : options_(std::move(options)),
        tables_{{.name = "strength", .rows = options_.players, .by_row = true}} {}

  const std::vector<TableSpec>& tables() const override { return tables_; }
  void fill_initial_values(std::size_t /*table*/, std::span<float> values) const override {
    std::fill(values.begin(), values.end(), 0.0F);
  }
  std::size_t samples_per_clock(WorkerPlace /*place*/) const override { return options_.batch; }
  std::unique_ptr<Learner> make_learner(WorkerPlace place) const override;
  double objective(const EvaluationSums& sums) const override {
    return sums.metric_sum / static_cast<double>(sums.samples);
  }
  const char* metric_name() const override { return "accuracy"; }
  bool larger_is_better() const override { return true; }

  const LeagueOptions& options() const { return options_; }

  /// Match `index` of a worker's clock; clock 0 holds the matches to measure with. A true workload would read
  /// them from a file. The lower a player's number, the stronger it is.
  Match match(WorkerPlace place, Clock clock, std::size_t index) const {
    Random random = Random::for_parts(options_.seed, {place.datacenter, place.worker, clock, index});
    const auto a = static_cast<std::uint32_t>(random.below(options_.players));
    const auto b =
        static_cast<std::uint32_t>((a + 1 + random.below(options_.players - 1)) % options_.players);
    const double advantage = 6.0 * (static_cast<double>(b) - a) / static_cast<double>(options_.players);
    return random.uniform() < 1.0 / (1.0 + std::exp(-advantage)) ? Match{a, b} : Match{b, a};
  }

 private:
  LeagueOptions options_;
  std::vector<TableSpec> tables_;
};

/// Has no state that outlives a clock. One that has keeps it here, and saves it in save_state().
class LeagueLearner final : public Learner {
 public:
  LeagueLearner(const LeagueWorkload& workload, WorkerPlace place) : workload_(workload), place_(place) {}

  void list_rows(Clock clock, std::size_t /*table*/, std::vector<std::uint32_t>& rows) override {
    matches_.clear();
    for (std::size_t i = 0; i < workload_.options().batch; ++i) {
      matches_.push_back(workload_.match(place_, clock, i));
      rows.push_back(matches_.back().winner);
      rows.push_back(matches_.back().loser);
    }
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    rows_ = rows;
  }

  UpdateReport compute_update(Clock /*clock*/, TablesView parameters, TablesSpan update) override {
    const std::span<const float> strength = parameters[0];  // of the listed rows, in their order
    const std::span<float> gradient = update[0];
    std::fill(gradient.begin(), gradient.end(), 0.0F);
    UpdateReport report{matches_.size(), 0.0};
    for (const Match& match : matches_) {
      const std::size_t winner = position_of(match.winner);
      const std::size_t loser = position_of(match.loser);
      const float surprise = 1.0F / (1.0F + std::exp(strength[winner] - strength[loser]));
      gradient[winner] -= surprise;
      gradient[loser] += surprise;
      report.loss_sum -= std::log(1.0 - static_cast<double>(surprise));
    }
    return report;
  }

  EvaluationSums evaluate(TablesView parameters) override {
    constexpr std::size_t kHeldOut = 500;
    const std::span<const float> strength = parameters[0];  // the whole table
    EvaluationSums sums;
    for (std::size_t i = 0; i < kHeldOut; ++i) {
      const Match match = workload_.match(place_, /*clock=*/0, i);
      const double difference = static_cast<double>(strength[match.winner]) - strength[match.loser];
      sums.metric_sum += difference > 0.0 ? 1.0 : 0.0;
      sums.loss_sum += std::log1p(std::exp(-difference));
      ++sums.samples;
    }
    return sums;
  }

 private:
  std::size_t position_of(std::uint32_t row) const {
    return static_cast<std::size_t>(std::lower_bound(rows_.begin(), rows_.end(), row) - rows_.begin());
  }

  const LeagueWorkload& workload_;
  WorkerPlace place_;
  std::vector<Match> matches_;       // of the clock that was listed last
  std::vector<std::uint32_t> rows_;  // of these
};

inline std::unique_ptr<Learner> LeagueWorkload::make_learner(WorkerPlace place) const {
  return std::make_unique<LeagueLearner>(*this, place);
}

}  // namespace meridian
