#include "src/factorisation/factorisation_learner.h"

#include <istream>
#include <ostream>
#include <utility>

#include "src/base/check.h"

namespace meridian {

FactorisationLearner::FactorisationLearner(const FactorisationOptions& options, std::size_t worker,
                                           std::size_t items, RatingsOfUsers ratings)
    : options_(options),
      columns_(options.rank + (options.biases ? 1 : 0)),
      items_(items),
      users_(options.seed, ratings.users, options.rank, options.biases, options.initial_scale),
      batches_(options.seed, worker, std::move(ratings.train), options.batch),
      test_(std::move(ratings.test)),
      touched_(items),
      batch_(options.batch),
      batch_items_(options.batch),
      places_(options.batch) {}

void FactorisationLearner::list_rows(Clock clock, std::size_t table, std::vector<std::uint32_t>& rows) {
  MERIDIAN_CHECK(table == kItemFactors, "table {} is not read by row", table);
  batches_.fill(clock, batch_);
  for (std::size_t i = 0; i < batch_.size(); ++i) batch_items_[i] = batch_[i].item;
  touched_.collect(batch_items_, rows, places_);
  for (std::size_t i = 0; i < batch_.size(); ++i) batch_[i].item = places_[i];
  listed_clock_ = clock;
  listed_ = rows.size();
}

UpdateReport FactorisationLearner::compute_update(Clock clock, TablesView parameters, TablesSpan update) {
  MERIDIAN_CHECK(clock == listed_clock_, "update of clock {}, rows listed for clock {}", clock,
                 listed_clock_);
  const std::size_t size = listed_ * columns_;
  MERIDIAN_CHECK(parameters.size() == 2 && update.size() == 2 && parameters[kItemFactors].size() == size &&
                     update[kItemFactors].size() == size && update[kMean].size() == 1,
                 "tables for {} rows of {}", listed_, columns_);
  const RatingSums sums =
      descend(pass_at(clock, parameters), batch_, {parameters[kItemFactors].data(), columns_}, listed_,
              users_.rows(), update[kItemFactors].data());
  last_batch_ = {sums.squared_errors, static_cast<double>(batch_.size())};
  update[kMean][0] = static_cast<float>(-sums.errors);
  listed_clock_ = 0;
  return {batch_.size(), 0.5 * sums.squared_errors};
}

EvaluationSums FactorisationLearner::evaluate(TablesView parameters) {
  MERIDIAN_CHECK(parameters.size() == 2 && parameters[kItemFactors].size() == items_ * columns_,
                 "tables for {} items of {}", items_, columns_);
  const RatingSums sums =
      measure_errors(pass_at(1, parameters), test_, {parameters[kItemFactors].data(), columns_},
                     std::as_const(users_).rows());
  return {sums.squared_errors,
          0.5 * sums.squared_errors,
          test_.size(),
          {last_batch_.squared_errors, last_batch_.ratings}};
}

void FactorisationLearner::save_state(std::ostream& out) const {
  users_.save(out);
  out.write(reinterpret_cast<const char*>(&last_batch_), sizeof(last_batch_));
}

Failure FactorisationLearner::restore_state(std::istream& in) {
  if (Failure failure = users_.restore(in)) return failure;
  LastBatch found;
  in.read(reinterpret_cast<char*>(&found), sizeof(found));
  if (in.gcount() != sizeof(found)) return Error{"the state ends before the sums of the last batch"};
  last_batch_ = found;
  listed_clock_ = 0;
  return {};
}

RatingPass FactorisationLearner::pass_at(Clock clock, TablesView parameters) const {
  MERIDIAN_CHECK(parameters[kMean].size() == 1, "{} means", parameters[kMean].size());
  return {options_.rank, parameters[kMean][0], static_cast<float>(options_.l2), options_.rate_at(clock)};
}

}  // namespace meridian
