// Goal: an emulation's file, a links file and what comes over HTTP are read, or refused with the place.
#include "src/config/emulation_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/src/config/sample_config.h"

namespace meridian {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kYaml = R"(seed: 5
links:
  pairs:
    - {between: [here, there], bandwidth_mbps: 8, rtt_ms: 20}
    - {from: here, to: moon, bandwidth_mbps: 1, delay_ms: 1300}
  caps: {there: {ingress_mbps: 4}}
  events: [{at_s: 2, for_s: 1, action: cut, datacenter: there}]
relays:
  - {from: here, to: there, listen: "127.0.0.1:5001", target: "[::1]:80"}
api: "127.0.0.1:0"
)";

Result<EmulationConfig> read(const std::string& text) {
  return read_emulation_text(text, "dir/emulate.yaml", {}, sample::no_variables);
}

std::string problem_of(const std::string& text) {
  const auto emulation = read(text);
  EXPECT_FALSE(emulation.ok()) << text;
  return emulation.ok() ? "" : emulation.error().message;
}

TEST(EmulationConfig, HasLinksRelaysAndWhereTheApiListens) {
  const auto read_one = read(kYaml);
  ASSERT_TRUE(read_one.ok()) << read_one.error().message;
  const EmulationConfig& emulation = read_one.value();
  EXPECT_THAT(emulation.places, ElementsAre("here", "there", "moon"));
  EXPECT_EQ(emulation.links[1][0], (LinkConfig{8, 10}));
  EXPECT_EQ(emulation.links[1][2], std::nullopt);
  EXPECT_EQ(emulation.seed, 5U);
  EXPECT_EQ(emulation.caps[1].ingress_mbps, 4.0);
  ASSERT_EQ(emulation.events.size(), 1U);
  EXPECT_THAT(emulation.relays, ElementsAre(RelayConfig{0, 1, {"127.0.0.1", 5001}, {"::1", 80}}));
  EXPECT_EQ(emulation.api, (HostPort{"127.0.0.1", 0}));
}

TEST(EmulationConfig, ADefaultServesWhateverPlacesTheRelaysName) {
  const auto emulation = read(
      "links: {default: {bandwidth_mbps: 1, rtt_ms: 2}}\n"
      "relays: [{from: a, to: b, listen: \"localhost:0\", target: \"localhost:9\"}]\n");
  ASSERT_TRUE(emulation.ok()) << emulation.error().message;
  EXPECT_THAT(emulation.value().places, ElementsAre("a", "b"));
  EXPECT_EQ(emulation.value().api, std::nullopt);
}

TEST(EmulationConfig, EachMistakeIsNamedWithItsPlace) {
  EXPECT_EQ(
      problem_of(sample::with("to: there, l", "to: moon, l", kYaml)),
      "dir/emulate.yaml:9:5: relays[0] needs the link moon -> here, which links does not have; expected an "
      "entry in pairs, or a default");
  EXPECT_THAT(
      problem_of(sample::with("127.0.0.1:5001", "127.0.0.1", kYaml)),
      HasSubstr("dir/emulate.yaml:9:37: relays[0].listen is '127.0.0.1'; expected an address and a port"));
  EXPECT_THAT(problem_of(sample::with("[::1]:80", "[::1]:0", kYaml)),
              HasSubstr("relays[0].target is '[::1]:0'"));
  EXPECT_THAT(problem_of(std::string(kYaml).insert(
                  std::string(kYaml).find("api:"),
                  "  - {from: there, to: here, listen: \"127.0.0.1:5001\", target: \"127.0.0.1:80\"}\n")),
              HasSubstr("relays[1].listen is 127.0.0.1:5001, as of the relay at dir/emulate.yaml:9:5"));
  EXPECT_THAT(problem_of("links: lan\nrelays: []\n"), HasSubstr("links is 'lan'"));
  EXPECT_THAT(problem_of("links: {default: {bandwidth_mbps: 1, rtt_ms: 2}}\n"),
              HasSubstr("relays is missing"));
}

TEST(EmulationConfig, AnEventOfARequestIsReadAsThoseOfAFile) {
  const std::vector<std::string> places = {"here", "there"};
  const auto event =
      read_event_text(R"({"action": "cut", "between": ["here", "there"], "for_s": 5})", places);
  ASSERT_TRUE(event.ok()) << event.error().message;
  EXPECT_EQ(event.value().action, LinkEventConfig::Action::cut);
  EXPECT_EQ(event.value().links.size(), 2U);
  EXPECT_EQ(event.value().at_s, 0.0);
  const auto message = [&](const std::string& text) {
    const auto refused = read_event_text(text, places);
    return refused.ok() ? "" : refused.error().message;
  };
  EXPECT_EQ(message(R"({"action": "cut", "datacenter": "moon"})"),
            "request:1:33: datacenter is the quoted text 'moon'; expected here or there");
  EXPECT_THAT(message("[1]"), HasSubstr("request:1:1: the request is a list; expected a map"));
  EXPECT_THAT(message("{"), HasSubstr("request:"));
  EXPECT_THAT(message(""), HasSubstr("the request is without a value"));
}

TEST(EmulationConfig, AChangeOfARequestSaysAtLeastOneValue) {
  const auto change =
      read_link_change_text(R"({"bandwidth_mbps": 3, "rtt_ms": 10, "jitter": {"normal_ms": 1}})");
  ASSERT_TRUE(change.ok()) << change.error().message;
  EXPECT_EQ(change.value().bandwidth_mbps, 3.0);
  EXPECT_EQ(change.value().delay_ms, 5.0);
  EXPECT_EQ(change.value().loss, std::nullopt);
  EXPECT_EQ(change.value().jitter, (JitterConfig{JitterConfig::Kind::normal, 1, {}}));
  const auto file = read_link_change_text(R"({"jitter": {"recorded": "/etc/passwd"}})");
  ASSERT_FALSE(file.ok());
  EXPECT_THAT(file.error().message, HasSubstr("a request names no files"));
  EXPECT_FALSE(read_link_change_text("{}").ok());
  EXPECT_FALSE(read_link_change_text(R"({"bandwidth_mbps": -1})").ok());
}

}  // namespace
}  // namespace meridian
