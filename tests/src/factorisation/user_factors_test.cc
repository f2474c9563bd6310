// Goal: users' factors do not depend on which worker has them, and come back from a checkpoint bit for bit or
// with an error that says why not. How: small sets of users; every part of a saved state spoilt in turn.
#include "src/factorisation/user_factors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

namespace meridian {
namespace {

using testing::HasSubstr;

constexpr std::size_t kRank = 5;

UserFactors make(std::vector<std::uint32_t> users, std::uint64_t seed = 1, std::size_t rank = kRank,
                 bool biases = true) {
  return UserFactors(seed, users, rank, biases, 0.1);
}

std::vector<float> row_of(const UserFactors& users, std::size_t row) {
  const UserRows<const float> rows = users.rows();
  return {rows.factors + row * rows.stride, rows.factors + row * rows.stride + kRank};
}

TEST(UserFactors, DependOnSeedAndUserOnly) {
  const UserFactors both = make({3, 8});
  EXPECT_EQ(row_of(make({8}), 0), row_of(both, 1));
  EXPECT_NE(row_of(both, 0), row_of(both, 1));
  EXPECT_NE(row_of(make({8}, 2), 0), row_of(both, 1));
  EXPECT_EQ(both.rows().bias[0], 0.0F);
  EXPECT_EQ(make({3}, 1, kRank, false).rows().bias, nullptr);
}

TEST(UserFactors, StartWithTheGivenDeviation) {
  std::vector<std::uint32_t> users(2000);
  for (std::uint32_t i = 0; i < users.size(); ++i) users[i] = i;
  const UserFactors factors = make(users);
  double squares = 0.0;
  for (std::size_t row = 0; row < users.size(); ++row) {
    for (const float value : row_of(factors, row)) squares += static_cast<double>(value * value);
  }
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(users.size() * kRank)), 0.1, 0.003);
}

std::string saved(const UserFactors& users) {
  std::ostringstream out;
  users.save(out);
  return out.str();
}

std::string error_of(UserFactors users, const std::string& state) {
  std::istringstream in(state);
  const Failure failure = users.restore(in);
  return failure ? failure->message : "restored";
}

TEST(UserFactors, ComeBackBitForBit) {
  UserFactors learnt = make({3, 8, 9});
  learnt.rows().factors[1] = 0.1F;
  learnt.rows().factors[2] = -0.0F;
  learnt.rows().bias[2] = 1e-42F;
  UserFactors restored = make({3, 8, 9});
  std::istringstream in(saved(learnt));
  EXPECT_FALSE(restored.restore(in));
  EXPECT_EQ(saved(restored), saved(learnt));
  EXPECT_EQ(restored.rows().bias[2], 1e-42F);
}

TEST(UserFactors, SayWhatIsWrongWithAState) {
  const std::string state = saved(make({3, 8}));
  EXPECT_EQ(error_of(make({3, 8}), state), "restored");
  EXPECT_THAT(error_of(make({3, 8}), ""), HasSubstr("ends in its header"));
  EXPECT_THAT(error_of(make({3, 8}), "x" + state), HasSubstr("does not begin with"));
  EXPECT_THAT(error_of(make({3, 8}), state.substr(0, state.size() - 1)), HasSubstr("ends early"));
  std::string other_version = state;
  other_version[8] = 9;
  EXPECT_THAT(error_of(make({3, 8}), other_version), HasSubstr("version 9; expected 1"));
  std::string flipped = state;
  flipped[60] = static_cast<char>(flipped[60] ^ 1);
  EXPECT_THAT(error_of(make({3, 8}), flipped), HasSubstr("checksum"));
  EXPECT_THAT(error_of(make({3, 8, 9}), state),
              HasSubstr("2 users of rank 5 with biases; expected 3 users of rank 5 with biases"));
  EXPECT_THAT(error_of(make({3, 8}, 1, 6), state), HasSubstr("expected 2 users of rank 6"));
  EXPECT_THAT(error_of(make({3, 8}, 1, kRank, false), state), HasSubstr("without biases"));
  EXPECT_THAT(error_of(make({3, 9}), state), HasSubstr("other users or another seed"));
  EXPECT_THAT(error_of(make({3, 8}, 2), state), HasSubstr("other users or another seed"));
}

}  // namespace
}  // namespace meridian
