#include "src/config/resolved_yaml.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "src/config/choices.h"
#include "src/config/layers.h"
#include "src/config/link_events.h"
#include "src/config/mode_presets.h"
#include "src/workloads/registry.h"

namespace meridian {

namespace {

/// Text in double quotes, so that no reader takes it for a number, a null or a variable.
std::string quoted_text(std::string_view text) {
  std::string yaml = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      yaml += fmt::format("\\{}", c);
    } else if (c == '$') {
      yaml += "$$";
    } else if (byte < 0x20 || byte == 0x7f) {
      yaml += fmt::format("\\x{:02x}", byte);
    } else {
      yaml += c;
    }
  }
  return yaml + '"';
}

class Writer {
 public:
  template <typename... Values>
  void line(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
    text_ += '\n';
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string jitter_text(const JitterConfig& jitter) {
  switch (jitter.kind) {
    case JitterConfig::Kind::none:
      break;
    case JitterConfig::Kind::uniform:
      return fmt::format("{{uniform_ms: {}}}", jitter.ms);
    case JitterConfig::Kind::normal:
      return fmt::format("{{normal_ms: {}}}", jitter.ms);
    case JitterConfig::Kind::recorded:
      return fmt::format("{{recorded_ms: [{}]}}", fmt::join(jitter.samples_ms, ", "));
  }
  return "none";
}

std::string trace_yaml(const BandwidthTraceConfig& trace) {
  std::vector<std::string> steps;
  for (const auto& step : trace.steps)
    steps.push_back(fmt::format("[{}, {}]", step.at_s, step.bandwidth_mbps));
  return fmt::format("{{steps: [{}]{}}}", fmt::join(steps, ", "),
                     trace.repeat_s ? fmt::format(", repeat_s: {}", *trace.repeat_s) : "");
}

std::string link_yaml(const LinkConfig& link) {
  std::string yaml = fmt::format("bandwidth_mbps: {}, delay_ms: {}", link.bandwidth_mbps, link.delay_ms);
  if (link.jitter.kind != JitterConfig::Kind::none) yaml += ", jitter: " + jitter_text(link.jitter);
  if (link.loss > 0) yaml += fmt::format(", loss: {}", link.loss);
  if (!link.trace.steps.empty()) yaml += ", trace: " + trace_yaml(link.trace);
  return yaml;
}

void write_compute(Writer& out, const ComputeConfig& compute) {
  if (compute.measured) {
    out.line("  compute: measured");
    return;
  }
  out.line("  compute:");
  out.line("    seconds_per_clock: {}", compute.seconds_per_clock);
  out.line("    spread: {}", compute.spread);
  if (compute.stragglers.probability > 0) {
    out.line("    stragglers: {{probability: {}, factor: {}}}", compute.stragglers.probability,
             compute.stragglers.factor);
  }
  out.line("    seconds_per_evaluation: {}", compute.seconds_per_evaluation);
  if (compute.factor.empty()) return;
  out.line("    factor:");
  for (const auto& [name, factor] : compute.factor) out.line("      {}: {}", quoted_text(name), factor);
}

void write_schedule(Writer& out, const LearningRateScheduleConfig& schedule) {
  out.line("    schedule:");
  out.line("      name: {}", schedule.name);
  out.line("      warm_up: {}", schedule.warm_up);
  if (schedule.every) out.line("      every: {}", *schedule.every);
  if (schedule.factor) out.line("      factor: {}", *schedule.factor);
  if (schedule.clocks) out.line("      clocks: {}", *schedule.clocks);
  if (schedule.final_ratio) out.line("      final: {}", *schedule.final_ratio);
}

void write_optimizer(Writer& out, const OptimizerConfig& optimizer) {
  out.line("  optimizer:");
  out.line("    name: {}", optimizer.name);
  out.line("    learning_rate: {}", optimizer.learning_rate);
  if (uses_momentum(optimizer.name)) out.line("    momentum: {}", optimizer.momentum);
  out.line("    weight_decay: {}", optimizer.weight_decay);
  if (optimizer.clip_value) out.line("    clip_value: {}", *optimizer.clip_value);
  if (optimizer.clip_norm) out.line("    clip_norm: {}", *optimizer.clip_norm);
  if (optimizer.beta1) out.line("    beta1: {}", *optimizer.beta1);
  if (optimizer.beta2) out.line("    beta2: {}", *optimizer.beta2);
  if (optimizer.epsilon) out.line("    epsilon: {}", *optimizer.epsilon);
  if (optimizer.decay) out.line("    decay: {}", *optimizer.decay);
  write_schedule(out, optimizer.schedule);
}

const NumberKey& number_key(const std::vector<NumberKey>& keys, std::string_view name) {
  return *std::find_if(keys.begin(), keys.end(), [&](const NumberKey& key) { return key.name == name; });
}

void write_partition(Writer& out, const PartitionConfig& partition) {
  out.line("    partition:");
  out.line("      workers: {}", partition.workers);
  if (partition.workers == "overlap") out.line("      overlap: {}", partition.overlap);
  out.line("      datacenters: {}", partition.datacenters);
  if (partition.datacenters == "label_skew") out.line("      label_skew: {}", partition.label_skew);
  if (partition.datacenters == "dirichlet") out.line("      concentration: {}", partition.concentration);
  if (!partition.sizes.empty()) out.line("      sizes:");
  for (const auto& [name, size] : partition.sizes) out.line("        {}: {}", quoted_text(name), size);
}

void write_data(Writer& out, const DataConfig& data) {
  out.line("  data:");
  out.line("    format: {}", data.format);
  if (!data.path.empty()) out.line("    path: {}", quoted_text(data.path.string()));
  if (!data.paths.empty()) out.line("    paths:");
  for (const auto& [name, path] : data.paths)
    out.line("      {}: {}", quoted_text(name), quoted_text(path.string()));
  if (!data.held_out_path.empty())
    out.line("    held_out_path: {}", quoted_text(data.held_out_path.string()));
  if (!data.vocabulary.empty()) out.line("    vocabulary: {}", quoted_text(data.vocabulary.string()));
  if (data.held_out) out.line("    held_out: {}", *data.held_out);
  for (const auto& [key, value] : data.shared) out.line("    {}: {}", key, value);
  if (data.may_read()) out.line("    if_missing: {}", data.if_missing);
  write_partition(out, data.partition);
  if (!data.may_generate()) return;
  if (data.generated.empty()) {
    out.line("    generated_train: {}", data.generated_train);
    out.line("    generated_test: {}", data.generated_test);
    return;
  }
  out.line("    generated:");
  for (const auto& [key, value] : data.generated) out.line("      {}: {}", key, value);
}

void write_workload(Writer& out, const WorkloadConfig& workload) {
  const DataConfig& data = workload.data;
  out.line("workload:");
  out.line("  model:");
  out.line("    kind: {}", workload.model.kind);
  if (!workload.model.hidden.empty()) out.line("    hidden: [{}]", fmt::join(workload.model.hidden, ", "));
  if (!workload.model.layers.empty()) out.line("    layers:");
  for (const LayerConfig& layer : workload.model.layers) out.line("      - {}", layer_yaml(layer));
  for (const auto& [key, value] : workload.model.numbers) {
    const bool truth =
        number_key(workload_kind(workload.model.kind).numbers, key).form == NumberKey::Form::truth;
    out.line("    {}: {}", key, truth ? (value != 0 ? "true" : "false") : fmt::format("{}", value));
  }
  for (const auto& [key, word] : workload.model.words) out.line("    {}: {}", key, word);
  write_data(out, data);
  if (workload_kind(workload.model.kind).optimizes) write_optimizer(out, workload.optimizer);
  out.line("  batch: {}", workload.batch);
  out.line("  evaluate_every: {}", workload.evaluate_every);
  write_compute(out, workload.compute);
  out.line("  stop:");
  if (workload.stop.target) out.line("    target: {}", *workload.stop.target);
  if (workload.stop.clocks) out.line("    clocks: {}", *workload.stop.clocks);
  if (workload.stop.time_s) out.line("    time_s: {}", *workload.stop.time_s);
}

void write_datacenters(Writer& out, const std::vector<DatacenterConfig>& datacenters) {
  out.line("datacenters:");
  for (const DatacenterConfig& datacenter : datacenters) {
    out.line("  - name: {}", quoted_text(datacenter.name));
    out.line("    workers: {}", datacenter.workers);
    out.line("    servers: {}", datacenter.servers);
    // Where it is not given it follows the workers, also those that a --set on this file asks for.
    if (datacenter.machines) out.line("    machines: {}", *datacenter.machines);
    if (!datacenter.hosts.empty()) out.line("    hosts:");
    for (const HostConfig& host : datacenter.hosts) {
      out.line("      - {{lan: {}, wan: {}, port: {}}}", quoted_text(host.lan_address),
               quoted_text(host.wan_address), host.port);
    }
  }
}

/// One entry for a pair that is the same both ways, one for each direction otherwise.
void write_links(Writer& out, const Config& config) {
  const auto& datacenters = config.datacenters;
  const WanConfig& wan = config.wan;
  const bool has_caps = std::any_of(wan.caps.begin(), wan.caps.end(),
                                    [](const DatacenterCaps& caps) { return caps != DatacenterCaps{}; });
  if (datacenters.size() > 1 || has_caps || wan.prices || !wan.events.empty()) out.line("  links:");
  if (datacenters.size() < 2) return;
  out.line("    pairs:");
  for (std::size_t a = 0; a < datacenters.size(); ++a) {
    for (std::size_t b = a + 1; b < datacenters.size(); ++b) {
      const LinkConfig& there = config.wan.links[a][b];
      const LinkConfig& back = config.wan.links[b][a];
      const std::string first = quoted_text(datacenters[a].name);
      const std::string second = quoted_text(datacenters[b].name);
      if (there == back) {
        out.line("      - {{between: [{}, {}], {}}}", first, second, link_yaml(there));
      } else {
        out.line("      - {{from: {}, to: {}, {}}}", first, second, link_yaml(there));
        out.line("      - {{from: {}, to: {}, {}}}", second, first, link_yaml(back));
      }
    }
  }
}

void write_caps(Writer& out, const Config& config) {
  std::vector<std::string> caps;
  for (std::size_t d = 0; d < config.wan.caps.size(); ++d) {
    const DatacenterCaps& own = config.wan.caps[d];
    std::vector<std::string> values;
    if (own.egress_mbps) values.push_back(fmt::format("egress_mbps: {}", *own.egress_mbps));
    if (own.ingress_mbps) values.push_back(fmt::format("ingress_mbps: {}", *own.ingress_mbps));
    if (values.empty()) continue;
    caps.push_back(
        fmt::format("      {}: {{{}}}", quoted_text(config.datacenters[d].name), fmt::join(values, ", ")));
  }
  if (caps.empty()) return;
  out.line("    caps:");
  for (const std::string& line : caps) out.line("{}", line);
}

void write_prices(Writer& out, const Config& config) {
  if (!config.wan.prices) return;
  const PricesConfig& prices = *config.wan.prices;
  out.line("    prices:");
  out.line("      dated: {}", quoted_text(prices.dated));
  out.line("      source: {}", quoted_text(prices.source));
  out.line("      currency: {}", prices.currency);
  out.line("      regions:");
  for (std::size_t d = 0; d < prices.regions.size(); ++d) {
    std::vector<std::string> values;
    if (prices.regions[d].egress_per_gb)
      values.push_back(fmt::format("egress_per_gb: {}", *prices.regions[d].egress_per_gb));
    if (prices.regions[d].machine_per_hour)
      values.push_back(fmt::format("machine_per_hour: {}", *prices.regions[d].machine_per_hour));
    out.line("        {}: {{{}}}", quoted_text(config.datacenters[d].name), fmt::join(values, ", "));
  }
}

/// As the event was written: a datacenter, a pair or a direction.
std::string event_target(const LinkEventConfig& event, const Config& config) {
  const auto name = [&](std::size_t datacenter) { return quoted_text(config.datacenters[datacenter].name); };
  if (event.datacenter) return fmt::format("datacenter: {}", name(*event.datacenter));
  const LinkEventConfig::Direction& link = event.links.front();
  return event.links.size() > 1 ? fmt::format("between: [{}, {}]", name(link.from), name(link.to))
                                : fmt::format("from: {}, to: {}", name(link.from), name(link.to));
}

void write_events(Writer& out, const Config& config) {
  if (config.wan.events.empty()) return;
  out.line("    events:");
  for (const LinkEventConfig& event : config.wan.events) {
    std::string yaml = fmt::format("at_s: {}, action: {}, {}", event.at_s, to_string(event.action),
                                   event_target(event, config));
    if (event.for_s) yaml += fmt::format(", for_s: {}", *event.for_s);
    if (event.bandwidth_mbps) yaml += fmt::format(", bandwidth_mbps: {}", *event.bandwidth_mbps);
    if (event.bandwidth_factor) yaml += fmt::format(", bandwidth_factor: {}", *event.bandwidth_factor);
    if (event.delay_ms) yaml += fmt::format(", delay_ms: {}", *event.delay_ms);
    if (event.loss) yaml += fmt::format(", loss: {}", *event.loss);
    if (event.jitter) yaml += fmt::format(", jitter: {}", jitter_text(*event.jitter));
    out.line("      - {{{}}}", yaml);
  }
}

void write_topology(Writer& out, const Config& config) {
  const TopologyConfig& topology = config.wan.topology;
  const auto name = [&](std::size_t datacenter) { return quoted_text(config.datacenters[datacenter].name); };
  switch (topology.kind) {
    case TopologyConfig::Kind::mesh:
      out.line("  topology: mesh");
      return;
    case TopologyConfig::Kind::hubs_auto:
      out.line("  topology: hubs");
      return;
    case TopologyConfig::Kind::hubs:
      out.line("  topology:");
      out.line("    hubs:");
      for (const HubGroup& group : topology.groups) {
        std::vector<std::string> members;
        for (const std::size_t member : group.members) members.push_back(name(member));
        out.line("      - {{hub: {}, members: [{}]}}", name(group.hub), fmt::join(members, ", "));
      }
      return;
    case TopologyConfig::Kind::tree: {
      std::vector<std::string> parents;
      for (std::size_t d = 0; d < topology.parents.size(); ++d) {
        if (topology.parents[d])
          parents.push_back(fmt::format("{}: {}", name(d), name(*topology.parents[d])));
      }
      out.line("  topology: {{tree: {{{}}}}}", fmt::join(parents, ", "));
    }
  }
}

void write_parameters(Writer& out, const WanParameters& parameters) {
  out.line("  parameters:");
  out.line("    v0: {}", parameters.v0);
  out.line("    schedule: {}", parameters.schedule);
  if (parameters.v_end) out.line("    v_end: {}", *parameters.v_end);
  if (parameters.ramp_clocks) out.line("    ramp_clocks: {}", *parameters.ramp_clocks);
  out.line("    floor: {}", parameters.floor);
  out.line("    soft_ratio: {}", parameters.soft_ratio);
  out.line("    soft_below: {}", parameters.soft_below);
  out.line("    by: {}", parameters.by);
  out.line("    share: {}", parameters.share);
  out.line("    total_share: {}", parameters.total_share);
  out.line("    momentum: {}", parameters.momentum);
  out.line("    masking: {}", parameters.masking);
  out.line("    values: {}", parameters.values);
  out.line("    rounding: {}", parameters.rounding);
  out.line("    encoding: {}", parameters.encoding);
  if (!parameters.tables.empty()) out.line("    tables:");
  for (const auto& [name, table] : parameters.tables) {
    out.line("      {}: {{v0: {}, floor: {}, by: {}}}", quoted_text(name), table.v0, table.floor, table.by);
  }
  out.line("    ds: {}", parameters.ds_auto ? "auto" : fmt::format("{}", parameters.ds));
  out.line("    ds_most: {}", parameters.ds_most);
  out.line("    h: {}", parameters.h);
  out.line("    outer: {{name: {}, learning_rate: {}, momentum: {}}}", parameters.outer.name,
           parameters.outer.learning_rate, parameters.outer.momentum);
}

void write_wan(Writer& out, const Config& config) {
  const WanConfig& wan = config.wan;
  out.line("wan:");
  out.line("  mode: {}", wan.mode);
  // Only what differs from the mode's own: whoever changes the mode of this file changes its parts.
  const ModePreset* const preset = find_mode_preset(wan.mode);
  const ModeChoice mode = preset == nullptr ? ModeChoice{} : preset->choice;
  if (wan.choice.what != mode.what) out.line("  what: {}", wan.choice.what);
  if (wan.choice.when != mode.when) out.line("  when: {}", wan.choice.when);
  if (wan.choice.wait != mode.wait) out.line("  wait: {}", wan.choice.wait);
  if (wan.choice.selective_barrier != mode.selective_barrier) {
    out.line("  selective_barrier: {}", wan.choice.selective_barrier);
  }
  if (wan.choice.merge != mode.merge) out.line("  merge: {}", wan.choice.merge);
  out.line("  lan: {{{}}}", link_yaml(wan.lan));
  write_links(out, config);
  write_caps(out, config);
  write_prices(out, config);
  write_events(out, config);
  write_topology(out, config);
  write_parameters(out, wan.parameters);
  out.line("  on_silence: {}", wan.on_silence);
  out.line("  on_barrier: {}", wan.on_barrier);
  out.line("  deadlines:");
  out.line("    start_s: {}", wan.deadlines.start_s);
  out.line("    silence_s: {}", wan.deadlines.silence_s);
  out.line("    drain_s: {}", wan.deadlines.drain_s);
  out.line("    wait_s: {}", wan.deadlines.wait_s);
  out.line("    barrier_s: {}", wan.deadlines.barrier_s);
}

}  // namespace

std::string resolved_yaml(const Config& config) {
  Writer out;
  out.line("name: {}", quoted_text(config.name));
  out.line("seed: {}", config.seed);
  write_workload(out, config.workload);
  write_datacenters(out, config.datacenters);
  write_wan(out, config);
  out.line("shards: {}", config.shards);
  if (config.output_dir) out.line("output:\n  dir: {}", quoted_text(config.output_dir->string()));
  const MetricsConfig& metrics = config.metrics;
  out.line("metrics:\n  address: {}", metrics.address ? quoted_text(to_string(*metrics.address)) : "none");
  if (metrics.targets) out.line("  targets: {}", quoted_text(metrics.targets->string()));
  out.line("log: {{format: {}, level: {}}}", config.log.format, config.log.level);
  return out.take();
}

}  // namespace meridian
