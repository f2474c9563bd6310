#include "src/sweep/experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "src/config/fields.h"
#include "src/config/input_file.h"
#include "src/config/sections.h"
#include "src/config/spelling.h"
#include "src/config/yaml_tree.h"
#include "src/sweep/centralised.h"
#include "src/sweep/flow_text.h"

namespace meridian::sweep {

namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kLongestPath = 4096;
const Range kDataGb = Range::above(0, kMostDataGb);
const Range kRatio = Range::above(0, 1e6);

std::vector<std::string_view> names_of(const std::vector<Axis>& axes) {
  std::vector<std::string_view> names;
  for (const Axis& axis : axes) names.push_back(axis.name);
  return names;
}

std::vector<std::string_view> labels_of(const Axis& axis) {
  std::vector<std::string_view> labels;
  for (const AxisValue& value : axis.values) labels.push_back(value.label);
  return labels;
}

template <typename Word>
std::optional<std::size_t> position_of(const std::vector<std::string_view>& words, const Word& word) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<std::size_t>(found - words.begin());
}

class Reader {
 public:
  Reader(Problems& problems, const YamlNode& tree) : problems_(problems), root_(problems, &tree, "") {}

  Experiment read(const std::filesystem::path& file) {
    experiment_.file = file;
    read_name(root_, experiment_.name);
    std::string base;
    if (root_.text("base", base, "the path of a configuration", Presence::required)) {
      if (base.size() > kLongestPath) {
        problems_.add(root_.place_of("base"), "base is no path", "the path of a configuration");
      }
      experiment_.base = (file.parent_path() / base).lexically_normal();
    }
    if (const YamlNode* settings = root_.find("set")) {
      experiment_.settings = read_settings(*settings, "set");
    }
    read_axes();
    read_seeds();
    experiment_.baseline = read_reference("baseline");
    experiment_.lan = read_reference("lan");
    read_centralised();
    read_published();
    root_.refuse_unknown();
    limit_runs();
    return std::move(experiment_);
  }

 private:
  /// A map from dotted keys to values.
  std::vector<Setting> read_settings(const YamlNode& node, const std::string& path) {
    std::vector<Setting> settings;
    if (node.kind != Kind::map) {
      problems_.add(node.place, fmt::format("{} is {}", path, describe_value(node)),
                    "a map from dotted keys to values, such as {wan.mode: bsp}");
      return settings;
    }
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const YamlNode::Key& key = node.keys[i];
      if (accept_key(key.text, key.place, path)) {
        settings.push_back({fmt::format("{}={}", key.text, flow_text(node.children[i])), key.place});
      }
    }
    return settings;
  }

  bool accept_key(const std::string& key, Place place, const std::string& path) {
    if (key == "seed") {
      problems_.add(place, fmt::format("{} sets the seed", path), "seeds: [1, 2, 3] of the experiment");
      return false;
    }
    if (key.find('=') == std::string::npos && !key.empty()) return true;
    problems_.add(place, fmt::format("{} has the key {}", path, in_quotes(key)),
                  "a key of the configuration, its parts joined by dots, such as wan.mode");
    return false;
  }

  void read_axes() {
    const std::span<const YamlNode> nodes = root_.list(
        "axes", "a list of axes, such as [{key: wan.mode, values: [gaia, bsp]}]", Presence::required);
    const bool given = root_.has_value("axes");
    if (given && (nodes.empty() || nodes.size() > kMostAxes)) {
      problems_.add(root_.place_of("axes"), fmt::format("there are {} axes", nodes.size()),
                    fmt::format("from 1 to {}", kMostAxes));
      return;
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      Axis axis = read_axis(nodes[i], fmt::format("axes[{}]", i));
      if (!axis.name.empty() && position_of(names_of(experiment_.axes), axis.name)) {
        problems_.add(nodes[i].place, fmt::format("there is an axis {} already", in_quotes(axis.name)),
                      "another name");
      }
      experiment_.axes.push_back(std::move(axis));
    }
  }

  Axis read_axis(const YamlNode& node, const std::string& path) {
    Axis axis;
    Fields fields(problems_, &node, path);
    if (!fields.has_map()) return axis;
    std::string key;
    const bool is_short = fields.text("key", key, "a key of the configuration, such as wan.mode");
    if (is_short) {
      accept_key(key, fields.place_of("key"), path);
      axis.name = key;
    }
    fields.text("name", axis.name, "a name", is_short ? Presence::optional : Presence::required);
    check_label(axis.name, fields.place_of("name"), fields.path_of("name"));
    const std::span<const YamlNode> values = fields.list(
        "values", is_short ? "a list of values of the key" : "a list of {label: ..., set: {key: value}}",
        Presence::required);
    if (values.empty() && fields.has_value("values")) {
      problems_.add(fields.place_of("values"), fmt::format("{} is empty", fields.path_of("values")),
                    "at least one value");
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string own = fmt::format("{}[{}]", fields.path_of("values"), i);
      AxisValue value = is_short ? short_value(key, values[i], own) : long_value(values[i], own);
      if (!value.label.empty() && position_of(labels_of(axis), value.label)) {
        problems_.add(values[i].place, fmt::format("the label {} is there already", in_quotes(value.label)),
                      "another label for each value of an axis");
      }
      axis.values.push_back(std::move(value));
    }
    fields.refuse_unknown();
    return axis;
  }

  AxisValue short_value(const std::string& key, const YamlNode& node, const std::string& path) {
    AxisValue value;
    value.label = node.kind == Kind::scalar && !node.text.empty() ? node.text : flow_text(node);
    if (value.label.size() > kLongestLabel) {
      problems_.add(node.place, fmt::format("{} is too long to stand for itself", path),
                    "the long form {label: ..., set: {key: value}} with a short label");
    } else {
      check_label(value.label, node.place, path);
    }
    value.settings.push_back({fmt::format("{}={}", key, flow_text(node)), node.place});
    return value;
  }

  AxisValue long_value(const YamlNode& node, const std::string& path) {
    AxisValue value;
    Fields fields(problems_, &node, path);
    if (!fields.has_map()) return value;
    if (fields.text("label", value.label, "a label", Presence::required)) {
      check_label(value.label, fields.place_of("label"), fields.path_of("label"));
    }
    if (const YamlNode* settings = fields.find("set", Presence::required)) {
      value.settings = read_settings(*settings, fields.path_of("set"));
    }
    fields.refuse_unknown();
    return value;
  }

  /// Labels stand in tables and plots, and are part of folders' names.
  void check_label(const std::string& label, Place place, const std::string& path) {
    const bool prints =
        std::ranges::none_of(label, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (label.size() <= kLongestLabel && prints) return;
    problems_.add(place, fmt::format("{} is {}", path, in_quotes(label)),
                  fmt::format("at most {} bytes of text that prints", kLongestLabel));
  }

  void read_seeds() {
    const YamlNode* node = root_.find("seeds");
    if (node == nullptr) {
      experiment_.seeds = {1};
    } else if (node->kind == Kind::list) {
      if (node->children.empty() || node->children.size() > kMostSeeds) {
        problems_.add(node->place, fmt::format("seeds has {} elements", node->children.size()),
                      fmt::format("from 1 to {}", kMostSeeds));
        return;
      }
      for (std::size_t i = 0; i < node->children.size(); ++i) {
        const YamlNode& child = node->children[i];
        const auto seed = read_integer(child, fmt::format("seeds[{}]", i), 0,
                                       std::numeric_limits<std::uint64_t>::max(), problems_);
        if (!seed) continue;
        if (std::ranges::find(experiment_.seeds, *seed) != experiment_.seeds.end()) {
          problems_.add(child.place, fmt::format("the seed {} is there already", *seed), "each seed once");
        }
        experiment_.seeds.push_back(*seed);
      }
    } else if (const auto count =
                   read_integer(*node, "seeds", 1, kMostSeeds, problems_, ", or a list of seeds")) {
      for (std::uint64_t seed = 1; seed <= *count; ++seed) experiment_.seeds.push_back(seed);
    }
  }

  std::optional<Reference> read_reference(std::string_view key) {
    const YamlNode* node = root_.find(key);
    return node == nullptr ? std::nullopt : read_cells(*node, key);
  }

  /// Cells by their labels on some of the axes.
  std::optional<Reference> read_cells(const YamlNode& node, std::string_view key) {
    if (node.kind != Kind::map || node.keys.empty()) {
      problems_.add(node.place, fmt::format("{} is {}", key, describe_value(node)),
                    "a map from an axis to one of its labels");
      return std::nullopt;
    }
    Reference reference(experiment_.axes.size());
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const std::vector<std::string_view> names = names_of(experiment_.axes);
      const std::string& name = node.keys[i].text;
      const auto axis = position_of(names, name);
      if (!axis) {
        problems_.add(node.keys[i].place,
                      fmt::format("{} names the axis {}, which there is not", key, in_quotes(name)),
                      one_of(names));
        continue;
      }
      const std::vector<std::string_view> labels = labels_of(experiment_.axes[*axis]);
      const YamlNode& label = node.children[i];
      const std::string text = label.kind == Kind::scalar ? label.text : flow_text(label);
      reference[*axis] = position_of(labels, text);
      if (!reference[*axis]) {
        problems_.add(label.place, fmt::format("{}.{} is {}", key, printable(name), in_quotes(text)),
                      one_of(labels));
      }
    }
    return reference;
  }

  void read_centralised() {
    const YamlNode* node = root_.find("centralised");
    if (node == nullptr) return;
    Fields fields(problems_, node, "centralised");
    CentralisedRows rows;
    rows.place = node->place;
    std::string region;
    if (fields.text("region", region, "a datacenter's name")) rows.region = region;
    double data_gb = 0;
    if (fields.number("data_gb", data_gb, kDataGb)) rows.data_gb = data_gb;
    fields.refuse_unknown();
    if (!root_.has_value("lan")) {
      problems_.add(node->place, "centralised without lan",
                    "lan: the cells over a LAN, from which training in one place is computed");
    }
    experiment_.centralised = std::move(rows);
  }

  /// What others report for one cell.
  void read_published() {
    const std::span<const YamlNode> nodes =
        root_.list("published", "a list such as [{cell: {mode: gaia}, speed_up: 3.7}]");
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      Fields fields(problems_, &nodes[i], fmt::format("published[{}]", i));
      if (!fields.has_map()) continue;
      PublishedCell one;
      if (const YamlNode* cell = fields.find("cell", Presence::required)) {
        one.cell = read_cells(*cell, fields.path_of("cell")).value_or(Reference{});
        const bool all = std::ranges::all_of(one.cell, [](const auto& label) { return label.has_value(); });
        if (problems_.empty() && !all) {
          problems_.add(cell->place, fmt::format("{} names some axes only", fields.path_of("cell")),
                        "a label on each axis: " + one_of(names_of(experiment_.axes)));
        }
      }
      double value = 0;
      if (fields.number("speed_up", value, kRatio)) one.figures.speed_up = value;
      if (fields.number("of_lan_time", value, kRatio)) one.figures.of_lan_time = value;
      if (one.figures.speed_up && !root_.has_value("baseline")) {
        problems_.add(fields.place_of("speed_up"), "a published speed-up without baseline",
                      "baseline: the cells that ours are compared with");
      }
      if (one.figures.of_lan_time && !root_.has_value("lan")) {
        problems_.add(fields.place_of("of_lan_time"), "a published share of LAN time without lan",
                      "lan: the cells over a LAN");
      }
      if (std::ranges::any_of(experiment_.published,
                              [&](const PublishedCell& other) { return other.cell == one.cell; })) {
        problems_.add(nodes[i].place, fmt::format("published[{}] is of a cell that is there already", i),
                      "each cell once");
      }
      if (problems_.empty() && !one.figures.speed_up && !one.figures.of_lan_time) {
        problems_.add(nodes[i].place, fmt::format("published[{}] says nothing", i),
                      "speed_up, of_lan_time or both");
      }
      fields.text("note", one.figures.note, "a sentence");
      fields.refuse_unknown();
      experiment_.published.push_back(std::move(one));
    }
  }

  void limit_runs() {
    std::size_t runs = std::max<std::size_t>(experiment_.seeds.size(), 1);
    for (const Axis& axis : experiment_.axes) {
      runs *= std::max<std::size_t>(axis.values.size(), 1);
      if (runs <= kMostRuns) continue;
      problems_.add(root_.place_of("axes"), fmt::format("these are more than {} runs", kMostRuns),
                    "fewer values or seeds");
      return;
    }
  }

  Problems& problems_;
  Fields root_;
  Experiment experiment_;
};

}  // namespace

Result<Experiment> read_experiment_text(std::string_view text, const std::filesystem::path& file) {
  Problems problems(file.string(), {});
  const std::optional<YamlNode> tree = parse_yaml(text, 0, problems);
  if (!tree) return Error{problems.text()};
  if (tree->kind == Kind::null) {
    problems.add({0, 1, 1}, "the file holds no experiment", "at least name, base and axes");
    return Error{problems.text()};
  }
  Experiment experiment = Reader(problems, *tree).read(file);
  if (!problems.empty()) return Error{problems.text()};
  return experiment;
}

Result<Experiment> read_experiment(const std::filesystem::path& file) {
  const Result<std::string> text = read_input_file(file);
  if (!text) {
    return Error{fmt::format("{}: {}; expected an experiment, a YAML file", printable(file.string(), 400),
                             text.error().message)};
  }
  return read_experiment_text(text.value(), file);
}

}  // namespace meridian::sweep
