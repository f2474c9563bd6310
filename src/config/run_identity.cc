#include "src/config/run_identity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "src/base/random.h"
#include "src/config/spelling.h"

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

void add_workload(Keys& keys, const WorkloadConfig& workload) {
  keys.add("workload.model.kind", workload.model.kind);
  keys.add("workload.model.hidden", fmt::format("{}", fmt::join(workload.model.hidden, ",")));
  keys.add("workload.data.format", workload.data.format);
  keys.add("workload.data.if_missing", workload.data.if_missing);
  keys.add("workload.data.partition", workload.data.partition);
  keys.add("workload.data.generated_train", workload.data.generated_train);
  keys.add("workload.data.generated_test", workload.data.generated_test);
  keys.add("workload.optimizer.name", workload.optimizer.name);
  keys.add("workload.optimizer.learning_rate", workload.optimizer.learning_rate);
  keys.add("workload.optimizer.momentum", workload.optimizer.momentum);
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

void add_link(Keys& keys, const std::string& path, const LinkConfig& link) {
  keys.add(path + ".bandwidth_mbps", link.bandwidth_mbps);
  keys.add(path + ".delay_ms", link.delay_ms);
}

void add_wan(Keys& keys, const Config& config) {
  const WanConfig& wan = config.wan;
  keys.add("wan.mode", wan.mode);
  add_link(keys, "wan.lan", wan.lan);
  for (std::size_t from = 0; from < wan.links.size(); ++from) {
    for (std::size_t to = 0; to < wan.links[from].size(); ++to) {
      if (from == to) continue;
      add_link(keys,
               fmt::format("wan.links.{}.{}", config.datacenters[from].name, config.datacenters[to].name),
               wan.links[from][to]);
    }
  }
  keys.add("wan.parameters.v0", wan.parameters.v0);
  keys.add("wan.parameters.schedule", wan.parameters.schedule);
  keys.add("wan.parameters.ds", wan.parameters.ds);
  keys.add("wan.parameters.h", wan.parameters.h);
  keys.add("wan.deadlines.start_s", wan.deadlines.start_s);
  keys.add("wan.deadlines.silence_s", wan.deadlines.silence_s);
  keys.add("wan.deadlines.drain_s", wan.deadlines.drain_s);
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

std::vector<std::pair<std::string, std::string>> identity_keys(const Config& config) {
  Keys keys;
  keys.add("name", config.name);
  keys.add("seed", config.seed);
  keys.add("shards", config.shards);
  add_workload(keys, config.workload);
  add_datacenters(keys, config.datacenters);
  add_wan(keys, config);
  return keys.take_sorted();
}

std::string identity_text(const Config& config) {
  std::string text;
  for (const auto& [key, value] : identity_keys(config)) text += fmt::format("{}={}\n", key, value);
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
