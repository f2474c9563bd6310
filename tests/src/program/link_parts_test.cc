// Goal: the configuration's words become the network's values, and a restore ends what came before it, in the
// simulator's schedule as in the emulator's.
#include "src/program/link_parts.h"

#include <gtest/gtest.h>

#include "src/config/config_reader.h"

namespace meridian::program {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Config config_with(const std::string& links) {
  const auto config = read_config_text(
      "name: x\nworkload: {model: softmax, data: {format: generated}, optimizer: {learning_rate: 0.1}, "
      "stop: {clocks: 1}}\ndatacenters: [{name: a}, {name: b}, {name: c}]\nwan:\n  links: " +
          links,
      "x.yaml", {}, [](const std::string&) { return std::nullopt; });
  EXPECT_TRUE(config.ok()) << (config.ok() ? "" : config.error().message);
  return config.value();
}

TEST(LinkParts, UnitsAreTheNetworks) {
  const Config config = config_with(
      "{default: {bandwidth_mbps: 80, rtt_ms: 40, jitter: {uniform_ms: 3}, loss: 0.01, trace: {steps: [[2, "
      "8]], "
      "repeat_s: 5}}, pairs: [{from: b, to: a, bandwidth_mbps: 8, delay_ms: 7}]}");
  const WideAreaLink::Options link = wide_area_link_options(config.wan.links[0][1], config.wan.links[1][0]);
  EXPECT_EQ(link.link.rate_bytes_per_s, 1e7);
  EXPECT_EQ(link.link.delay, milliseconds(20));
  EXPECT_EQ(link.return_delay, milliseconds(7));
  EXPECT_EQ(link.loss, 0.01);
  EXPECT_EQ(link.variation, (DelayVariation::Options{DelayVariation::Kind::uniform, milliseconds(3), {}}));
  EXPECT_EQ(link.trace, (RateTrace{{{seconds(2), 1e6}}, seconds(5)}));
}

TEST(LinkParts, ARestoreEndsWhatItsLinksHaveAndNothingElse) {
  const auto faults = scheduled_faults(config_with(
      "{default: {bandwidth_mbps: 8, rtt_ms: 2}, events: [{at_s: 1, action: cut, between: [a, b]}, "
      "{at_s: 2, action: degrade, from: a, to: b, loss: 0.1, for_s: 100}, {at_s: 3, action: cut, from: b, "
      "to: c, "
      "for_s: 1}, {at_s: 5, action: restore, from: a, to: b}, {at_s: 6, action: pause, datacenter: c}, "
      "{at_s: 8, action: restore, datacenter: c}]}"));
  ASSERT_EQ(faults.size(), 5U);
  const auto& there = std::get<LinkCut>(faults[0]);
  EXPECT_EQ(there.lasts, seconds(4));
  const auto& back = std::get<LinkCut>(faults[1]);
  EXPECT_EQ(std::pair(back.from, back.to), std::pair(std::uint16_t{1}, std::uint16_t{0}));
  EXPECT_EQ(back.lasts, Time::max() - seconds(1)) << "the restore was for the other direction";
  EXPECT_EQ(std::get<LinkDegradation>(faults[2]).lasts, seconds(3));
  EXPECT_EQ(std::get<LinkDegradation>(faults[2]).values.loss, 0.1);
  EXPECT_EQ(std::get<LinkCut>(faults[3]).lasts, seconds(1));
  EXPECT_EQ(std::get<ProcessPause>(faults[4]).lasts, seconds(2));
  EXPECT_EQ(std::get<ProcessPause>(faults[4]).processes.datacenter, 2);
}

TEST(LinkParts, TheEmulatorHasTheSameLinksAsTheSimulatorAndNoPauses) {
  const Config config = config_with(
      "{default: {bandwidth_mbps: 8, rtt_ms: 2}, caps: {b: {ingress_mbps: 4}}, events: [{at_s: 6, action: "
      "pause, "
      "datacenter: c}, {at_s: 7, action: reset, datacenter: a}]}");
  const EmulatedLinks links = emulated_links(config);
  ASSERT_EQ(links.description.links.size(), 6U);
  const auto& ac = links.description.links[links.index[0][2].value()];
  EXPECT_EQ(ac.from + ac.to, "ac");
  ASSERT_EQ(links.description.caps.size(), 1U);
  EXPECT_EQ(links.description.caps[0].place, "b");
  EXPECT_EQ(links.description.caps[0].ingress_bytes_per_s, 5e5);
  EXPECT_EQ(links.description.events.size(), 4U) << "a reset of each of a's links";
}

TEST(LinkParts, APauseInAnEmulationCutsAllLinksOfItsPlace) {
  const auto emulation = read_emulation_text(
      "links: {default: {bandwidth_mbps: 8, rtt_ms: 2}, events: [{at_s: 6, action: pause, datacenter: b}]}\n"
      "relays: [{from: a, to: b, listen: \"127.0.0.1:0\", target: \"127.0.0.1:9\"}]\n",
      "x.yaml", {}, [](const std::string&) { return std::nullopt; });
  ASSERT_TRUE(emulation.ok()) << emulation.error().message;
  const EmulatedLinks links = emulated_links(emulation.value());
  ASSERT_EQ(links.description.events.size(), 2U);
  for (const auto& event : links.description.events) {
    EXPECT_EQ(event.kind, wan::emulator::LinkEvent::Kind::cut);
    EXPECT_EQ(event.lasts, std::nullopt);
  }
}

}  // namespace
}  // namespace meridian::program
