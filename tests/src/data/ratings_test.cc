// Goal: of each user's ratings the share asked for is held out, the same for the same seed, and no rating is
// lost or doubled. How: users with few and many ratings; every rating has a value of its own to be found by.
#include "src/data/ratings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace meridian {
namespace {

// User u has u ratings, one after the other; values count from 0.
Ratings growing_users(std::size_t users) {
  Ratings ratings;
  ratings.users = users;
  ratings.items = users;
  for (std::uint32_t user = 0; user < users; ++user) {
    for (std::uint32_t item = 0; item < user; ++item) {
      ratings.user.push_back(user);
      ratings.item.push_back(item);
      ratings.value.push_back(static_cast<float>(ratings.value.size()));
    }
  }
  ratings.source_sizes = {ratings.size() / 3, 0, ratings.size() - ratings.size() / 3};
  return ratings;
}

TEST(HoldOut, KeepsEveryRatingOnce) {
  const Ratings all = growing_users(60);
  const auto [train, test] = hold_out(all, 0.3, 1);
  EXPECT_EQ(train.size() + test.size(), all.size());
  std::vector<float> values(all.size());
  std::merge(train.value.begin(), train.value.end(), test.value.begin(), test.value.end(), values.begin());
  EXPECT_EQ(values, all.value);  // so both parts are in order, too
  for (const Ratings* const part : {&train, &test}) {
    EXPECT_EQ(part->users, 60U);
    EXPECT_EQ(part->items, 60U);
    for (std::size_t i = 0; i < part->size(); ++i) {
      const auto original = static_cast<std::size_t>(part->value[i]);
      EXPECT_EQ(part->user[i], all.user[original]);
      EXPECT_EQ(part->item[i], all.item[original]);
    }
    EXPECT_EQ(std::accumulate(part->source_sizes.begin(), part->source_sizes.end(), std::size_t{0}),
              part->size());
    const auto of_first = std::count_if(part->value.begin(), part->value.end(), [&](float value) {
      return value < static_cast<float>(all.source_sizes[0]);
    });
    EXPECT_EQ(part->source_sizes[0], static_cast<std::size_t>(of_first));
  }
}

TEST(HoldOut, TakesTheShareOfEachUser) {
  const Ratings all = growing_users(200);
  const auto [train, test] = hold_out(all, 0.25, 7);
  std::vector<std::size_t> held_out(all.users, 0);
  for (const std::uint32_t user : test.user) ++held_out[user];
  for (std::size_t user = 0; user < all.users; ++user) {
    EXPECT_GE(held_out[user], user / 4);
    EXPECT_LE(held_out[user], (user + 3) / 4);
    if (user > 0) {
      EXPECT_LT(held_out[user], user) << "all ratings are held out";
    }
  }
  EXPECT_NEAR(static_cast<double>(test.size()) / static_cast<double>(all.size()), 0.25, 0.002);
  // Held-out ratings lie anywhere among a user's: the first half has about half of them.
  const auto early = std::count_if(test.item.begin(), test.item.end(), [&](const std::uint32_t& item) {
    return 2 * item < test.user[static_cast<std::size_t>(&item - test.item.data())];
  });
  EXPECT_NEAR(static_cast<double>(early) / static_cast<double>(test.size()), 0.5, 0.03);
}

TEST(HoldOut, FollowsTheSeed) {
  const Ratings all = growing_users(50);
  EXPECT_EQ(hold_out(all, 0.2, 1).test.value, hold_out(all, 0.2, 1).test.value);
  EXPECT_NE(hold_out(all, 0.2, 1).test.value, hold_out(all, 0.2, 2).test.value);
  EXPECT_EQ(hold_out(all, 0.0, 1).test.size(), 0U);
}

}  // namespace
}  // namespace meridian
