#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "src/config/choices.h"
#include "src/config/links_reader.h"
#include "src/config/mode_presets.h"
#include "src/config/sections.h"
#include "src/config/spelling.h"
#include "src/workloads/registry.h"

namespace meridian {

namespace {

using Kind = YamlNode::Kind;

constexpr double kLongestDeadlineSeconds = 86'400;
constexpr std::uint64_t kMostClocksApart = 1'000'000;
constexpr std::uint64_t kLongestRampClocks = 1'000'000'000;
constexpr double kLargestThreshold = 1e6;
constexpr std::size_t kLongestTableName = 128;

/// wan.links: the matrix, the caps and the events, and wan.lan where only the links file has it.
void read_links(Fields& wan_fields, Config& config) {
  WanConfig& wan = config.wan;
  std::vector<std::string> names;
  for (const DatacenterConfig& datacenter : config.datacenters) names.push_back(datacenter.name);
  const std::size_t count = names.size();
  wan.links.assign(count, std::vector<LinkConfig>(count));
  wan.caps.assign(count, {});
  const YamlNode* node = wan_fields.find("links", count > 1 ? Presence::required : Presence::optional);
  if (node == nullptr || node->kind == Kind::broken) return;
  LinksDocument document(*node, wan_fields.path_of("links"), config.file.parent_path(),
                         wan_fields.problems());
  LinksDescription read = document.read(names);
  if (document.is_lan()) {
    for (auto& row : read.links) row.assign(count, wan.lan);
  } else {
    document.refuse_gaps(names, read);
  }
  for (std::size_t from = 0; from < count; ++from) {
    for (std::size_t to = 0; to < count; ++to) {
      if (from != to) wan.links[from][to] = read.links[from][to].value_or(LinkConfig{});
    }
  }
  wan.caps = std::move(read.caps);
  wan.events = std::move(read.events);
  wan.prices = std::move(read.prices);
  if (read.lan && !wan_fields.has_value("lan")) wan.lan = *read.lan;
}

/// Where the keys below wan stand that the file or a --set gives.
class GivenPlaces {
 public:
  /// Looks which of `keys` `fields` has, and calls them PREFIX.KEY, or KEY without a prefix. What is there
  /// and null counts as absent.
  void note(const Fields& fields, const std::string& prefix, std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : keys) {
      if (!fields.has_value(key)) continue;
      places_.emplace(prefix.empty() ? std::string(key) : fmt::format("{}.{}", prefix, key),
                      fields.place_of(key));
    }
  }

  /// The place of the first of `keys` that is given, or `otherwise`.
  Place first_of(const std::vector<std::string>& keys, Place otherwise) const {
    for (const std::string& key : keys) {
      if (const auto found = places_.find(key); found != places_.end()) return found->second;
    }
    return otherwise;
  }

  GivenKeys keys() const {
    GivenKeys given;
    for (const auto& [key, place] : places_) given.keys.insert(key);
    return given;
  }

 private:
  std::map<std::string, Place> places_;
};

/// The mode's parts, with the file's own words over them.
void read_choice_of_parts(Fields& wan, ModeChoice& choice) {
  wan.choice("what", choice.what, kWhats);
  wan.choice("when", choice.when, kWhens);
  wan.choice("wait", choice.wait, kWaits);
  wan.truth("selective_barrier", choice.selective_barrier);
  wan.choice("merge", choice.merge, kMerges);
}

/// `linear` needs the end of its ramp, and nothing else has one.
void read_ramp(Fields& fields, WanParameters& parameters) {
  const bool is_linear = parameters.schedule == "linear";
  const Presence presence = is_linear ? Presence::required : Presence::optional;
  double v_end = 0;
  std::uint32_t ramp_clocks = 0;
  if (fields.number("v_end", v_end, Range::from_to(0, kLargestThreshold), presence)) parameters.v_end = v_end;
  if (fields.integer("ramp_clocks", ramp_clocks, 1, kLongestRampClocks, presence))
    parameters.ramp_clocks = ramp_clocks;
  if (is_linear) return;
  for (const std::string_view key : {"v_end", "ramp_clocks"}) {
    if (!fields.has_value(key)) continue;
    fields.problems().add(fields.place_of(key),
                          fmt::format("{} with the schedule {}", fields.path_of(key), parameters.schedule),
                          "no such key, or schedule: linear");
  }
}

bool is_table_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestTableName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '_' || c == '-' || c == '/';
         });
}

/// Which tables there are depends on the model, so the program checks the names.
void read_tables(Fields& parameters_fields, WanParameters& parameters) {
  const YamlNode* node = parameters_fields.find("tables");
  Fields tables(parameters_fields.problems(), node, parameters_fields.path_of("tables"));
  if (!tables.has_map()) return;
  for (const YamlNode::Key& key : node->keys) {
    if (!is_table_name(key.text)) {
      tables.problems().add(
          key.place, fmt::format("{} names {}", tables.path(), in_quotes(key.text)),
          fmt::format("a table's name, at most {} of letters, digits, '.', '_', '-' and '/'",
                      kLongestTableName));
      continue;
    }
    if (tables.find(key.text) == nullptr) continue;
    Fields fields = tables.map(key.text);
    TableParameters own{parameters.v0, parameters.floor, parameters.by};
    fields.number("v0", own.v0, Range::from_to(0, kLargestThreshold));
    fields.number("floor", own.floor, Range::from_to(0, kLargestThreshold));
    fields.choice("by", own.by, kFilterUnits);
    fields.refuse_unknown();
    parameters.tables.emplace(key.text, own);
  }
}

void read_ds(Fields& fields, WanParameters& parameters) {
  const YamlNode* node = fields.find("ds");
  if (node != nullptr && node->kind == Kind::scalar && node->text == "auto") {
    parameters.ds_auto = true;
  } else if (node != nullptr) {
    const auto ds =
        read_integer(*node, fields.path_of("ds"), 0, kMostClocksApart, fields.problems(), ", or auto");
    if (ds) parameters.ds = static_cast<std::uint32_t>(*ds);
  }
  fields.integer("ds_most", parameters.ds_most, 1, kMostClocksApart);
}

void read_outer(Fields fields, OptimizerConfig& outer, GivenPlaces& given) {
  given.note(fields, "parameters.outer", {"name", "learning_rate", "momentum"});
  fields.choice("name", outer.name, kOuterOptimizers);
  fields.number("learning_rate", outer.learning_rate, Range::above(0, 1000));
  const bool uses_momentum = outer.name != "sgd";
  fields.number("momentum", outer.momentum, Range::below(0, 1),
                uses_momentum ? Presence::required : Presence::optional);
  if (!uses_momentum && outer.momentum != 0) {
    fields.problems().add(fields.place_of("momentum"),
                          fmt::format("{} is {}, which the optimizer sgd does not use",
                                      fields.path_of("momentum"), outer.momentum),
                          "0, or name: momentum or nesterov");
  }
  fields.refuse_unknown();
}

void read_parameters(Fields fields, WanParameters& parameters, GivenPlaces& given) {
  given.note(fields, "parameters",
             {"v0", "schedule", "v_end", "ramp_clocks", "floor", "soft_ratio", "soft_below", "by", "share",
              "total_share", "momentum", "masking", "values", "rounding", "encoding", "tables", "ds",
              "ds_most", "h"});
  fields.number("v0", parameters.v0, Range::from_to(0, kLargestThreshold));
  const bool known =
      fields.choice("schedule", parameters.schedule, kSchedules) || !fields.has_value("schedule");
  if (known) {
    read_ramp(fields, parameters);
  } else {
    fields.find("v_end");
    fields.find("ramp_clocks");
  }
  fields.number("floor", parameters.floor, Range::from_to(0, kLargestThreshold));
  fields.number("soft_ratio", parameters.soft_ratio, Range::above(0, 1));
  fields.number("soft_below", parameters.soft_below, Range::from_to(0, 1));
  fields.choice("by", parameters.by, kFilterUnits);
  fields.number("share", parameters.share, Range::above(0, 1));
  fields.number("total_share", parameters.total_share, Range::above(0, 1));
  fields.number("momentum", parameters.momentum, Range::below(0, 1));
  fields.truth("masking", parameters.masking);
  fields.choice("values", parameters.values, kValueFormats);
  fields.choice("rounding", parameters.rounding, kRoundings);
  fields.choice("encoding", parameters.encoding, kEncodings);
  read_tables(fields, parameters);
  read_ds(fields, parameters);
  fields.integer("h", parameters.h, 1, kMostClocksApart);
  read_outer(fields.map("outer"), parameters.outer, given);
  fields.refuse_unknown();
}

void read_deadlines(Fields fields, DeadlinesConfig& deadlines, GivenPlaces& given) {
  given.note(fields, "deadlines", {"start_s", "silence_s", "drain_s", "wait_s", "barrier_s"});
  const Range range = Range::above(0, kLongestDeadlineSeconds);
  fields.number("start_s", deadlines.start_s, range);
  fields.number("silence_s", deadlines.silence_s, range);
  fields.number("drain_s", deadlines.drain_s, range);
  fields.number("wait_s", deadlines.wait_s, range);
  fields.number("barrier_s", deadlines.barrier_s, range);
  fields.refuse_unknown();
}

/// A threshold that follows the learning rate needs one. An unknown kind has been refused already.
void check_schedule(Fields& fields, const WanConfig& wan, const WorkloadConfig& workload,
                    const GivenPlaces& given) {
  if (wan.parameters.schedule != "learning_rate") return;
  for (const WorkloadKind& kind : workload_kinds()) {
    if (kind.name != workload.model.kind || kind.optimizes) continue;
    fields.problems().add(
        given.first_of({"parameters.schedule"}, fields.place_of("mode")),
        fmt::format("wan.parameters.schedule is 'learning_rate', and kind: {} has no learning rate",
                    kind.name),
        fmt::format("inverse_sqrt, constant or linear, or kind: {}", one_of(optimizing_kind_names())));
  }
}

/// The mode, its parts and parameters and the policies.
void read_method(Fields& fields, WanConfig& wan, const WorkloadConfig& workload) {
  GivenPlaces given;
  given.note(
      fields, "",
      {"mode", "what", "when", "wait", "selective_barrier", "merge", "topology", "on_silence", "on_barrier"});
  // What is read after a word that was refused would be judged by words that the user did not write.
  const std::size_t before = fields.problems().count();
  fields.choice("mode", wan.mode, kModes);
  const ModePreset& preset = *find_mode_preset(wan.mode);
  wan.choice = preset.choice;
  wan.parameters.h = preset.default_h;
  wan.parameters.values = preset.default_values;
  wan.parameters.share = preset.default_share;
  read_choice_of_parts(fields, wan.choice);
  // Not where steps are more than gradients already, nor where nothing gathers.
  if (workload.optimizer.name == "sgd" && wan.choice.what == preset.choice.what) {
    wan.parameters.momentum = preset.default_momentum;
  }
  read_parameters(fields.map("parameters"), wan.parameters, given);
  fields.choice("on_silence", wan.on_silence, kOnSilence);
  fields.choice("on_barrier", wan.on_barrier, kOnBarrier);
  read_deadlines(fields.map("deadlines"), wan.deadlines, given);
  wan.given = given.keys();
  if (fields.problems().count() > before) return;
  for (const Contradiction& found : find_contradictions(wan)) {
    fields.problems().add(given.first_of(found.keys, fields.place_of("mode")), found.what, found.expected);
  }
  check_schedule(fields, wan, workload, given);
  const double momentum = wan.parameters.momentum;
  if (momentum > 0 && workload.optimizer.name != "sgd") {
    fields.problems().add(
        given.first_of({"parameters.momentum"}, fields.place_of("mode")),
        fmt::format("wan.parameters.momentum {} with workload.optimizer.name {}", momentum,
                    workload.optimizer.name),
        "the optimizer sgd, or momentum: 0, since the optimizer's steps are more than gradients");
  }
}

/// Datacenters in which an exchange's total begins; of groups that the links will tell, any may be a hub.
std::vector<std::size_t> where_totals_begin(const Config& config) {
  const TopologyConfig& topology = config.wan.topology;
  std::vector<std::size_t> roots;
  if (topology.kind == TopologyConfig::Kind::hubs) {
    for (const HubGroup& group : topology.groups) roots.push_back(group.hub);
    return roots;
  }
  for (std::size_t d = 0; d < config.datacenters.size(); ++d) {
    if (topology.kind != TopologyConfig::Kind::tree || !topology.parents.at(d)) roots.push_back(d);
  }
  return roots;
}

/// What a server takes of a total depends on what it owns: totals that begin in several datacenters are the
/// same only where servers are cut alike.
void check_totals(Fields& fields, const Config& config) {
  const double share = config.wan.parameters.total_share;
  const std::vector<std::size_t> roots = where_totals_begin(config);
  if (share == 1 || config.wan.choice.merge != "anchored" || roots.empty()) return;
  if (config.wan.topology.kind == TopologyConfig::Kind::mesh) {
    fields.problems().add(fields.place_of("parameters"),
                          fmt::format("wan.parameters.total_share {} in a mesh", share),
                          "a topology with hubs or a tree, since no total crosses a link of a mesh");
    return;
  }
  const DatacenterConfig& first = config.datacenters[roots.front()];
  for (const std::size_t root : roots) {
    const DatacenterConfig& other = config.datacenters[root];
    if (other.servers == first.servers) continue;
    fields.problems().add(
        fields.place_of("parameters"),
        fmt::format("wan.parameters.total_share {} with {} servers in {} and {} in {}", share, first.servers,
                    first.name, other.servers, other.name),
        "equally many servers in all datacenters in which totals begin, or a topology with one root");
    return;
  }
}

/// One velocity stands for all links: it must be clear what has gone out.
void check_momentum(Fields& fields, const Config& config) {
  const WanConfig& wan = config.wan;
  const bool mesh = wan.topology.kind == TopologyConfig::Kind::mesh;
  if (wan.parameters.momentum == 0 || wan.choice.merge != "eager") return;
  if (mesh && wan.parameters.soft_ratio == 1) return;
  fields.problems().add(
      fields.place_of("parameters"),
      fmt::format("wan.parameters.momentum {} with wan.merge 'eager' {}", wan.parameters.momentum,
                  mesh ? "and a soft threshold" : "over relays"),
      "merge: anchored, or a mesh without soft thresholds, since each link is owed something else");
}

}  // namespace

void read_wan(Fields& root, Config& config) {
  const Presence presence = config.datacenters.size() > 1 ? Presence::required : Presence::optional;
  Fields fields = root.map("wan", presence);
  WanConfig& wan = config.wan;
  read_method(fields, wan, config.workload);
  if (const YamlNode* lan = fields.find("lan")) {
    Fields lan_fields(root.problems(), lan, fields.path_of("lan"));
    if (const auto link = read_lan(lan_fields)) wan.lan = *link;
    lan_fields.refuse_unknown();
  }
  read_links(fields, config);
  const std::size_t before = fields.problems().count();
  read_topology(fields, config);
  if (fields.problems().count() == before) {
    check_totals(fields, config);
    check_momentum(fields, config);
  }
  fields.refuse_unknown();
}

}  // namespace meridian
