// Ratings in memory: who gave what item which value. What matrix factorisation learns from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace meridian {

/// Rating i is value[i], given by user[i] to item[i]; the three arrays are of equal length. Immutable once
/// made, so any thread may read it.
struct Ratings {
  std::size_t users = 0;  ///< user[i] is below this
  std::size_t items = 0;  ///< item[i] is below this
  std::vector<std::uint32_t> user;
  std::vector<std::uint32_t> item;
  std::vector<float> value;

  std::vector<std::uint64_t> user_ids;    ///< the id that the file gives user u, rising; empty if generated
  std::vector<std::uint64_t> item_ids;    ///< likewise for items
  std::vector<std::size_t> source_sizes;  ///< how many of the ratings, in order, come from each source read

  std::size_t size() const { return value.size(); }
};

/// Ratings to learn from and others of the same users and items that measure what was learnt.
struct TrainAndTestRatings {
  Ratings train;
  Ratings test;
};

/// Holds out `share` (0 to below 1) of each user's ratings: of n ratings share * n, rounded up or down at
/// random so that the share is right on average, but never all of them. Which ones is a function of the seed,
/// the user and the order of its ratings. Users and items keep their numbers in both parts, ratings their
/// order; an item may be left without a rating to learn from.
TrainAndTestRatings hold_out(const Ratings& ratings, double share, std::uint64_t seed);

}  // namespace meridian
