#include "src/data/ratings.h"

#include <algorithm>
#include <cmath>

#include "src/base/check.h"
#include "src/base/random.h"

namespace meridian {
namespace {

/// What is left to decide for one user: selection sampling (Knuth, The Art of Computer Programming, volume 2,
/// 3.4.2, algorithm S) takes `wanted` of the `left` ratings to come.
struct Selection {
  Random random{0};
  std::uint32_t left = 0;
  std::uint32_t wanted = 0;

  bool take_next() {
    const bool taken = random.below(left) < wanted;
    --left;
    if (taken) --wanted;
    return taken;
  }
};

std::vector<Selection> selections_of(const Ratings& ratings, double share, std::uint64_t seed) {
  std::vector<Selection> selections(ratings.users);
  for (const std::uint32_t user : ratings.user) ++selections[user].left;
  for (std::size_t user = 0; user < selections.size(); ++user) {
    Selection& selection = selections[user];
    if (selection.left == 0) continue;
    selection.random = Random::for_parts(seed, {hash_text("held-out ratings"), user});
    const double wanted = std::floor(share * selection.left + selection.random.uniform());
    selection.wanted = std::min(static_cast<std::uint32_t>(wanted), selection.left - 1);
  }
  return selections;
}

Ratings empty_like(const Ratings& ratings, std::size_t size) {
  Ratings part;
  part.users = ratings.users;
  part.items = ratings.items;
  part.user_ids = ratings.user_ids;
  part.item_ids = ratings.item_ids;
  part.user.reserve(size);
  part.item.reserve(size);
  part.value.reserve(size);
  part.source_sizes.assign(ratings.source_sizes.size(), 0);
  return part;
}

}  // namespace

TrainAndTestRatings hold_out(const Ratings& ratings, double share, std::uint64_t seed) {
  MERIDIAN_CHECK(share >= 0.0 && share < 1.0, "share {}", share);
  std::vector<Selection> selections = selections_of(ratings, share, seed);
  std::size_t held_out = 0;
  for (const Selection& selection : selections) held_out += selection.wanted;
  TrainAndTestRatings parts{empty_like(ratings, ratings.size() - held_out), empty_like(ratings, held_out)};
  std::size_t source = 0;
  std::size_t source_end = ratings.source_sizes.empty() ? ratings.size() : ratings.source_sizes.front();
  for (std::size_t i = 0; i < ratings.size(); ++i) {
    while (i == source_end) source_end += ratings.source_sizes[++source];
    Ratings& part = selections[ratings.user[i]].take_next() ? parts.test : parts.train;
    part.user.push_back(ratings.user[i]);
    part.item.push_back(ratings.item[i]);
    part.value.push_back(ratings.value[i]);
    if (!part.source_sizes.empty()) ++part.source_sizes[source];
  }
  return parts;
}

}  // namespace meridian
