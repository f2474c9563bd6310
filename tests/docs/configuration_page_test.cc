// Goal: docs/configuration.md says what the configuration reader does: every key and no other, the values
// each takes, its default; its complete examples are valid and its example of errors is what users get. How:
// the reader itself is asked. A key that does not exist, put into a map, makes it list the map's keys; a map,
// put where a value belongs, makes it say which values it takes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/config/choices.h"
#include "src/config/config_reader.h"
#include "src/config/emulation_config.h"
#include "src/config/mode_explanation.h"
#include "src/config/mode_presets.h"
#include "src/workloads/registry.h"
#include "tests/docs/page.h"
#include "tests/src/output/temporary_folder.h"

namespace meridian {
namespace {

constexpr const char* kStranger = "zzzzzzzz";

/// A key's path, "datacenters[].hosts[].port": "[]" after a key whose value is a list.
using Path = std::string;

Result<Config> read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return read_config_text(text, "bad.yaml", overrides, [](const std::string&) { return std::nullopt; });
}

/// What must be given so that a key may stand there at all: the defaults around it leave it no place.
std::vector<std::string> surroundings(const Path& path) {
  if (path.starts_with("workload.compute.")) return {"workload.compute={seconds_per_clock: 0.1}"};
  if (path == "workload.optimizer.schedule.factor")
    return {"workload.optimizer.schedule={name: step, every: 10}"};
  if (path == "workload.optimizer.schedule.final")
    return {"workload.optimizer.schedule={name: cosine, clocks: 10}"};
  if (path.starts_with("workload.optimizer.beta") || path == "workload.optimizer.epsilon")
    return {"workload.optimizer.name=adam"};
  if (path == "workload.optimizer.decay") return {"workload.optimizer.name=rmsprop"};
  if (path == "workload.data.partition.overlap") return {"workload.data.partition={workers: overlap}"};
  if (path == "workload.data.partition.label_skew")
    return {"workload.data.partition={datacenters: label_skew}"};
  if (path == "workload.data.partition.concentration")
    return {"workload.data.partition={datacenters: dirichlet}"};
  const auto with_kind = [](const std::string& kind) -> std::vector<std::string> {
    return {"workload.model={kind: " + kind + "}", "workload.data={format: generated}"};
  };
  for (const WorkloadKind& kind : workload_kinds()) {
    for (const NumberKey& key : kind.numbers) {
      if (path == "workload.model." + std::string(key.name)) return with_kind(std::string(kind.name));
    }
    for (const WordKey& key : kind.words) {
      if (path == "workload.model." + std::string(key.name)) return with_kind(std::string(kind.name));
    }
  }
  if (path == "workload.data.if_missing") return {"workload.data={format: idx, path: x}"};
  if (path == "workload.data.held_out") return with_kind("topics");
  if (path.starts_with("wan.links.pairs[]."))
    return {"wan.links.pairs=[{between: [east, west], bandwidth_mbps: 10, rtt_ms: 20}]"};
  return {};
}

/// What must stand beside the last key of `path` so that the reader looks at it, as "key: value, ".
std::string beside(const Path& path) {
  constexpr std::string_view kEvent = "wan.links.events[].";
  if (!path.starts_with(kEvent) || path == std::string(kEvent) + "action") return "";
  return path.find('.', kEvent.size()) == Path::npos ? "action: degrade, " : "";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// The --set that puts `value` at `path`, everything around it replaced by what leads there.
std::string override_at(const Path& path, const std::string& value) {
  std::string wrapped = value;
  std::string rest = path;
  while (true) {
    if (rest.ends_with("[]")) {
      wrapped = fmt::format("[{}]", wrapped);
      rest.resize(rest.size() - 2);
    }
    const std::size_t dot = rest.rfind('.');
    if (dot == std::string::npos) return fmt::format("{}={}", rest, wrapped);
    wrapped = fmt::format("{{{}{}: {}}}", beside(rest), rest.substr(dot + 1), wrapped);
    rest.resize(dot);
  }
}

/// What the reader expected instead, where it says `complaint`; nothing where it does not.
std::optional<std::string> expected_after(const std::string& errors, const std::string& complaint) {
  const std::size_t at = errors.find(complaint);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t begin = errors.find("; expected ", at) + std::string("; expected ").size();
  return errors.substr(begin, errors.find('\n', begin) - begin);
}

/// The keys in "name, seed or wan".
std::vector<std::string> keys_of(const std::string& listed) {
  std::vector<std::string> keys;
  std::string rest = replaced(listed, " or ", ", ");
  for (std::size_t comma = rest.find(", "); comma != std::string::npos; comma = rest.find(", ")) {
    keys.push_back(rest.substr(0, comma));
    rest.erase(0, comma + 2);
  }
  keys.push_back(rest);
  return keys;
}

class ConfigurationPage : public ::testing::Test {
 protected:
  std::string errors_with(const std::string& override_text) const {
    const Result<Config> config = read(minimal_, {override_text});
    EXPECT_FALSE(config.ok()) << override_text;
    return config.ok() ? "" : config.error().message;
  }

  /// The keys of the map at `path` ("" for the whole file); nothing where there can be no map.
  std::optional<std::vector<std::string>> keys_at(const Path& path) const {
    const std::string stranger = std::string("{") + kStranger + ": 1}";
    const std::string text =
        path.empty() ? errors_with(std::string(kStranger) + "=1") : errors_with(override_at(path, stranger));
    const std::string full = path.empty() ? kStranger : replaced(path, "[]", "[0]") + "." + kStranger;
    const std::optional<std::string> listed = expected_after(text, "unknown key '" + full + "'");
    if (!listed) return std::nullopt;
    return keys_of(*listed);
  }

  void walk(const Path& map, std::set<Path>& maps, std::set<Path>& leaves) const {
    const auto keys = keys_at(map);
    ASSERT_TRUE(keys) << map;
    for (const std::string& key : *keys) {
      const Path path = map.empty() ? key : fmt::format("{}.{}", map, key);
      const bool is_map = keys_at(path).has_value();
      const bool is_list = !is_map && keys_at(path + "[]").has_value();
      (is_map || is_list ? maps : leaves).insert(path);
      if (is_map) walk(path, maps, leaves);
      if (is_list) walk(path + "[]", maps, leaves);
    }
  }

  /// The tables' rows about keys: path, value, default, meaning.
  std::vector<std::vector<std::string>> key_rows() const {
    std::vector<std::vector<std::string>> found;
    for (const docs::Row& row : page_.rows) {
      if (row.table == "key") found.push_back(row.cells);
    }
    return found;
  }

  docs::Page page_ = docs::read_page("configuration.md");
  std::string minimal_ = page_.block("# complete\n");
};

TEST_F(ConfigurationPage, CompleteExamplesAreValid) {
  std::size_t complete = 0;
  for (const docs::CodeBlock& block : page_.blocks) {
    if (block.language != "yaml" || !block.text.starts_with("# complete\n")) continue;
    ++complete;
    const Result<Config> config = read(block.text);
    EXPECT_TRUE(config.ok()) << (config.ok() ? "" : config.error().message);
  }
  EXPECT_GE(complete, 1U);
}

TEST_F(ConfigurationPage, FilesItPointsAtAreValid) {
  for (const char* file : {"configs/demo.yaml", "configs/deployment.yaml", "configs/ec2-11.yaml"}) {
    const Result<Config> config =
        read_config(docs::source_folder() / file, {}, [](const std::string&) { return std::nullopt; });
    EXPECT_TRUE(config.ok()) << (config.ok() ? "" : config.error().message);
  }
}

TEST_F(ConfigurationPage, TheLinksFileItShowsIsValidAloneAndInARun) {
  const output::TemporaryFolder folder;
  output::put(folder.path() / "links.yaml", page_.block("# links.yaml\n"));
  const Result<EmulationConfig> links = read_links_file(folder.path() / "links.yaml");
  EXPECT_TRUE(links.ok()) << (links.ok() ? "" : links.error().message);
  for (const char* given :
       {"wan={links: links.yaml}",
        "wan={links: {file: links.yaml, pairs: [{between: [east, west], bandwidth_mbps: 1, rtt_ms: 1}]}}"}) {
    const Result<Config> config = read_config_text(minimal_, folder.path() / "run.yaml", {given},
                                                   [](const std::string&) { return std::nullopt; });
    EXPECT_TRUE(config.ok()) << (config.ok() ? "" : config.error().message);
  }
}

TEST_F(ConfigurationPage, EveryFileOfLinksThatItPointsAtIsValid) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(docs::source_folder() / "configs" / "links")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    const Result<EmulationConfig> links = read_links_file(entry.path());
    EXPECT_TRUE(links.ok()) << (links.ok() ? "" : links.error().message);
  }
  EXPECT_GE(files, 1U);
}

TEST_F(ConfigurationPage, HasEveryKeyOfAnEmulationAndNoOther) {
  // A key that the reader does not know makes it list those that it does.
  const std::string stranger = std::string("{") + kStranger + ": 1}";
  const std::string place = fmt::format("{}: 1\nlinks: {{}}\nrelays: [{}]\n", kStranger, stranger);
  const Result<EmulationConfig> emulation =
      read_emulation_text(place, "emulate.yaml", {}, [](const std::string&) { return std::nullopt; });
  ASSERT_FALSE(emulation.ok());
  std::set<std::string> known;
  for (const auto& [complaint, prefix] :
       {std::pair<std::string, std::string>(fmt::format("unknown key '{}'", kStranger), ""),
        std::pair<std::string, std::string>(fmt::format("unknown key 'relays[0].{}'", kStranger),
                                            "relays[].")}) {
    const auto listed = expected_after(emulation.error().message, complaint);
    ASSERT_TRUE(listed) << emulation.error().message;
    for (const std::string& key : keys_of(*listed)) known.insert(prefix + key);
  }
  std::set<std::string> documented;
  for (const docs::Row& row : page_.rows) {
    if (row.table == "key of an emulation") documented.insert(row.cells.front());
  }
  EXPECT_EQ(documented, known);
}

TEST_F(ConfigurationPage, HasEveryActionOfAnEvent) {
  std::vector<std::string> actions;
  for (const docs::Row& row : page_.rows) {
    if (row.table == "action") actions.push_back(row.cells.front());
  }
  EXPECT_TRUE(std::equal(actions.begin(), actions.end(), kLinkActions.begin(), kLinkActions.end()));
}

TEST_F(ConfigurationPage, HasEveryKeyAndNoOther) {
  std::set<Path> maps;
  std::set<Path> leaves;
  walk("", maps, leaves);
  ASSERT_GT(leaves.size(), 40U);
  std::set<Path> documented;
  for (const auto& row : key_rows()) {
    ASSERT_EQ(row.size(), 4U) << row.front();
    EXPECT_TRUE(documented.insert(row.front()).second) << row.front() << " stands there twice";
    EXPECT_TRUE(maps.contains(row.front()) || leaves.contains(row.front()))
        << "the reader knows no key " << row.front();
  }
  for (const Path& leaf : leaves) EXPECT_TRUE(documented.contains(leaf)) << leaf << " is not documented";
}

TEST_F(ConfigurationPage, SaysWhichValuesAKeyTakes) {
  std::size_t compared = 0;
  for (const auto& row : key_rows()) {
    const std::string errors = errors_with(override_at(row[0], std::string("{") + kStranger + ": 1}"));
    const auto expected = expected_after(errors, replaced(row[0], "[]", "[0]") + " is a map;");
    if (!expected) continue;  // a map may stand there
    ++compared;
    EXPECT_EQ(row[1], *expected) << row[0];
  }
  EXPECT_GT(compared, 35U);
}

TEST_F(ConfigurationPage, GivesTheDefaults) {
  std::size_t compared = 0;
  for (const auto& row : key_rows()) {
    if (row[2].empty()) continue;
    ++compared;
    std::vector<std::string> overrides = surroundings(row[0]);
    const Result<Config> without = read(minimal_, overrides);
    overrides.push_back(replaced(row[0], "[]", ".0") + "=" + row[2]);
    const Result<Config> with = read(minimal_, overrides);
    ASSERT_TRUE(without.ok()) << without.error().message;
    ASSERT_TRUE(with.ok()) << with.error().message;
    EXPECT_TRUE(with.value() == without.value()) << row[0] << " has another default than " << row[2];
  }
  EXPECT_GT(compared, 20U);
}

TEST_F(ConfigurationPage, ShowsTheErrorsThatUsersGet) {
  const Result<Config> config = read(page_.block("# bad.yaml\n"), {"wan.parameters.v=1"});
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(page_.block("bad.yaml:"), config.error().message + "\n");
}

TEST_F(ConfigurationPage, HasEveryMode) {
  std::vector<std::string> modes;
  for (const docs::Row& row : page_.rows) {
    if (row.table == "mode") modes.push_back(row.cells.front());
  }
  EXPECT_TRUE(std::equal(modes.begin(), modes.end(), kModes.begin(), kModes.end()));
}

TEST_F(ConfigurationPage, SaysWhatEachModeStandsFor) {
  std::size_t compared = 0;
  for (const docs::Row& row : page_.rows) {
    if (row.table != "mode") continue;
    const ModePreset* const preset = find_mode_preset(row.cells[0]);
    ASSERT_NE(preset, nullptr) << row.cells[0];
    const ModeChoice& choice = preset->choice;
    const std::string wait =
        choice.wait + (preset->fixed_ds ? fmt::format(", `ds` {}", *preset->fixed_ds) : "");
    EXPECT_EQ(row.cells[1], choice.what);
    EXPECT_EQ(row.cells[2], choice.when);
    EXPECT_EQ(row.cells[3], wait);
    EXPECT_EQ(row.cells[4], choice.selective_barrier ? "true" : "false");
    EXPECT_EQ(row.cells[5], choice.merge);
    ++compared;
  }
  EXPECT_EQ(compared, mode_presets().size());
}

TEST_F(ConfigurationPage, ShowsTheExplanationThatUsersGet) {
  const Result<Config> config = read_config(docs::source_folder() / "configs/demo.yaml", {},
                                            [](const std::string&) { return std::nullopt; });
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(page_.block("choice "), explain_mode(config.value()));
}

}  // namespace
}  // namespace meridian
