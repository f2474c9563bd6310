#include "src/config/resolved_yaml.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>
#include <string_view>

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

std::string link_yaml(const LinkConfig& link) {
  return fmt::format("bandwidth_mbps: {}, delay_ms: {}", link.bandwidth_mbps, link.delay_ms);
}

void write_compute(Writer& out, const ComputeConfig& compute) {
  if (compute.measured) {
    out.line("  compute: measured");
    return;
  }
  out.line("  compute:");
  out.line("    seconds_per_clock: {}", compute.seconds_per_clock);
  out.line("    spread: {}", compute.spread);
  out.line("    seconds_per_evaluation: {}", compute.seconds_per_evaluation);
  if (compute.factor.empty()) return;
  out.line("    factor:");
  for (const auto& [name, factor] : compute.factor) out.line("      {}: {}", quoted_text(name), factor);
}

void write_workload(Writer& out, const WorkloadConfig& workload) {
  const DataConfig& data = workload.data;
  out.line("workload:");
  out.line("  model:");
  out.line("    kind: {}", workload.model.kind);
  if (!workload.model.hidden.empty()) out.line("    hidden: [{}]", fmt::join(workload.model.hidden, ", "));
  out.line("  data:");
  out.line("    format: {}", data.format);
  if (!data.path.empty()) out.line("    path: {}", quoted_text(data.path.string()));
  out.line("    if_missing: {}", data.if_missing);
  out.line("    partition: {}", data.partition);
  out.line("    generated_train: {}", data.generated_train);
  out.line("    generated_test: {}", data.generated_test);
  out.line("  optimizer:");
  out.line("    name: {}", workload.optimizer.name);
  out.line("    learning_rate: {}", workload.optimizer.learning_rate);
  out.line("    momentum: {}", workload.optimizer.momentum);
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
  if (datacenters.size() < 2) return;
  out.line("  links:");
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

void write_wan(Writer& out, const Config& config) {
  const WanConfig& wan = config.wan;
  out.line("wan:");
  out.line("  mode: {}", wan.mode);
  out.line("  lan: {{{}}}", link_yaml(wan.lan));
  write_links(out, config);
  out.line("  parameters:");
  out.line("    v0: {}", wan.parameters.v0);
  out.line("    schedule: {}", wan.parameters.schedule);
  out.line("    ds: {}", wan.parameters.ds);
  out.line("    h: {}", wan.parameters.h);
  out.line("  deadlines:");
  out.line("    start_s: {}", wan.deadlines.start_s);
  out.line("    silence_s: {}", wan.deadlines.silence_s);
  out.line("    drain_s: {}", wan.deadlines.drain_s);
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
  return out.take();
}

}  // namespace meridian
