#include "src/config/mode_explanation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "src/base/check.h"
#include "src/config/mode_presets.h"

namespace meridian {

namespace {

/// Words with what they mean; every word of choices.h has its line.
using Meanings = std::initializer_list<std::pair<std::string_view, std::string_view>>;

std::string_view meaning_of(std::string_view word, Meanings meanings) {
  const auto* const found =
      std::find_if(meanings.begin(), meanings.end(), [&](const auto& one) { return one.first == word; });
  MERIDIAN_CHECK(found != meanings.end(), "no meaning of '{}'", word);
  return found->second;
}

/// Rows of aligned columns, the last of which may be long.
class Table {
 public:
  static constexpr std::size_t kColumns = 4;
  using Row = std::array<std::string, kColumns>;

  void add(Row row) { rows_.push_back(std::move(row)); }

  std::string text() const {
    std::array<std::size_t, kColumns> widths{};
    for (const Row& row : rows_) {
      for (std::size_t i = 0; i + 1 < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const Row& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < kColumns; ++i)
        line += fmt::format("{}{:<{}}", i == 0 ? "" : "  ", row[i], widths[i]);
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + '\n';
    }
    return text;
  }

 private:
  std::vector<Row> rows_;
};

/// The table of the four choices, and which given parameters none of them uses.
class Choices {
 public:
  explicit Choices(const WanConfig& wan) : wan_(wan), resolved_(resolve_mode(wan).value()) {}

  std::string text() {
    table_.add({"choice", "value", "from", "meaning"});
    add_what();
    add_when();
    add_wait();
    add_merge();
    return table_.text() + unused();
  }

 private:
  std::string from(std::string_view key) const {
    switch (resolved_.origins.find(key)->second) {
      case Origin::preset:
        return "mode " + resolved_.mode;
      case Origin::default_value:
        return "default";
      case Origin::file:
        break;
    }
    return "file";
  }

  void add_part(std::string_view key, std::string value, std::string_view meaning) {
    table_.add({std::string(key), std::move(value), from(key), std::string(meaning)});
  }

  template <typename Value>
  void add_parameter(std::string_view name, const Value& value, std::string_view meaning) {
    const std::string key = fmt::format("parameters.{}", name);
    used_.insert(key);
    table_.add({fmt::format("  {}", name), fmt::format("{}", value), from(key), std::string(meaning)});
  }

  void add_what() {
    const ModeChoice& choice = resolved_.choice;
    add_part("what", choice.what,
             meaning_of(choice.what, {{"all", "every update goes out"},
                                      {"nothing", "no update goes out"},
                                      {"significance_filter",
                                       "updates go out once they add up to enough beside the value they "
                                       "change; the rest waits and adds up"},
                                      {"top_k",
                                       "the updates that have added up to most go out, a fixed share of "
                                       "every table; the rest waits and adds up"}}));
    const WanParameters& parameters = resolved_.parameters;
    if (choice.what == "significance_filter") add_filter();
    if (choice.what == "top_k") add_parameter("share", parameters.share, "of a table's entries, at most");
    if (choice.what == "top_k" || choice.what == "significance_filter") add_momentum();
    if (choice.what == "nothing") return;
    add_parameter(
        "encoding", parameters.encoding,
        meaning_of(parameters.encoding, {{"compact", "indexes and values take as few bits as they need"},
                                         {"plain", "32 bits for an index and 32 for a value"},
                                         {"gaia", "64 bits for an index and 32 for a value"}}));
    if (choice.merge == "ordered") return;
    add_parameter("values", parameters.values,
                  parameters.values == "fp32" ? "values go out as they are"
                                              : "values are rounded to this; what that takes off waits");
    if (parameters.values != "fp32") {
      add_parameter(
          "rounding", parameters.rounding,
          meaning_of(parameters.rounding, {{"nearest", "to the nearest value that there is"},
                                           {"stochastic", "up or down by chance, right in the mean"}}));
    }
  }

  void add_momentum() {
    const WanParameters& parameters = resolved_.parameters;
    used_.insert("parameters.momentum");
    if (parameters.momentum == 0) return;
    add_parameter("momentum", parameters.momentum, "velocities gather, in place of updates");
    add_parameter("masking", parameters.masking,
                  parameters.masking ? "what has gone out begins without velocity"
                                     : "what has gone out keeps its velocity");
  }

  void add_filter() {
    const WanParameters& parameters = resolved_.parameters;
    add_parameter("v0", parameters.v0, "the threshold at clock 1, relative: 0.01 is 1 % of the value");
    add_parameter(
        "schedule", parameters.schedule,
        meaning_of(parameters.schedule, {{"inverse_sqrt", "at clock t the threshold is v0 / sqrt(t)"},
                                         {"constant", "the threshold is always v0"},
                                         {"linear", "the threshold goes from v0 to v_end in equal steps"},
                                         {"learning_rate", "the threshold follows the learning rate"}}));
    if (parameters.v_end) add_parameter("v_end", *parameters.v_end, "the threshold after the ramp");
    if (parameters.ramp_clocks)
      add_parameter("ramp_clocks", *parameters.ramp_clocks, "the clock at which the ramp ends");
    add_parameter("floor", parameters.floor,
                  "updates up to this size stay, whatever the value (absolute; 0 is none)");
    add_parameter("by", parameters.by,
                  meaning_of(parameters.by, {{"entry", "each entry is compared by itself"},
                                             {"row", "each row is compared whole, by its Euclidean norm"}}));
    for (const auto& [name, table] : parameters.tables) {
      used_.insert("parameters.tables");
      table_.add({"  tables." + name, fmt::format("v0 {}", table.v0), from("parameters.tables"),
                  fmt::format("floor {}, by {}", table.floor, table.by)});
    }
    if (parameters.soft_ratio == 1) {
      add_parameter("soft_ratio", parameters.soft_ratio, "one threshold for all links");
      return;
    }
    add_parameter("soft_ratio", parameters.soft_ratio,
                  "on a link with room to spare the threshold sinks to this share of itself");
    add_parameter("soft_below", parameters.soft_below,
                  "a link has room while less than this share of it is in use");
  }

  void add_when() {
    const ModeChoice& choice = resolved_.choice;
    add_part("when", choice.when,
             meaning_of(choice.when,
                        {{"every_clock", "at every clock"}, {"every_h_clocks", "at every h-th clock"}}));
    if (choice.when == "every_h_clocks")
      add_parameter("h", resolved_.parameters.h, "clocks from one exchange to the next");
  }

  void add_wait() {
    const ModeChoice& choice = resolved_.choice;
    const WanParameters& parameters = resolved_.parameters;
    add_part("wait", choice.wait,
             meaning_of(choice.wait,
                        {{"never", "no read waits for another datacenter"},
                         {"mirror_clock", "reads wait until every datacenter has reported the clock less ds"},
                         {"applied_clock",
                          "reads wait until every datacenter's updates up to the clock less "
                          "ds are in this replica"}}));
    if (choice.wait != "never") {
      add_parameter("ds", parameters.ds_auto ? "auto" : fmt::format("{}", parameters.ds),
                    parameters.ds_auto ? "follows the measured round trip and the time of a clock"
                                       : "how many clocks a datacenter may be ahead of the slowest one");
      if (parameters.ds_auto) add_parameter("ds_most", parameters.ds_most, "the most that ds may become");
    }
    add_part("selective_barrier", fmt::format("{}", choice.selective_barrier),
             choice.selective_barrier
                 ? "on a link that falls behind, reads of announced entries wait for their values"
                 : "no read waits for single entries");
  }

  void add_merge() {
    const ModeChoice& choice = resolved_.choice;
    add_part("merge", choice.merge,
             meaning_of(choice.merge,
                        {{"eager", "own updates enter at once, others' as they arrive"},
                         {"ordered", "all updates of a clock enter together, the same sum everywhere"},
                         {"anchored",
                          "at an exchange the common anchor moves by the mean of what all sent, and "
                          "every replica follows"}}));
    if (choice.merge != "anchored") return;
    const OptimizerConfig& outer = resolved_.parameters.outer;
    add_parameter("outer.name", outer.name, "applies the mean to the anchor; sgd with rate 1 is averaging");
    add_parameter("outer.learning_rate", outer.learning_rate, "of the outer optimizer");
    if (outer.name != "sgd") add_parameter("outer.momentum", outer.momentum, "of the outer optimizer");
    used_.insert("parameters.total_share");
    const double total_share = resolved_.parameters.total_share;
    if (total_share == 1) return;
    add_parameter("total_share", total_share,
                  "of the entries of what an exchange adds up to; the rest waits and adds up");
  }

  /// Parameters in the file that no part uses; so is a ds that the mode fixes.
  std::string unused() const {
    std::vector<std::string_view> keys;
    for (const std::string& key : wan_.given.keys) {
      if (!key.starts_with("parameters.")) continue;
      if (!used_.contains(key) || resolved_.origins.find(key)->second != Origin::file) keys.push_back(key);
    }
    if (keys.empty()) return "";
    return fmt::format("given and without effect here: {}\n", fmt::join(keys, ", "));
  }

  const WanConfig& wan_;
  ResolvedMode resolved_;
  Table table_;
  std::set<std::string, std::less<>> used_;
};

/// A subtree, two more spaces for each generation.
std::string describe_tree(const Config& config, std::size_t datacenter, std::size_t indent) {
  std::string text = fmt::format("{:{}}{}\n", "", indent, config.datacenters[datacenter].name);
  const auto& parents = config.wan.topology.parents;
  for (std::size_t d = 0; d < parents.size(); ++d) {
    if (parents[d] == datacenter) text += describe_tree(config, d, indent + 2);
  }
  return text;
}

std::string describe_topology(const Config& config) {
  const TopologyConfig& topology = config.wan.topology;
  switch (topology.kind) {
    case TopologyConfig::Kind::mesh:
      break;
    case TopologyConfig::Kind::hubs_auto:
      if (topology.groups.size() == config.datacenters.size()) {
        return "topology: hubs, but the links' bandwidth suggests no groups: every datacenter exchanges with "
               "every "
               "other one\n";
      }
      return "topology: hubs, found from the links' bandwidth; members exchange with their hub, hubs with "
             "each "
             "other\n" +
             describe_groups(config, topology.groups);
    case TopologyConfig::Kind::hubs:
      return "topology: hubs; members exchange with their hub, hubs with each other\n" +
             describe_groups(config, topology.groups);
    case TopologyConfig::Kind::tree: {
      const auto root = std::find(topology.parents.begin(), topology.parents.end(), std::nullopt);
      return "topology: tree; each datacenter exchanges with its parent and its children\n" +
             describe_tree(config, static_cast<std::size_t>(root - topology.parents.begin()), 2);
    }
  }
  return fmt::format("topology: mesh; each of {} datacenters exchanges with every other one\n",
                     config.datacenters.size());
}

std::string describe_policies(const WanConfig& wan) {
  const auto from = [&](std::string_view key) { return wan.given.contains(key) ? "file" : "default"; };
  const DeadlinesConfig& deadlines = wan.deadlines;
  Table table;
  const auto deadline = [&](const std::string& name, double seconds, std::string meaning) {
    table.add({name, fmt::format("{} s", seconds),
               from("deadlines." + name.substr(name.find_first_not_of(' '))), std::move(meaning)});
  };
  table.add({"policy", "value", "from", "meaning"});
  deadline("start_s", deadlines.start_s, "the run stops when a process has not joined by then");
  table.add({"on_silence", wan.on_silence, from("on_silence"),
             std::string(meaning_of(
                 wan.on_silence,
                 {{"stop", "a datacenter that falls silent stops the run"},
                  {"wait", "a datacenter that falls silent is waited for, then stops the run"},
                  {"continue", "the others go on without a datacenter that falls silent; it catches up"}}))});
  deadline("  silence_s", deadlines.silence_s, "silent is who has said nothing for so long");
  if (wan.on_silence == "wait") deadline("  wait_s", deadlines.wait_s, "how much longer it is waited for");
  if (wan.choice.selective_barrier) {
    table.add({"on_barrier", wan.on_barrier, from("on_barrier"),
               std::string(meaning_of(
                   wan.on_barrier, {{"stop", "a selective barrier that holds a read too long stops the run"},
                                    {"open", "a selective barrier that holds a read too long opens"}}))});
    deadline("  barrier_s", deadlines.barrier_s, "how long it may hold one");
  }
  if (wan.choice.what != "nothing")
    deadline("drain_s", deadlines.drain_s, "the final exchange of everything takes at most so long");
  return table.text();
}

}  // namespace

std::string describe_groups(const Config& config, const std::vector<HubGroup>& groups) {
  std::string text;
  for (const HubGroup& group : groups) {
    std::vector<std::string_view> members;
    for (const std::size_t member : group.members) members.emplace_back(config.datacenters[member].name);
    text += fmt::format("  {}{}{}\n", config.datacenters[group.hub].name, members.empty() ? "" : ": ",
                        fmt::join(members, ", "));
  }
  return text;
}

std::vector<double> datacenter_weights(const Config& config) {
  double all = 0;
  for (const DatacenterConfig& datacenter : config.datacenters)
    all += static_cast<double>(datacenter.workers);
  std::vector<double> weights;
  for (const DatacenterConfig& datacenter : config.datacenters)
    weights.push_back(static_cast<double>(datacenter.workers) / all);
  return weights;
}

std::string explain_mode(const Config& config) {
  std::string text = Choices(config.wan).text();
  text += '\n' + describe_topology(config);
  text += '\n' + describe_policies(config.wan);
  text += "\nweights, by samples per clock\n";
  const std::vector<double> weights = datacenter_weights(config);
  std::size_t width = 0;
  for (const DatacenterConfig& datacenter : config.datacenters)
    width = std::max(width, datacenter.name.size());
  for (std::size_t d = 0; d < weights.size(); ++d)
    text += fmt::format("  {:<{}}  {:.4f}\n", config.datacenters[d].name, width, weights[d]);
  return text;
}

}  // namespace meridian
