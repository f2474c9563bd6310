// Goal: whatever a file or a request holds, reading it ends in a value or in problems that each say where
// they are. How: thousands of seeded mutations of samples (bytes flipped, pieces deleted, doubled, moved and
// replaced by bits of YAML), of a run's configuration, of a links file and its trace, of an emulation and of
// requests. A configuration that is read must also survive being written out. A failure names its seed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/random.h"
#include "src/config/emulation_config.h"
#include "src/config/links_table.h"
#include "src/config/resolved_yaml.h"
#include "src/config/run_identity.h"
#include "tests/src/config/sample_config.h"
#include "tests/src/output/temporary_folder.h"

namespace meridian {
namespace {

constexpr int kTrials = 6000;

constexpr auto kPieces = std::to_array<std::string_view>({"[",
                                                          "]",
                                                          "{",
                                                          "}",
                                                          ": ",
                                                          "- ",
                                                          "\n",
                                                          "  ",
                                                          "&a ",
                                                          "*a",
                                                          "!!x ",
                                                          "|\n",
                                                          ">\n",
                                                          "\"",
                                                          "'",
                                                          "#",
                                                          "? ",
                                                          "---\n",
                                                          "...\n",
                                                          "%YAML",
                                                          "${",
                                                          "${X:-",
                                                          "$",
                                                          "~",
                                                          "null",
                                                          "nan",
                                                          "-1",
                                                          "1e308",
                                                          "99999999999999999999",
                                                          "virginia",
                                                          "tokyo",
                                                          ","});

std::size_t place_in(Random& random, const std::string& text) {
  return static_cast<std::size_t>(random.below(text.size() + 1));
}

void mutate(std::string& text, Random& random) {
  const std::size_t at = place_in(random, text);
  const auto length = static_cast<std::size_t>(random.below(40));
  switch (random.below(6)) {
    case 0:
      if (at < text.size()) text[at] = static_cast<char>(random.below(256));
      break;
    case 1:
      text.erase(at, length);
      break;
    case 2:
      text.insert(place_in(random, text), text.substr(at, length));
      break;
    case 3: {
      const std::string piece = text.substr(at, length);
      text.erase(at, length);
      text.insert(place_in(random, text), piece);
      break;
    }
    case 4: {
      const std::size_t digit = text.find_first_of("0123456789", at);
      if (digit != std::string::npos) text[digit] = static_cast<char>('0' + random.below(10));
      break;
    }
    default:
      text.replace(at, random.below(3), kPieces.at(static_cast<std::size_t>(random.below(kPieces.size()))));
  }
}

/// `sample` with one to five changes.
std::string mutated(std::string_view sample, Random& random) {
  std::string text(sample);
  for (std::uint64_t change = 0; change <= random.below(4); ++change) mutate(text, random);
  return text;
}

/// Every line must say what was expected, at a place in one of `files`.
void expect_places(const std::string& problems, const std::vector<std::string>& files) {
  ASSERT_FALSE(problems.empty());
  std::istringstream lines(problems);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.starts_with("and ")) continue;
    ASSERT_NE(line.find("; expected "), std::string::npos) << line;
    std::size_t named = 0;
    for (const std::string& file : files) {
      if (!line.starts_with(file + ":")) continue;
      int row = 0;
      int column = 0;
      char colons[2] = {};
      std::istringstream place(line.substr(file.size() + 1));
      place >> row >> colons[0] >> column >> colons[1];
      if (row >= 1 && column >= 1 && colons[0] == ':' && colons[1] == ':') ++named;
    }
    ASSERT_EQ(named, 1U) << line;
  }
}

void expect_survives_writing(const Config& config) {
  const auto again = read_config_text(resolved_yaml(config), "again.yaml", {}, sample::no_variables);
  ASSERT_TRUE(again.ok()) << again.error().message;
  ASSERT_EQ(run_id(again.value()), run_id(config));
}

/// Both outcomes must occur, or the mutations test nothing. A small text outlives more of them than a whole
/// configuration.
void expect_both_outcomes(int read, int trials, int most) {
  EXPECT_GT(read, trials / 50);
  EXPECT_LT(read, most);
}

TEST(ConfigMutations, EndInAConfigurationOrInProblemsWithPlaces) {
  int read = 0;
  for (int seed = 0; seed < kTrials; ++seed) {
    Random random = Random::for_parts(11, {static_cast<std::uint64_t>(seed)});
    const std::string text = mutated(sample::kYaml, random);
    const Result<Config> config = sample::read(text);
    SCOPED_TRACE(fmt::format("seed {}:\n{}", seed, text));
    if (config.ok()) ++read;
    if (config.ok()) {
      ASSERT_NO_FATAL_FAILURE(expect_survives_writing(config.value()));
    } else {
      ASSERT_NO_FATAL_FAILURE(expect_places(config.error().message, {"dir/test.yaml"}));
    }
  }
  expect_both_outcomes(read, kTrials, kTrials / 2);
}

constexpr std::string_view kLinks = R"(name: mutated
lan: {bandwidth_mbps: 400, rtt_ms: 1}
default: {bandwidth_mbps: 10, rtt_ms: 30, jitter: {recorded_ms: [0, -1.5, 30]}}
pairs:
  - {between: [virginia, tokyo], bandwidth_mbps: 50, rtt_ms: 40, loss: 0.01, jitter: {normal_ms: 2}}
  - from: tokyo
    to: ireland
    bandwidth_mbps: 20
    delay_ms: 5
    trace: {file: trace.csv, repeat_s: 60}
  - {between: [virginia, moon], bandwidth_mbps: 1, rtt_ms: 2600, trace: {steps: [[0, 1], [5, 0.5]]}}
caps:
  virginia: {egress_mbps: 45}
  moon: {ingress_mbps: 2}
prices:
  dated: 2023-08-06
  source: a list
  currency: USD
  default: {egress_per_gb: 0.09, machine_per_hour: 1}
  regions: {virginia: {egress_per_gb: 0.02}, moon: {machine_per_hour: 9}}
events:
  - {at_s: 9, action: restore, between: [virginia, tokyo]}
  - {at_s: 3, for_s: 2, action: cut, from: tokyo, to: ireland}
  - {at_s: 4, action: pause, datacenter: moon}
  - {at_s: 5, action: degrade, datacenter: virginia, bandwidth_factor: 0.5, rtt_ms: 100, jitter: none}
)";

constexpr std::string_view kTrace =
    "# seconds, Mb/s\ntime_s,bandwidth_mbps\n0,20\n\n10,5.5\n12, 1e2 # much\n";

constexpr std::string_view kRunWithLinks = R"(name: links
workload:
  model: softmax
  data: {format: generated}
  optimizer: {learning_rate: 0.1}
  stop: {clocks: 10}
datacenters: [{name: virginia}, {name: ireland}, {name: tokyo}]
wan: {links: links.yaml}
)";

TEST(ConfigMutations, OfLinksFilesAndTracesEndInLinksOrInProblemsWithPlaces) {
  constexpr int kLinksTrials = 3000;
  const output::TemporaryFolder folder;
  const std::string run = (folder.path() / "run.yaml").string();
  const std::string links = (folder.path() / "links.yaml").string();
  const std::string trace = (folder.path() / "trace.csv").string();
  int read = 0;
  for (int seed = 0; seed < kLinksTrials; ++seed) {
    Random random = Random::for_parts(12, {static_cast<std::uint64_t>(seed)});
    // Not always both: what is wrong with the one would hide what the other leads to.
    const std::uint64_t which = random.below(3);
    const std::string links_text = which == 0 ? std::string(kLinks) : mutated(kLinks, random);
    const std::string trace_text = which == 1 ? std::string(kTrace) : mutated(kTrace, random);
    output::put(links, links_text);
    output::put(trace, trace_text);
    SCOPED_TRACE(fmt::format("seed {}:\n{}\n{}", seed, links_text, trace_text));
    const Result<Config> config = read_config_text(kRunWithLinks, run, {}, sample::no_variables);
    if (config.ok()) {
      ++read;
      ASSERT_NO_FATAL_FAILURE(expect_survives_writing(config.value()));
      ASSERT_NE(describe_links_table(config.value()), "");
    } else {
      ASSERT_NO_FATAL_FAILURE(expect_places(config.error().message, {run, links, trace}));
    }
    const Result<EmulationConfig> alone = read_links_file(links);
    if (alone.ok()) {
      const EmulationConfig& all = alone.value();
      describe_links(all.places, all.links, all.caps, all.events);
    } else {
      ASSERT_NO_FATAL_FAILURE(expect_places(alone.error().message, {links, trace}));
    }
    kind_of_config(links);  // whatever it says, it says something
  }
  expect_both_outcomes(read, kLinksTrials, kLinksTrials - kLinksTrials / 10);
}

constexpr std::string_view kEmulation = R"(name: mutated
seed: 5
links:
  default: {bandwidth_mbps: 10, rtt_ms: 30, jitter: {uniform_ms: 3}}
  pairs:
    - {between: [virginia, tokyo], bandwidth_mbps: 8, rtt_ms: 20, loss: 0.1}
    - {from: virginia, to: moon, bandwidth_mbps: 1, delay_ms: 1300, trace: {steps: [[0, 1], [5, 2]]}}
  caps: {tokyo: {ingress_mbps: 4}}
  events: [{at_s: 2, for_s: 1, action: cut, datacenter: tokyo}]
relays:
  - {from: virginia, to: tokyo, listen: "127.0.0.1:5001", target: "[::1]:80"}
  - {from: tokyo, to: moon, listen: "localhost:0", target: "127.0.0.1:5002"}
api: "127.0.0.1:0"
)";

TEST(ConfigMutations, OfEmulationsEndInOneOrInProblemsWithPlaces) {
  int read = 0;
  for (int seed = 0; seed < kTrials; ++seed) {
    Random random = Random::for_parts(13, {static_cast<std::uint64_t>(seed)});
    const std::string text = mutated(kEmulation, random);
    SCOPED_TRACE(fmt::format("seed {}:\n{}", seed, text));
    const auto emulation = read_emulation_text(text, "dir/emulate.yaml", {}, sample::no_variables);
    if (!emulation.ok()) {
      ASSERT_NO_FATAL_FAILURE(expect_places(emulation.error().message, {"dir/emulate.yaml"}));
      continue;
    }
    ++read;
    const EmulationConfig& all = emulation.value();
    describe_links(all.places, all.links, all.caps, all.events);
    for (const RelayConfig& relay : all.relays) {
      ASSERT_TRUE(all.links.at(relay.from).at(relay.to) && all.links.at(relay.to).at(relay.from));
      ASSERT_NE(relay.target.port, 0);
    }
  }
  expect_both_outcomes(read, kTrials, kTrials - kTrials / 10);
}

constexpr std::string_view kEvent =
    R"({"action": "degrade", "between": ["virginia", "tokyo"], "for_s": 5, "rtt_ms": 100, "loss": 0.1,
 "jitter": {"normal_ms": 2}})";
constexpr std::string_view kChange =
    R"({"bandwidth_mbps": 3, "rtt_ms": 10, "loss": 0.2, "jitter": {"recorded_ms": [1, 2]}})";

TEST(ConfigMutations, OfRequestsEndInAnEventOrAChangeOrInProblemsWithPlaces) {
  int events = 0;
  int changes = 0;
  for (int seed = 0; seed < kTrials; ++seed) {
    Random random = Random::for_parts(14, {static_cast<std::uint64_t>(seed)});
    const std::string event_text = mutated(kEvent, random);
    const std::string change_text = mutated(kChange, random);
    SCOPED_TRACE(fmt::format("seed {}:\n{}\n{}", seed, event_text, change_text));
    const Result<LinkEventConfig> event = read_event_text(event_text, {"virginia", "ireland", "tokyo"});
    const Result<LinkChangeConfig> change = read_link_change_text(change_text);
    if (event.ok()) {
      ++events;
      for (const auto& link : event.value().links)
        ASSERT_TRUE(link.from < 3 && link.to < 3 && link.from != link.to);
    } else {
      ASSERT_NO_FATAL_FAILURE(expect_places(event.error().message, {"request"}));
    }
    if (change.ok()) {
      ++changes;
    } else {
      ASSERT_NO_FATAL_FAILURE(expect_places(change.error().message, {"request"}));
    }
  }
  expect_both_outcomes(events, kTrials, kTrials - kTrials / 10);
  expect_both_outcomes(changes, kTrials, kTrials - kTrials / 10);
}

}  // namespace
}  // namespace meridian
