// Goal: one description of links, inline, in a file or both, becomes the same values; what is wrong with it
// is said at its place, also in the files that it names. How: small files in a folder of the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "src/config/links_table.h"
#include "src/config/resolved_yaml.h"
#include "src/config/run_identity.h"
#include "tests/src/config/sample_config.h"
#include "tests/src/output/temporary_folder.h"

namespace meridian {
namespace {

using sample::no_variables;
using testing::HasSubstr;
using Kind = JitterConfig::Kind;
using Action = LinkEventConfig::Action;

constexpr const char* kRun = R"(name: links
workload:
  model: softmax
  data: {format: generated}
  optimizer: {learning_rate: 0.1}
  stop: {clocks: 10}
datacenters: [{name: east}, {name: west}, {name: north}]
wan:
  links: )";

constexpr const char* kFile = R"(name: four places
lan: {bandwidth_mbps: 400, rtt_ms: 1}
default: {bandwidth_mbps: 10, rtt_ms: 30}
pairs:
  - {between: [east, west], bandwidth_mbps: 50, rtt_ms: 40, loss: 0.01, jitter: {normal_ms: 2}}
  - {from: west, to: north, bandwidth_mbps: 20, delay_ms: 5, trace: trace.csv}
  - {between: [east, moon], bandwidth_mbps: 1, rtt_ms: 2600}
caps:
  east: {egress_mbps: 45}
  moon: {ingress_mbps: 2}
events:
  - {at_s: 9, action: restore, between: [east, west]}
  - {at_s: 3, for_s: 2, action: cut, from: west, to: north}
  - {at_s: 4, action: cut, datacenter: moon}
  - {at_s: 5, action: degrade, datacenter: east, bandwidth_factor: 0.5, rtt_ms: 100}
)";

class LinksFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    write("links.yaml", kFile);
    write("trace.csv", "# seconds, Mb/s\ntime_s,bandwidth_mbps\n0,20\n\n10,5\n");
  }

  void write(const std::string& name, const std::string& text) const {
    output::put(folder_.path() / name, text);
  }
  std::filesystem::path file() const { return folder_.path() / "run.yaml"; }
  Result<Config> read(const std::string& links, const std::vector<std::string>& overrides = {}) const {
    return read_config_text(std::string(kRun) + links, file(), overrides, no_variables);
  }
  Config config_of(const std::string& links) const {
    const Result<Config> config = read(links);
    EXPECT_TRUE(config.ok()) << (config.ok() ? "" : config.error().message);
    return config.ok() ? config.value() : Config{};
  }
  std::string problems_of(const std::string& links) const {
    const Result<Config> config = read(links);
    EXPECT_FALSE(config.ok()) << links;
    return config.ok() ? "" : config.error().message;
  }
  std::string in(const std::string& name) const { return (folder_.path() / name).string(); }

  output::TemporaryFolder folder_;
};

TEST_F(LinksFiles, AFileGivesTheLinksOfThisRunsDatacenters) {
  const WanConfig wan = config_of("links.yaml").wan;
  const LinkConfig pair{50, 20, {Kind::normal, 2, {}}, 0.01, {}};
  EXPECT_EQ(wan.links[0][1], pair);
  EXPECT_EQ(wan.links[1][0], pair);
  EXPECT_EQ(wan.links[1][2], (LinkConfig{20, 5, {}, 0, {{{0, 20}, {10, 5}}, std::nullopt}}));
  EXPECT_EQ(wan.links[2][1], (LinkConfig{10, 15})) << "the default serves the other direction";
  EXPECT_EQ(wan.links[0][2], (LinkConfig{10, 15}));
  EXPECT_EQ(wan.lan, (LinkConfig{400, 0.5}));
  EXPECT_EQ(wan.caps, (std::vector<DatacenterCaps>{{45, std::nullopt}, {}, {}}));
}

TEST_F(LinksFiles, EventsComeByTimeAndOnlyThoseOfThisRunsDatacenters) {
  const auto events = config_of("links.yaml").wan.events;
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].action, Action::cut);
  EXPECT_EQ(events[0].links, (std::vector<LinkEventConfig::Direction>{{1, 2}}));
  EXPECT_EQ(events[0].for_s, 2.0);
  EXPECT_EQ(events[1].action, Action::degrade);
  EXPECT_EQ(events[1].links, (std::vector<LinkEventConfig::Direction>{{0, 1}, {1, 0}, {0, 2}, {2, 0}}));
  EXPECT_EQ(events[1].bandwidth_factor, 0.5);
  EXPECT_EQ(events[1].delay_ms, 50.0);
  EXPECT_EQ(events[2].action, Action::restore);
}

TEST_F(LinksFiles, KeysBesideTheFileGoOverIt) {
  const WanConfig wan =
      config_of(
          "{file: links.yaml, pairs: [{between: [west, east], bandwidth_mbps: 7, rtt_ms: 2}], "
          "events: [{at_s: 1, action: pause, datacenter: north, for_s: 3}]}\n  lan: {bandwidth_mbps: 5, "
          "rtt_ms: 0}")
          .wan;
  EXPECT_EQ(wan.links[0][1], (LinkConfig{7, 1}));
  EXPECT_EQ(wan.links[1][0], (LinkConfig{7, 1}));
  EXPECT_EQ(wan.links[0][2], (LinkConfig{10, 15}));
  EXPECT_EQ(wan.lan, (LinkConfig{5, 0})) << "wan.lan is nearer than the file's lan";
  ASSERT_EQ(wan.events.size(), 4U);
  EXPECT_EQ(wan.events[0].action, Action::pause);
  EXPECT_EQ(wan.events[0].datacenter, 2U);
}

TEST_F(LinksFiles, EveryKindOfJitterAndOfTrace) {
  write("delays.txt", "# ms\n0\n-1.5\n30 # a spike\n");
  const auto link = [&](const std::string& more) {
    return config_of("{default: {bandwidth_mbps: 10, rtt_ms: 30, " + more + "}}").wan.links[0][1];
  };
  EXPECT_EQ(link("jitter: none").jitter, JitterConfig{});
  EXPECT_EQ(link("jitter: {uniform_ms: 5}").jitter, (JitterConfig{Kind::uniform, 5, {}}));
  EXPECT_EQ(link("jitter: {recorded: delays.txt}").jitter, (JitterConfig{Kind::recorded, 0, {0, -1.5, 30}}));
  EXPECT_EQ(link("jitter: {recorded_ms: [1, 2]}").jitter, (JitterConfig{Kind::recorded, 0, {1, 2}}));
  const BandwidthTraceConfig repeated{{{0, 20}, {10, 5}}, 60.0};
  EXPECT_EQ(link("trace: {file: trace.csv, repeat_s: 60}").trace, repeated);
  EXPECT_EQ(link("trace: {steps: [[0, 20], [10, 5]], repeat_s: 60}").trace, repeated);
}

TEST_F(LinksFiles, TheResolvedConfigurationStandsAlone) {
  write("delays.txt", "0\n3\n");
  const Config config = config_of(
      "{file: links.yaml, pairs: [{from: east, to: north, bandwidth_mbps: 3, rtt_ms: 9, "
      "jitter: {recorded: delays.txt}, loss: 0.002}], events: [{at_s: 1, action: reset, between: [east, "
      "north]}]}");
  const auto again = read_config_text(resolved_yaml(config), "elsewhere.yaml", {}, no_variables);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again.value().wan, config.wan);
  EXPECT_EQ(run_id(again.value()), run_id(config));
}

constexpr const char* kDefault = "default: {bandwidth_mbps: 10, rtt_ms: 30}";

TEST_F(LinksFiles, PricesAreOfTheRunsDatacentersAndOfTheirDefault) {
  write("links.yaml", std::string(kFile) +
                          "prices:\n  dated: 2023-08-06\n  source: a list\n  currency: USD\n"
                          "  default: {egress_per_gb: 0.09}\n"
                          "  regions: {east: {machine_per_hour: 0.8}, west: {egress_per_gb: 0}, moon: {}}\n");
  EXPECT_EQ(config_of("links.yaml").wan.prices,
            (PricesConfig{"2023-08-06", "a list", "USD", {{0.09, 0.8}, {0.0, {}}, {0.09, {}}}}));
  // A list is of one day and one source, so another one takes its place as a whole.
  EXPECT_EQ(config_of("{file: links.yaml, prices: {dated: 2024-02-29, source: b, currency: EUR, regions: "
                      "{west: {machine_per_hour: 1}}}}")
                .wan.prices,
            (PricesConfig{"2024-02-29", "b", "EUR", {{}, {{}, 1.0}, {}}}));
  EXPECT_EQ(config_of(std::string("{") + kDefault + "}").wan.prices, std::nullopt);
  EXPECT_EQ(config_of("lan").wan.prices, std::nullopt);
}

TEST_F(LinksFiles, PricesStandInTheTable) {
  const std::string table =
      describe_links_table(config_of(std::string("{") + kDefault +
                                     ", prices: {dated: 2023-08-06, source: a list, currency: USD, regions: "
                                     "{west: {egress_per_gb: 0.02}}}}"));
  EXPECT_THAT(table, HasSubstr("prices in USD  a GB sent away  a machine's hour\n"
                               "east           -               -\n"
                               "west           0.02            -\n"
                               "north          -               -\n"
                               "prices of 2023-08-06: a list\n"));
}

TEST_F(LinksFiles, EachMistakeInPricesIsNamed) {
  write("links.yaml",
        "default: {bandwidth_mbps: 10, rtt_ms: 30}\nprices:\n  dated: 2023-02-29\n  currency: usd\n"
        "  default: {egress_per_gb: -0.1, machine_per_hour: .inf}\n  regions: {ost: {egress_per_mb: 1}}\n");
  const std::string problems = problems_of("links.yaml");
  for (const char* problem : {
           ":3:10: prices.dated is '2023-02-29'; expected the day of the prices, such as 2026-01-31",
           ":3:3: prices.source is missing",
           ":4:13: prices.currency is 'usd'; expected the three letters of a currency, such as USD",
           ":5:28: prices.default.egress_per_gb is '-0.1'; expected a number from 0 to 1000000",
           ":5:52: prices.default.machine_per_hour is '.inf'; expected a number from 0 to 1000000",
           ":6:13: prices.regions names 'ost', which is no datacenter",
           ":6:19: unknown key 'prices.regions.ost.egress_per_mb', perhaps "
           "'prices.regions.ost.egress_per_gb'",
       }) {
    EXPECT_THAT(problems, HasSubstr(in("links.yaml") + problem));
  }
  for (const char* date : {"2023-8-6", "2023-08-06x", "20230806", "2023-13-01", "+023-08-06", "soon"}) {
    EXPECT_THAT(problems_of(std::string("{") + kDefault +
                            ", prices: {source: a, currency: USD, dated: " + date + "}}"),
                HasSubstr("wan.links.prices.dated is '"))
        << date;
  }
  EXPECT_THAT(problems_of(std::string("{") + kDefault + ", prices: 3}"),
              HasSubstr("wan.links.prices is '3'; expected a map"));
}

TEST_F(LinksFiles, RunsThatDifferInAnyOfItHaveOtherIds) {
  std::set<std::string> ids;
  const std::vector<std::string> links = {
      "bandwidth_mbps: 10, rtt_ms: 30",
      "bandwidth_mbps: 10, rtt_ms: 30, loss: 0.1",
      "bandwidth_mbps: 10, rtt_ms: 30, jitter: {uniform_ms: 3}",
      "bandwidth_mbps: 10, rtt_ms: 30, jitter: {normal_ms: 3}",
      "bandwidth_mbps: 10, rtt_ms: 30, trace: trace.csv",
      "bandwidth_mbps: 10, rtt_ms: 30, trace: {file: trace.csv, repeat_s: 20}"};
  for (const std::string& link : links) ids.insert(run_id(config_of("{default: {" + link + "}}")));
  const std::string base = "{default: {bandwidth_mbps: 10, rtt_ms: 30}, ";
  ids.insert(run_id(config_of(base + "caps: {east: {egress_mbps: 4}}}")));
  ids.insert(run_id(config_of(base + "events: [{at_s: 1, action: cut, datacenter: east}]}")));
  ids.insert(run_id(config_of(base + "events: [{at_s: 1, action: cut, between: [east, west]}]}")));
  EXPECT_EQ(ids.size(), links.size() + 3);
}

TEST_F(LinksFiles, TheTableShowsWhatVariesAndWhatHappens) {
  const std::string table = describe_links_table(config_of("links.yaml"));
  EXPECT_THAT(table, HasSubstr("50 Mb/s, 40~2 ms, 1 % lost"));
  EXPECT_THAT(table, HasSubstr("5-20 Mb/s, 20 ms"));
  EXPECT_THAT(table, HasSubstr("east sends at most 45 Mb/s in all\n"));
  EXPECT_THAT(table, HasSubstr("at 3 s: cut west -> north for 2 s\n"));
  EXPECT_THAT(table, HasSubstr("at 5 s: degrade east until restored: 0.5 of the bandwidth, 50 ms one way\n"));
}

TEST_F(LinksFiles, WhatIsWrongInAFileIsSaidWithTheFilesPlace) {
  write("links.yaml", std::string(kFile) + "  - {at_s: 1, action: cut, between: [east, wets]}\n");
  EXPECT_EQ(problems_of("links.yaml"),
            in("links.yaml") +
                ":16:44: events[4].between names 'wets', which is no datacenter, perhaps 'west'; "
                "expected east, west, north or moon");
  write("trace.csv", "0,20\n10,5\n10,7\n");
  write("links.yaml", kFile);
  EXPECT_EQ(problems_of("links.yaml"), in("trace.csv") +
                                           ":3:1: '10,7' comes after the step at 10 s; expected times in "
                                           "ascending order");
  write("trace.csv", "0,20\n1,-5\n");
  EXPECT_THAT(problems_of("links.yaml"), HasSubstr("trace.csv:2:1: '1,-5' is no step of a trace"));
  write("trace.csv", "0,20\nlater,5\n");
  EXPECT_THAT(problems_of("links.yaml"), HasSubstr("trace.csv:2:1: 'later,5' is no step of a trace"));
  write("trace.csv", "# nothing\n");
  EXPECT_THAT(problems_of("links.yaml"), HasSubstr("trace.csv:1:1: no step is in it"));
  std::filesystem::remove(folder_.path() / "trace.csv");
  EXPECT_THAT(
      problems_of("links.yaml"),
      HasSubstr("links.yaml:6:69: pairs[1].trace is 'trace.csv', which cannot be read: No such file"));
}

TEST_F(LinksFiles, APairThatTheFileMissesIsNamedWithTheFile) {
  write("two.yaml", "pairs: [{between: [east, west], bandwidth_mbps: 5, rtt_ms: 1}]\n");
  const std::string problems = problems_of("two.yaml");
  EXPECT_THAT(problems,
              HasSubstr("run.yaml:9:10: wan.links (" + in("two.yaml") + ") has no link east - north; " +
                        "expected an entry in pairs, or a default"));
  EXPECT_THAT(problems, HasSubstr("no link west - north"));
  EXPECT_EQ(problems_of("none.yaml"),
            in("run.yaml") +
                ":9:10: wan.links is 'none.yaml', which cannot be read: No such file "
                "or directory; expected lan (every link as inside a datacenter), a "
                "links file, or a map with default and pairs");
}

TEST_F(LinksFiles, EachMistakeIsNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"default: {bandwidth_mbps: -3, rtt_ms: 1}", "bandwidth_mbps is '-3'; expected a number above 0"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1, loss: 0.9}",
       "loss is '0.9'; expected a number from 0 to 0.5"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1, jitter: {uniform_ms: 1, normal_ms: 1}}",
       "jitter is of no kind, or of several"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1, jitter: lots}", "jitter is 'lots'; expected none, or a map"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1, trace: {steps: [[5, 1], [2, 1]]}}",
       "trace.steps[1] comes after the step at 5 s; expected times in ascending order"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1, trace: {steps: [[5, 1]], repeat_s: 5}}",
       "repeat_s is 5; expected more than 5 s"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1, trace: {repeat_s: 5}}", "trace has neither file and steps"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1}, caps: {ost: {egress_mbps: 1}}",
       "caps names 'ost', which is no datacenter"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1}, events: [{at_s: 1, action: cut, between: [east, moon]}]",
       "events[0].between names 'moon', which is no datacenter"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1}, events: [{at_s: 1, action: cut}]",
       "events[0] does not say what it is about"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1}, events: [{at_s: 1, action: pause, between: [east, west]}]",
       "expected datacenter, and no link, with action: pause"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1}, events: [{action: cut, datacenter: east}]",
       "at_s is missing"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1}, events: [{at_s: 1, action: degrade, datacenter: east}]",
       "events[0] degrades nothing"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1}, events: [{at_s: 1, action: cut, datacenter: east, loss: "
       "0.1}]",
       "loss with action: cut"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1}, events: [{at_s: 1, action: restore, datacenter: east, "
       "for_s: 1}]",
       "for_s with action: restore"},
      {"default: {bandwidth_mbps: 3, rtt_ms: 1}, events: [{at_s: 1, action: break, datacenter: east}]",
       "action is 'break'; expected cut, degrade, restore, reset or pause"},
  };
  for (const auto& [links, problem] : cases)
    EXPECT_THAT(problems_of("{" + links + "}"), HasSubstr(problem)) << links;
  EXPECT_THAT(
      problems_of(
          "{default: {bandwidth_mbps: 3, rtt_ms: 1}}\n  lan: {bandwidth_mbps: 3, rtt_ms: 1, loss: 0.1}"),
      HasSubstr("unknown key 'wan.lan.loss'"));
}

}  // namespace
}  // namespace meridian
