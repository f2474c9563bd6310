#include "src/data/generated_ratings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "src/base/random.h"
#include "src/data/distinct_draws.h"
#include "src/data/distributions.h"

namespace meridian {
namespace {

constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
constexpr double kLargestParameter = 10.0;

Failure check(const GeneratedRatingsOptions& options) {
  for (const auto& [name, count] : std::array<std::pair<const char*, std::size_t>, 3>{
           {{"users", options.users}, {"items", options.items}, {"rank", options.rank}}}) {
    if (count == 0 || count > kMost) {
      return Error{fmt::format("generated ratings: {} is {}; expected 1 to {}", name, count, kMost)};
    }
  }
  const std::size_t most = std::min(options.users * options.items / 2, kMost);
  if (options.ratings < options.users || options.ratings > most) {
    return Error{fmt::format(
        "generated ratings: {} ratings; expected at least one for each of {} users and at most {}, half of "
        "their pairs with {} items",
        options.ratings, options.users, most, options.items)};
  }
  for (const auto& [name, value] : std::array<std::pair<const char*, double>, 6>{{
           {"user_exponent", options.user_exponent},
           {"item_exponent", options.item_exponent},
           {"user_bias", options.user_bias},
           {"item_bias", options.item_bias},
           {"interaction", options.interaction},
           {"noise", options.noise},
       }}) {
    if (!(value >= 0.0 && value <= kLargestParameter)) {
      return Error{
          fmt::format("generated ratings: {} is {}; expected 0 to {}", name, value, kLargestParameter)};
    }
  }
  if (!std::isfinite(options.mean)) {
    return Error{fmt::format("generated ratings: mean is {}; expected a finite number", options.mean)};
  }
  if (options.clip && !(options.clip->lowest < options.clip->highest)) {
    return Error{fmt::format("generated ratings: clipped to {} to {}; expected a rising range",
                             options.clip->lowest, options.clip->highest)};
  }
  return {};
}

/// How many ratings each user gives: one, and of the rest a share by its weight, but at most half of the
/// items.
std::vector<std::size_t> draw_activity(const GeneratedRatingsOptions& options) {
  Random random = Random::for_parts(options.seed, {hash_text("generated activity")});
  const std::vector<double> weights = power_law_weights(random, options.users, options.user_exponent);
  const std::size_t most = (options.items + 1) / 2;
  std::vector<std::size_t> counts(options.users, 1);
  std::size_t left = options.ratings - options.users;
  while (left > 0) {
    double sum = 0.0;
    double largest = 0.0;
    for (std::size_t user = 0; user < counts.size(); ++user) {
      if (counts[user] == most) continue;
      sum += weights[user];
      largest = std::max(largest, weights[user]);
    }
    // Shares are rounded down; once all of them are below one, users get one each until none is left.
    const auto dealt = static_cast<double>(left);
    const bool one_each = dealt * largest / sum < 2.0;
    for (std::size_t user = 0; user < counts.size() && left > 0; ++user) {
      const auto share = static_cast<std::size_t>(dealt * weights[user] / sum);
      const std::size_t added = std::min({one_each ? 1 : share, most - counts[user], left});
      counts[user] += added;
      left -= added;
    }
  }
  return counts;
}

/// `count` vectors of `rank` numbers each, one after the other, of the standard deviation given.
std::vector<float> draw_normals(std::uint64_t seed, const char* what, std::size_t count, double deviation) {
  Random random = Random::for_parts(seed, {hash_text(what)});
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(deviation * random.normal());
  return values;
}

/// The truth that values are drawn from.
struct Truth {
  explicit Truth(const GeneratedRatingsOptions& options)
      : rank(options.rank),
        mean(static_cast<float>(options.mean)),
        user_bias(draw_normals(options.seed, "generated user biases", options.users, options.user_bias)),
        item_bias(draw_normals(options.seed, "generated item biases", options.items, options.item_bias)),
        user_factors(
            draw_normals(options.seed, "generated user factors", options.users * rank, factor(options))),
        item_factors(
            draw_normals(options.seed, "generated item factors", options.items * rank, factor(options))) {}

  // A product of two vectors has the variance rank * deviation^4.
  static double factor(const GeneratedRatingsOptions& options) {
    return std::sqrt(options.interaction) / std::pow(static_cast<double>(options.rank), 0.25);
  }

  float expected(std::size_t user, std::size_t item) const {
    const float* const p = user_factors.data() + user * rank;
    const float* const q = item_factors.data() + item * rank;
    return mean + user_bias[user] + item_bias[item] + std::inner_product(p, p + rank, q, 0.0F);
  }

  std::size_t rank;
  float mean;
  std::vector<float> user_bias;
  std::vector<float> item_bias;
  std::vector<float> user_factors;
  std::vector<float> item_factors;
};

}  // namespace

Result<GeneratedRatings> generate_ratings(const GeneratedRatingsOptions& options) {
  if (Failure failure = check(options)) return std::move(*failure);
  const Truth truth(options);
  const std::vector<std::size_t> activity = draw_activity(options);
  Random popularity = Random::for_parts(options.seed, {hash_text("generated popularity")});
  DistinctDraws items(power_law_weights(popularity, options.items, options.item_exponent));

  GeneratedRatings generated;
  Ratings& ratings = generated.ratings;
  ratings.users = options.users;
  ratings.items = options.items;
  ratings.user.resize(options.ratings);
  ratings.item.resize(options.ratings);
  ratings.value.resize(options.ratings);
  ratings.source_sizes = {options.ratings};
  generated.expected.resize(options.ratings);
  std::size_t next = 0;
  for (std::size_t user = 0; user < options.users; ++user) {
    Random random = Random::for_parts(options.seed, {hash_text("generated ratings"), user});
    const std::size_t end = next + activity[user];
    items.draw(random, std::span(ratings.item).subspan(next, activity[user]));
    for (; next < end; ++next) {
      const float expected = truth.expected(user, ratings.item[next]);
      float value = expected + static_cast<float>(options.noise * random.normal());
      if (options.clip) value = std::clamp(value, options.clip->lowest, options.clip->highest);
      ratings.user[next] = static_cast<std::uint32_t>(user);
      ratings.value[next] = value;
      generated.expected[next] = expected;
    }
  }
  return generated;
}

}  // namespace meridian
