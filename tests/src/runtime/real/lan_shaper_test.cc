// Goal: what one process sends inside its datacenter comes out when a link of the LAN's rate and delay has
// carried it, whole and in each connection's order, and nothing that is still on it at the end is lost.
// Reached in virtual time, with times worked out by hand.
#include "src/runtime/real/lan_shaper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr ProcessId kServer = ProcessId{0, Role::server, 0};
constexpr ProcessId kOther = ProcessId{0, Role::server, 1};

/// 1 MB/s, so that a kilobyte takes a millisecond.
LanShaper shaper() { return LanShaper({.rate_bytes_per_s = 1e6, .delay = microseconds(100)}); }

/// A parcel with a name in its header.
LanShaper::Parcel parcel(ProcessId to, Channel channel, int name) {
  return {to, channel, {static_cast<std::byte>(name)}, {}};
}

std::vector<int> names(const std::vector<LanShaper::Parcel>& parcels) {
  std::vector<int> all;
  for (const LanShaper::Parcel& one : parcels) all.push_back(std::to_integer<int>(one.header.at(0)));
  return all;
}

TEST(LanShaper, AParcelComesOutAfterItsBytesAndTheDelayAndNotBefore) {
  LanShaper lan = shaper();
  EXPECT_EQ(lan.next_event(), std::nullopt);
  const auto bytes = std::make_shared<std::vector<std::byte>>(100);
  LanShaper::Parcel sent = parcel(kServer, Channel::data, 7);
  sent.payloads.emplace_back(bytes, std::span<const std::byte>(*bytes));
  lan.enqueue(milliseconds(5), 1000, std::move(sent));
  EXPECT_FALSE(lan.empty());
  EXPECT_EQ(lan.next_event(), microseconds(6100));
  EXPECT_THAT(lan.take_due(microseconds(6099)), IsEmpty());
  const std::vector<LanShaper::Parcel> due = lan.take_due(microseconds(6100));
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].to, kServer);
  EXPECT_EQ(due[0].channel, Channel::data);
  EXPECT_THAT(names(due), ElementsAre(7));
  ASSERT_EQ(due[0].payloads.size(), 1U);
  EXPECT_EQ(due[0].payloads[0].bytes().data(), bytes->data()) << "the very memory, not a copy";
  EXPECT_TRUE(lan.empty());
  EXPECT_EQ(lan.next_event(), std::nullopt);
}

TEST(LanShaper, AllThatAProcessSendsSharesOneLinkInTurns) {
  LanShaper lan = shaper();
  lan.enqueue(Time{0}, 100'000, parcel(kServer, Channel::data, 1));
  lan.enqueue(Time{0}, 100'000, parcel(kOther, Channel::data, 2));
  lan.enqueue(Time{0}, 10, parcel(kServer, Channel::control, 3));
  // The small one waits for one turn of each of the others.
  const Time two_turns = microseconds(2 * SharedLink::Options{}.turn_bytes);
  EXPECT_THAT(names(lan.take_due(two_turns + microseconds(110))), ElementsAre(3));
  // The first of the large ones waits for all but the last turn of the second.
  EXPECT_THAT(names(lan.take_due(milliseconds(190))), IsEmpty());
  EXPECT_THAT(names(lan.take_due(milliseconds(200))), ElementsAre(1));
  EXPECT_THAT(names(lan.take_due(microseconds(200'110))), ElementsAre(2));
}

TEST(LanShaper, EachConnectionKeepsItsOrder) {
  LanShaper lan = shaper();
  for (int i = 0; i < 10; ++i)
    lan.enqueue(Time{i}, i % 2 == 0 ? 50'000 : 1, parcel(kServer, Channel::data, i));
  EXPECT_THAT(names(lan.take_due(std::chrono::seconds(1))), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(LanShaper, WhatIsStillOnTheWayCanBeTakenInItsOrder) {
  LanShaper lan = shaper();
  lan.enqueue(Time{0}, 1000, parcel(kServer, Channel::data, 1));
  lan.enqueue(Time{0}, 50'000, parcel(kServer, Channel::data, 2));
  lan.enqueue(Time{0}, 10, parcel(kServer, Channel::data, 3));
  lan.enqueue(Time{0}, 10, parcel(kOther, Channel::control, 4));
  EXPECT_THAT(names(lan.take_due(microseconds(1100))), ElementsAre(1));
  EXPECT_THAT(names(lan.take_all()), ElementsAre(2, 3, 4));
  EXPECT_TRUE(lan.empty());
}

}  // namespace
}  // namespace meridian
