#include "src/config/config_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/config/input_file.h"
#include "src/config/overrides.h"
#include "src/config/sections.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

constexpr std::size_t kLongestRunName = 64;
constexpr std::size_t kDefaultShards = 16;
constexpr std::size_t kMostShards = 4096;

void read_shards(Fields& root, Config& config) {
  std::size_t most_servers = 1;
  for (const DatacenterConfig& datacenter : config.datacenters) {
    most_servers = std::max(most_servers, datacenter.servers);
  }
  config.shards = std::max(kDefaultShards, most_servers);
  if (root.integer("shards", config.shards, 1, kMostShards) && config.shards < most_servers) {
    root.problems().add(
        root.place_of("shards"),
        fmt::format("shards is {}, so that some of {} servers would own none", config.shards, most_servers),
        fmt::format("at least {}, the largest number of servers in a datacenter", most_servers));
  }
}

void read_output(Fields fields, Config& config) {
  std::string folder;
  if (fields.text("dir", folder, "a folder")) {
    config.output_dir = (config.file.parent_path() / folder).lexically_normal();
  }
  fields.refuse_unknown();
}

Config read_tree(const YamlNode& tree, const std::filesystem::path& file, Problems& problems) {
  Config config;
  config.file = std::filesystem::absolute(file).lexically_normal();
  Fields root(problems, &tree, "");
  read_name(root, config.name);
  root.integer("seed", config.seed, 0, UINT64_MAX);
  read_datacenters(root, config);
  read_workload(root, config);
  read_wan(root, config);
  read_shards(root, config);
  read_output(root.map("output"), config);
  read_watching(root, config);
  root.refuse_unknown();
  return config;
}

}  // namespace

void read_name(Fields& root, std::string& name) {
  const std::string expected = fmt::format(
      "at most {} of letters, digits, '.', '_' and '-', a letter or digit first", kLongestRunName);
  if (!root.text("name", name, expected, Presence::required)) return;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const auto allowed = [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; };
  if (name.size() > kLongestRunName || !plain(name.front()) ||
      !std::all_of(name.begin(), name.end(), allowed)) {
    root.problems().add(root.place_of("name"), fmt::format("name is {}", in_quotes(name)), expected);
  }
}

Result<Config> read_config_text(std::string_view text, const std::filesystem::path& file,
                                const std::vector<std::string>& overrides, const Environment& environment) {
  Problems problems(file.string(), overrides);
  std::optional<YamlNode> tree = parse_yaml(text, 0, problems);
  if (!tree) return Error{problems.text()};
  if (tree->kind == YamlNode::Kind::null) {
    problems.add({0, 1, 1}, "the file holds no configuration", "at least name, workload and datacenters");
    return Error{problems.text()};
  }
  for (std::size_t i = 0; i < overrides.size(); ++i) apply_override(*tree, overrides[i], i + 1, problems);
  expand_variables(*tree, environment, problems);
  Config config = read_tree(*tree, file, problems);
  if (!problems.empty()) return Error{problems.text()};
  return config;
}

Result<Config> read_config(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                           const Environment& environment) {
  const Result<std::string> text = read_input_file(file);
  if (!text) {
    return Error{
        fmt::format("{}: {}; expected a YAML file", printable(file.string(), 400), text.error().message)};
  }
  return read_config_text(text.value(), file, overrides, environment);
}

}  // namespace meridian
