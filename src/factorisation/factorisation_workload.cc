#include "src/factorisation/factorisation_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "src/base/check.h"
#include "src/base/random.h"
#include "src/data/partition.h"
#include "src/factorisation/factorisation_learner.h"

namespace meridian {
namespace {

constexpr std::size_t kLargestRank = 4096;
constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();

/// The worker, by its position among all, that has each user; kNobody for a user without a rating to learn
/// from.
using Owners = std::vector<std::uint32_t>;

class FactorisationWorkload : public Workload {
 public:
  FactorisationWorkload(FactorisationOptions options, TrainAndTestRatings data, Partition partition,
                        Owners owners)
      : options_(std::move(options)),
        data_(std::move(data)),
        partition_(std::move(partition)),
        owners_(std::move(owners)),
        tables_{{"item_factors", data_.train.items, options_.rank + (options_.biases ? 1 : 0), true,
                 UpdateRule::summed_gradient},
                {"mean", 1, 1, false, UpdateRule::mean_gradient}} {}

  const std::vector<TableSpec>& tables() const override { return tables_; }

  void fill_initial_values(std::size_t table, std::span<float> values) const override {
    MERIDIAN_CHECK(table < tables_.size() && values.size() == tables_[table].size(), "{} values for table {}",
                   values.size(), table);
    if (table == FactorisationLearner::kMean) {
      values[0] = static_cast<float>(options_.mean);
      return;
    }
    const std::size_t columns = tables_[table].columns;
    Random random = Random::for_parts(options_.seed, {hash_text(tables_[table].name)});
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool bias = i % columns == options_.rank;
      values[i] = bias ? 0.0F : static_cast<float>(options_.initial_scale * random.normal());
    }
  }

  std::size_t samples_per_clock(WorkerPlace place) const override {
    static_cast<void>(partition_.global_index(place));  // Checks that the place exists.
    return options_.batch;
  }

  /// User, item and value of each rating, four bytes each.
  std::optional<std::uint64_t> training_bytes(WorkerPlace place) const override {
    constexpr std::uint64_t kRatingBytes = 2 * sizeof(std::uint32_t) + sizeof(float);
    return partition_.samples_of(place).size() * kRatingBytes;
  }

  std::unique_ptr<Learner> make_learner(WorkerPlace place) const override {
    const auto worker = static_cast<std::uint32_t>(partition_.global_index(place));
    return std::make_unique<FactorisationLearner>(options_, worker, data_.train.items, ratings_of(place));
  }

  double objective(const EvaluationSums& sums) const override {
    return sums.samples == 0 ? 0.0 : std::sqrt(sums.metric_sum / static_cast<double>(sums.samples));
  }

  const char* metric_name() const override { return "rmse"; }
  bool larger_is_better() const override { return false; }

  std::size_t further_sums() const override { return 2; }
  std::vector<NamedFigure> figures(const EvaluationSums& sums) const override {
    std::vector<NamedFigure> figures{{"rmse", objective(sums)}};
    if (sums.more[1] > 0.0) {
      figures.push_back({"train_rmse", std::sqrt(sums.more[0] / sums.more[1])});
    }
    return figures;
  }

  std::string note() const override {
    return fmt::format("{}{}{} ratings of {} items by {} users, {} more held out", options_.note,
                       options_.note.empty() ? "" : ": ", data_.train.size(), data_.train.items,
                       data_.train.users, data_.test.size());
  }

 private:
  RatingsOfUsers ratings_of(WorkerPlace place) const;

  FactorisationOptions options_;
  TrainAndTestRatings data_;
  Partition partition_;
  Owners owners_;
  std::vector<TableSpec> tables_;
};

// The given ratings, those of a user one after the other in their order (counting sort).
std::vector<PlacedRating> user_by_user(const Ratings& ratings, std::span<const std::uint32_t> chosen,
                                       const std::vector<std::uint32_t>& rows, std::size_t users) {
  std::vector<std::size_t> starts(users + 1, 0);
  for (const std::uint32_t i : chosen) ++starts[rows[ratings.user[i]] + 1];
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  std::vector<PlacedRating> sorted(chosen.size());
  for (const std::uint32_t i : chosen) {
    const std::uint32_t row = rows[ratings.user[i]];
    sorted[starts[row]++] = {row, ratings.item[i], ratings.value[i]};
  }
  return sorted;
}

RatingsOfUsers FactorisationWorkload::ratings_of(WorkerPlace place) const {
  const auto worker = static_cast<std::uint32_t>(partition_.global_index(place));
  RatingsOfUsers own;
  std::vector<std::uint32_t> rows(owners_.size(), kNobody);
  for (std::size_t user = 0; user < owners_.size(); ++user) {
    if (owners_[user] != worker) continue;
    rows[user] = static_cast<std::uint32_t>(own.users.size());
    own.users.push_back(static_cast<std::uint32_t>(user));
  }
  const std::span<const std::uint32_t> part = partition_.samples_of(place);
  std::vector<std::uint32_t> train(part.begin(), part.end());
  std::sort(train.begin(), train.end());
  own.train = user_by_user(data_.train, train, rows, own.users.size());
  std::vector<std::uint32_t> test;
  for (std::size_t i = 0; i < data_.test.size(); ++i) {
    if (owners_[data_.test.user[i]] == worker) test.push_back(static_cast<std::uint32_t>(i));
  }
  own.test = user_by_user(data_.test, test, rows, own.users.size());
  return own;
}

Failure check_number(const char* name, double value, double least) {
  if (std::isfinite(value) && value >= least) return {};
  return Error{
      fmt::format("{} is {}; expected a finite number{}", name, value, least == 0.0 ? ", at least 0" : "")};
}

Failure check_options(const FactorisationOptions& options) {
  if (options.rank == 0 || options.rank > kLargestRank) {
    return Error{fmt::format("rank is {}; expected 1 to {}", options.rank, kLargestRank)};
  }
  if (options.batch == 0) return Error{"batch is 0; expected at least 1"};
  if (options.partition.kind == "overlap") {
    return Error{"partition is 'overlap'; expected one that gives each user's ratings to one worker"};
  }
  if (!options.rate_at) return Error{"no learning rate for users; expected the one of the optimizer"};
  if (Failure failure = check_number("l2", options.l2, 0.0)) return failure;
  if (Failure failure = check_number("initial_scale", options.initial_scale, 0.0)) return failure;
  return check_number("mean", options.mean, std::numeric_limits<double>::lowest());
}

Failure check_ratings(const char* which, const Ratings& ratings, const Ratings& train) {
  if (ratings.user.size() != ratings.size() || ratings.item.size() != ratings.size()) {
    return Error{fmt::format("{} ratings: {} users, {} items and {} values; expected as many of each", which,
                             ratings.user.size(), ratings.item.size(), ratings.size())};
  }
  if (ratings.size() == 0) return Error{fmt::format("0 {} ratings; expected at least 1", which)};
  for (std::size_t i = 0; i < ratings.size(); ++i) {
    if (ratings.user[i] < train.users && ratings.item[i] < train.items) continue;
    return Error{fmt::format("{} rating {} is of item {} by user {}; expected numbers below {} and {}", which,
                             i, ratings.item[i], ratings.user[i], train.items, train.users)};
  }
  return {};
}

std::vector<WorkerPlace> all_places(const std::vector<std::size_t>& workers) {
  std::vector<WorkerPlace> places;
  for (std::size_t datacenter = 0; datacenter < workers.size(); ++datacenter) {
    for (std::size_t worker = 0; worker < workers[datacenter]; ++worker)
      places.push_back({datacenter, worker});
  }
  return places;
}

Owners owners_of(const Ratings& train, const Partition& partition, const std::vector<WorkerPlace>& places) {
  Owners owners(train.users, kNobody);
  for (const WorkerPlace place : places) {
    const auto worker = static_cast<std::uint32_t>(partition.global_index(place));
    for (const std::uint32_t i : partition.samples_of(place)) {
      std::uint32_t& owner = owners[train.user[i]];
      MERIDIAN_CHECK(owner == kNobody || owner == worker, "user {} of workers {} and {}", train.user[i],
                     owner, worker);
      owner = worker;
    }
  }
  // Who has nothing to learn from is predicted by the mean and the item alone, by anyone who is here.
  std::vector<std::uint32_t> here;
  for (std::size_t worker = 0; worker < places.size(); ++worker) {
    if (!partition.samples_of(places[worker]).empty()) here.push_back(static_cast<std::uint32_t>(worker));
  }
  for (std::size_t user = 0; user < owners.size(); ++user) {
    if (owners[user] == kNobody) owners[user] = here[user % here.size()];
  }
  return owners;
}

// A datacenter that cannot measure anything would have no objective. One whose ratings are elsewhere measures
// there.
Failure check_held_out(const Ratings& test, const Owners& owners, const std::vector<WorkerPlace>& places,
                       const Partition& partition) {
  std::vector<std::size_t> held_out(partition.datacenters(), 0);
  for (const std::uint32_t user : test.user) ++held_out[places[owners[user]].datacenter];
  for (const WorkerPlace place : places) {
    if (held_out[place.datacenter] > 0 || partition.samples_of(place).empty()) continue;
    return Error{fmt::format("datacenter {} (counted from 0) has 0 held-out ratings; expected at least 1",
                             place.datacenter)};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Workload>> make_factorisation_workload(const FactorisationOptions& options,
                                                              TrainAndTestRatings data) {
  if (Failure failure = check_options(options)) return std::move(*failure);
  if (Failure failure = check_ratings("training", data.train, data.train)) return std::move(*failure);
  if (Failure failure = check_ratings("held-out", data.test, data.train)) return std::move(*failure);
  Result<Partition> partition = Partition::make(options.partition, {data.train.size(), {}, data.train.user});
  if (!partition) return partition.error();
  const std::vector<WorkerPlace> places = all_places(options.partition.workers);
  Owners owners = owners_of(data.train, partition.value(), places);
  if (Failure failure = check_held_out(data.test, owners, places, partition.value())) {
    return std::move(*failure);
  }
  return std::unique_ptr<Workload>(std::make_unique<FactorisationWorkload>(
      options, std::move(data), std::move(partition).value(), std::move(owners)));
}

}  // namespace meridian
