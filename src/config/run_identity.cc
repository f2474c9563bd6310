#include "src/config/run_identity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "src/base/random.h"
#include "src/config/layers.h"
#include "src/config/link_events.h"
#include "src/config/mode_presets.h"
#include "src/config/spelling.h"
#include "src/workloads/registry.h"

namespace meridian {

namespace {

class Keys {
 public:
  template <typename Value>
  void add(std::string path, const Value& value) {
    keys_.emplace_back(std::move(path), fmt::format("{}", value));
  }
  template <typename Value>
  void add(std::string path, const std::optional<Value>& value) {
    if (value) add(std::move(path), *value);
  }
  std::vector<std::pair<std::string, std::string>> take_sorted() {
    std::sort(keys_.begin(), keys_.end());
    return std::move(keys_);
  }

 private:
  std::vector<std::pair<std::string, std::string>> keys_;
};

void add_schedule(Keys& keys, const LearningRateScheduleConfig& schedule) {
  keys.add("workload.optimizer.schedule.name", schedule.name);
  keys.add("workload.optimizer.schedule.warm_up", schedule.warm_up);
  keys.add("workload.optimizer.schedule.every", schedule.every);
  keys.add("workload.optimizer.schedule.factor", schedule.factor);
  keys.add("workload.optimizer.schedule.clocks", schedule.clocks);
  keys.add("workload.optimizer.schedule.final", schedule.final_ratio);
}

void add_optimizer(Keys& keys, const OptimizerConfig& optimizer) {
  keys.add("workload.optimizer.name", optimizer.name);
  keys.add("workload.optimizer.learning_rate", optimizer.learning_rate);
  keys.add("workload.optimizer.momentum", optimizer.momentum);
  keys.add("workload.optimizer.weight_decay", optimizer.weight_decay);
  keys.add("workload.optimizer.clip_value", optimizer.clip_value);
  keys.add("workload.optimizer.clip_norm", optimizer.clip_norm);
  keys.add("workload.optimizer.beta1", optimizer.beta1);
  keys.add("workload.optimizer.beta2", optimizer.beta2);
  keys.add("workload.optimizer.epsilon", optimizer.epsilon);
  keys.add("workload.optimizer.decay", optimizer.decay);
  add_schedule(keys, optimizer.schedule);
}

/// Where the data lie is no part of it; whether each datacenter has its own is.
void add_data(Keys& keys, const DataConfig& data) {
  keys.add("workload.data.source", data.paths.empty() ? "path" : "paths");
  const PartitionConfig& partition = data.partition;
  keys.add("workload.data.partition.workers", partition.workers);
  keys.add("workload.data.partition.overlap", partition.overlap);
  keys.add("workload.data.partition.datacenters", partition.datacenters);
  keys.add("workload.data.partition.label_skew", partition.label_skew);
  keys.add("workload.data.partition.concentration", partition.concentration);
  for (const auto& [name, size] : partition.sizes) keys.add("workload.data.partition.sizes." + name, size);
  keys.add("workload.data.held_out", data.held_out);
  for (const auto& [key, value] : data.shared) keys.add("workload.data." + key, value);
  if (!data.may_generate()) return;
  if (data.generated.empty()) {
    keys.add("workload.data.generated_train", data.generated_train);
    keys.add("workload.data.generated_test", data.generated_test);
  }
  for (const auto& [key, value] : data.generated) keys.add("workload.data.generated." + key, value);
}

void add_workload(Keys& keys, const WorkloadConfig& workload) {
  keys.add("workload.model.kind", workload.model.kind);
  keys.add("workload.model.hidden", fmt::format("{}", fmt::join(workload.model.hidden, ",")));
  std::string layers;
  for (const LayerConfig& layer : workload.model.layers) layers += layer_yaml(layer) + "; ";
  if (!layers.empty()) keys.add("workload.model.layers", layers);
  keys.add("workload.data.format", workload.data.format);
  if (workload.data.may_read()) keys.add("workload.data.if_missing", workload.data.if_missing);
  for (const auto& [key, value] : workload.model.numbers) keys.add("workload.model." + key, value);
  for (const auto& [key, word] : workload.model.words) keys.add("workload.model." + key, word);
  add_data(keys, workload.data);
  if (workload_kind(workload.model.kind).optimizes) add_optimizer(keys, workload.optimizer);
  keys.add("workload.batch", workload.batch);
  keys.add("workload.evaluate_every", workload.evaluate_every);
  keys.add("workload.stop.clocks", workload.stop.clocks);
  keys.add("workload.stop.target", workload.stop.target);
  keys.add("workload.stop.time_s", workload.stop.time_s);
  const ComputeConfig& compute = workload.compute;
  if (compute.measured) {
    keys.add("workload.compute", "measured");
    return;
  }
  keys.add("workload.compute.seconds_per_clock", compute.seconds_per_clock);
  keys.add("workload.compute.spread", compute.spread);
  keys.add("workload.compute.stragglers.probability", compute.stragglers.probability);
  keys.add("workload.compute.stragglers.factor", compute.stragglers.factor);
  keys.add("workload.compute.seconds_per_evaluation", compute.seconds_per_evaluation);
  for (const auto& [name, factor] : compute.factor) keys.add("workload.compute.factor." + name, factor);
}

void add_datacenters(Keys& keys, const std::vector<DatacenterConfig>& datacenters) {
  std::string order;
  for (const DatacenterConfig& datacenter : datacenters) {
    if (!order.empty()) order += ',';
    order += datacenter.name;
    keys.add(fmt::format("datacenters.{}.workers", datacenter.name), datacenter.workers);
    keys.add(fmt::format("datacenters.{}.servers", datacenter.name), datacenter.servers);
  }
  keys.add("datacenters", order);
}

/// A list that may be long, as one word.
std::string digest_of(const std::vector<double>& values) {
  return fmt::format("{} values {:016x}", values.size(),
                     hash_text(fmt::format("{}", fmt::join(values, ","))));
}

void add_jitter(Keys& keys, const std::string& path, const JitterConfig& jitter) {
  constexpr auto kKinds = std::to_array<std::string_view>({"none", "uniform", "normal", "recorded"});
  if (jitter.kind == JitterConfig::Kind::none) return;
  const std::string_view kind = kKinds.at(static_cast<std::size_t>(jitter.kind));
  keys.add(path, jitter.kind == JitterConfig::Kind::recorded
                     ? fmt::format("{} {}", kind, digest_of(jitter.samples_ms))
                     : fmt::format("{} {}", kind, jitter.ms));
}

void add_link(Keys& keys, const std::string& path, const LinkConfig& link) {
  keys.add(path + ".bandwidth_mbps", link.bandwidth_mbps);
  keys.add(path + ".delay_ms", link.delay_ms);
  add_jitter(keys, path + ".jitter", link.jitter);
  if (link.loss > 0) keys.add(path + ".loss", link.loss);
  if (link.trace.steps.empty()) return;
  std::vector<double> steps;
  for (const auto& step : link.trace.steps) {
    steps.push_back(step.at_s);
    steps.push_back(step.bandwidth_mbps);
  }
  keys.add(path + ".trace", digest_of(steps));
  keys.add(path + ".trace.repeat_s", link.trace.repeat_s);
}

void add_event(Keys& keys, const std::string& path, const LinkEventConfig& event, const Config& config) {
  const auto name = [&](std::size_t datacenter) { return config.datacenters[datacenter].name; };
  keys.add(path + ".action", to_string(event.action));
  keys.add(path + ".at_s", event.at_s);
  keys.add(path + ".for_s", event.for_s);
  if (event.datacenter) keys.add(path + ".datacenter", name(*event.datacenter));
  std::vector<std::string> links;
  for (const auto& link : event.links) links.push_back(fmt::format("{}>{}", name(link.from), name(link.to)));
  if (!event.datacenter) keys.add(path + ".links", fmt::format("{}", fmt::join(links, ",")));
  keys.add(path + ".bandwidth_mbps", event.bandwidth_mbps);
  keys.add(path + ".bandwidth_factor", event.bandwidth_factor);
  keys.add(path + ".delay_ms", event.delay_ms);
  keys.add(path + ".loss", event.loss);
  if (event.jitter) add_jitter(keys, path + ".jitter", *event.jitter);
}

void add_caps_and_events(Keys& keys, const Config& config) {
  for (std::size_t d = 0; d < config.wan.caps.size(); ++d) {
    const std::string path = fmt::format("wan.links.caps.{}.", config.datacenters[d].name);
    keys.add(path + "egress_mbps", config.wan.caps[d].egress_mbps);
    keys.add(path + "ingress_mbps", config.wan.caps[d].ingress_mbps);
  }
  for (std::size_t i = 0; i < config.wan.events.size(); ++i)
    add_event(keys, fmt::format("wan.links.events[{}]", i), config.wan.events[i], config);
}

/// The words that the file has over its mode's. The mode says the others, and where only the mode differs it
/// is what a difference should name.
void add_choice(Keys& keys, const WanConfig& wan) {
  const ModePreset* const preset = find_mode_preset(wan.mode);
  const ModeChoice own = preset == nullptr ? ModeChoice{} : preset->choice;
  const ModeChoice& choice = wan.choice;
  if (choice.what != own.what) keys.add("wan.what", choice.what);
  if (choice.when != own.when) keys.add("wan.when", choice.when);
  if (choice.wait != own.wait) keys.add("wan.wait", choice.wait);
  if (choice.selective_barrier != own.selective_barrier)
    keys.add("wan.selective_barrier", choice.selective_barrier);
  if (choice.merge != own.merge) keys.add("wan.merge", choice.merge);
}

void add_topology(Keys& keys, const Config& config) {
  const TopologyConfig& topology = config.wan.topology;
  const auto name = [&](std::size_t datacenter) { return config.datacenters[datacenter].name; };
  switch (topology.kind) {
    case TopologyConfig::Kind::mesh:
      keys.add("wan.topology", "mesh");
      return;
    case TopologyConfig::Kind::hubs_auto:
      keys.add("wan.topology", "hubs");
      return;
    case TopologyConfig::Kind::hubs:
      for (const HubGroup& group : topology.groups) {
        std::vector<std::string> members;
        for (const std::size_t member : group.members) members.push_back(name(member));
        keys.add("wan.topology.hubs." + name(group.hub), fmt::format("{}", fmt::join(members, ",")));
      }
      return;
    case TopologyConfig::Kind::tree:
      for (std::size_t d = 0; d < topology.parents.size(); ++d) {
        keys.add("wan.topology.tree." + name(d), topology.parents[d] ? name(*topology.parents[d]) : "");
      }
  }
}

void add_parameters(Keys& keys, const WanParameters& parameters) {
  keys.add("wan.parameters.v0", parameters.v0);
  keys.add("wan.parameters.schedule", parameters.schedule);
  keys.add("wan.parameters.v_end", parameters.v_end);
  keys.add("wan.parameters.ramp_clocks", parameters.ramp_clocks);
  keys.add("wan.parameters.floor", parameters.floor);
  keys.add("wan.parameters.soft_ratio", parameters.soft_ratio);
  keys.add("wan.parameters.soft_below", parameters.soft_below);
  keys.add("wan.parameters.by", parameters.by);
  keys.add("wan.parameters.share", parameters.share);
  keys.add("wan.parameters.total_share", parameters.total_share);
  keys.add("wan.parameters.momentum", parameters.momentum);
  keys.add("wan.parameters.masking", parameters.masking);
  keys.add("wan.parameters.values", parameters.values);
  keys.add("wan.parameters.rounding", parameters.rounding);
  keys.add("wan.parameters.encoding", parameters.encoding);
  for (const auto& [name, table] : parameters.tables) {
    const std::string path = fmt::format("wan.parameters.tables.{}.", name);
    keys.add(path + "v0", table.v0);
    keys.add(path + "floor", table.floor);
    keys.add(path + "by", table.by);
  }
  keys.add("wan.parameters.ds", parameters.ds_auto ? "auto" : fmt::format("{}", parameters.ds));
  keys.add("wan.parameters.ds_most", parameters.ds_most);
  keys.add("wan.parameters.h", parameters.h);
  keys.add("wan.parameters.outer.name", parameters.outer.name);
  keys.add("wan.parameters.outer.learning_rate", parameters.outer.learning_rate);
  keys.add("wan.parameters.outer.momentum", parameters.outer.momentum);
}

void add_wan(Keys& keys, const Config& config) {
  const WanConfig& wan = config.wan;
  keys.add("wan.mode", wan.mode);
  add_choice(keys, wan);
  add_link(keys, "wan.lan", wan.lan);
  for (std::size_t from = 0; from < wan.links.size(); ++from) {
    for (std::size_t to = 0; to < wan.links[from].size(); ++to) {
      if (from == to) continue;
      add_link(keys,
               fmt::format("wan.links.{}.{}", config.datacenters[from].name, config.datacenters[to].name),
               wan.links[from][to]);
    }
  }
  add_caps_and_events(keys, config);
  add_topology(keys, config);
  add_parameters(keys, wan.parameters);
  keys.add("wan.on_silence", wan.on_silence);
  keys.add("wan.on_barrier", wan.on_barrier);
  keys.add("wan.deadlines.start_s", wan.deadlines.start_s);
  keys.add("wan.deadlines.silence_s", wan.deadlines.silence_s);
  keys.add("wan.deadlines.drain_s", wan.deadlines.drain_s);
  keys.add("wan.deadlines.wait_s", wan.deadlines.wait_s);
  keys.add("wan.deadlines.barrier_s", wan.deadlines.barrier_s);
}

/// One line of an identity text; `text` loses it.
struct Line {
  std::string_view key;
  std::string_view value;
};

std::optional<Line> next_line(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return Line{line, {}};
  return Line{line.substr(0, equals), line.substr(equals + 1)};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> identity_keys(const Config& config,
                                                               std::string_view contents) {
  Keys keys;
  if (!contents.empty()) keys.add("workload.data.contents", contents);
  keys.add("name", config.name);
  keys.add("seed", config.seed);
  keys.add("shards", config.shards);
  add_workload(keys, config.workload);
  add_datacenters(keys, config.datacenters);
  add_wan(keys, config);
  return keys.take_sorted();
}

std::string identity_text(const Config& config, std::string_view contents) {
  std::string text;
  for (const auto& [key, value] : identity_keys(config, contents)) text += fmt::format("{}={}\n", key, value);
  return text;
}

std::string run_id(const Config& config) {
  return fmt::format("{}-{:016x}", config.name, hash_text(identity_text(config)));
}

std::optional<std::string> first_difference(std::string_view ours, std::string_view theirs) {
  while (true) {
    const auto here = next_line(ours);
    const auto there = next_line(theirs);
    if (!here && !there) return std::nullopt;
    if (here && there && here->key == there->key) {
      if (here->value == there->value) continue;
      return fmt::format("{} is {} here and {} there", printable(here->key), in_quotes(here->value),
                         in_quotes(there->value));
    }
    if (here && (!there || here->key < there->key)) {
      return fmt::format("{} is {} here and not given there", printable(here->key), in_quotes(here->value));
    }
    return fmt::format("{} is {} there and not given here", printable(there->key), in_quotes(there->value));
  }
}

}  // namespace meridian
