// Goal: a model is whole exactly when every server has sent all of its part about the clock that was asked
// for, each value lies where it belongs, and anything else is refused with a reason.
#include "datacenter/pulled_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/wire/float_bytes.h"

namespace meridian::datacenter {
namespace {

using testing::HasSubstr;

class PulledModelTest : public testing::Test {
 protected:
  static constexpr std::size_t kServers = 2;

  struct Part {
    PullReply reply;
    std::vector<Payload> payloads;
  };

  /// What a server sends about `clock`: every entry has its position's value, plus the clock.
  std::vector<Part> parts_of(std::size_t server, Clock clock) const {
    std::vector<Part> parts;
    const auto plan = transfer_plan(shards_.server_ranges(server, kServers), /*max_bytes=*/8);
    for (std::size_t i = 0; i < plan.size(); ++i) {
      Part part{{clock, static_cast<std::uint16_t>(i), i + 1 == plan.size(), false, {}, plan[i]}, {}};
      for (const Segment& segment : plan[i]) {
        const auto values = std::make_shared<FloatBuffer>(segment.count);
        for (std::size_t e = 0; e < segment.count; ++e)
          (*values)[e] = static_cast<float>(segment.table * 1000 + segment.first + e + clock * 10'000);
        part.payloads.push_back(payload_of(values, 0, segment.count));
      }
      parts.push_back(std::move(part));
    }
    return parts;
  }

  std::string accept(std::size_t server, const Part& part) {
    const Failure failure = model_.accept(server, part.reply, part.payloads);
    return failure ? failure->message : "";
  }

  const ShardMap shards_{{{"weights", 5, 3}, {"bias", 5, 1}}, 4};
  PulledModel model_{shards_, kServers};
};

TEST_F(PulledModelTest, IsWholeOnceEveryServersPartIsThere) {
  for (const Clock clock : {Clock{0}, Clock{1}}) {
    model_.begin(clock);
    EXPECT_FALSE(model_.complete());
    // One server's parts between another's.
    const std::vector<Part> first = parts_of(0, clock);
    const std::vector<Part> second = parts_of(1, clock);
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
      EXPECT_FALSE(model_.complete());
      if (i < second.size()) {
        EXPECT_EQ(accept(1, second[i]), "");
      }
      if (i < first.size()) {
        EXPECT_EQ(accept(0, first[i]), "");
      }
    }
    EXPECT_TRUE(model_.complete(0));
    EXPECT_TRUE(model_.complete());
    const auto tables = model_.tables();
    ASSERT_EQ(tables.size(), 2U);
    for (std::size_t table = 0; table < 2; ++table) {
      ASSERT_EQ(tables[table].size(), shards_.tables()[table].size());
      for (std::size_t i = 0; i < tables[table].size(); ++i) {
        EXPECT_EQ(tables[table][i], static_cast<float>(table * 1000 + i + clock * 10'000));
      }
    }
  }
}

TEST_F(PulledModelTest, RefusesAnotherClock) {
  model_.begin(3);
  EXPECT_THAT(accept(0, parts_of(0, 2).front()), HasSubstr("clock 2 where 3 was asked"));
  EXPECT_EQ(accept(0, parts_of(0, 3).front()), "");
}

TEST_F(PulledModelTest, RefusesPartsOutOfTurnAndTwice) {
  model_.begin(1);
  const std::vector<Part> parts = parts_of(0, 1);
  ASSERT_GT(parts.size(), 2U);
  EXPECT_THAT(accept(0, parts[1]), HasSubstr("not what comes next"));
  EXPECT_EQ(accept(0, parts[0]), "");
  EXPECT_THAT(accept(0, parts[0]), HasSubstr("not what comes next"));
  for (std::size_t i = 1; i < parts.size(); ++i) EXPECT_EQ(accept(0, parts[i]), "");
  EXPECT_THAT(accept(0, parts.back()), HasSubstr("nobody asked for"));
}

TEST_F(PulledModelTest, RefusesAnotherServersPartAndServersThatAreNotThere) {
  model_.begin(1);
  EXPECT_NE(accept(0, parts_of(1, 1).front()), "");
  EXPECT_THAT(accept(2, parts_of(0, 1).front()), HasSubstr("nobody asked for"));
}

TEST_F(PulledModelTest, RefusesAnEndThatIsTooEarlyOrMissing) {
  model_.begin(1);
  std::vector<Part> parts = parts_of(0, 1);
  parts.front().reply.last = true;
  EXPECT_THAT(accept(0, parts.front()), HasSubstr("too early or too late"));
  model_.begin(1);
  parts = parts_of(0, 1);
  parts.back().reply.last = false;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) EXPECT_EQ(accept(0, parts[i]), "");
  EXPECT_THAT(accept(0, parts.back()), HasSubstr("too early or too late"));
  EXPECT_FALSE(model_.complete(0));
}

TEST_F(PulledModelTest, OfAServerWithoutEntriesIsWholeWithItsEmptyReply) {
  const ShardMap one_row({{"scalar", 1, 1}}, 2);
  PulledModel model(one_row, 2);
  model.begin(0);
  const auto value = std::make_shared<FloatBuffer>(1);
  EXPECT_FALSE(model.accept(0, {0, 0, true, false, {}, {}}, {}));
  EXPECT_FALSE(model.complete());
  const std::vector<Payload> payloads{payload_of(value, 0, 1)};
  EXPECT_FALSE(model.accept(1, {0, 0, true, false, {}, {{0, 0, 1, 0}}}, payloads));
  EXPECT_TRUE(model.complete());
}

}  // namespace
}  // namespace meridian::datacenter
