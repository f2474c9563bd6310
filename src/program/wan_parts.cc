#include "src/program/wan_parts.h"

#include <utility>

namespace meridian::program {
namespace {

wan::Granularity granularity(const std::string& by) {
  return by == "row" ? wan::Granularity::row : wan::Granularity::entry;
}

}  // namespace

std::vector<HubGroup> hub_groups(const Config& config) {
  const std::size_t count = config.datacenters.size();
  if (config.wan.topology.kind != TopologyConfig::Kind::hubs_auto) return config.wan.topology.groups;
  std::vector<std::vector<double>> bandwidth(count, std::vector<double>(count, 0.0));
  for (std::size_t from = 0; from < count; ++from) {
    for (std::size_t to = 0; to < count; ++to) {
      if (from != to) bandwidth[from][to] = config.wan.links[from][to].bandwidth_mbps;
    }
  }
  std::vector<HubGroup> groups;
  for (wan::Overlay::Group& group : wan::group_by_bandwidth(bandwidth)) {
    groups.push_back({group.hub, std::move(group.members)});
  }
  return groups;
}

wan::Overlay overlay_of(const Config& config) {
  const std::size_t count = config.datacenters.size();
  const TopologyConfig& topology = config.wan.topology;
  if (topology.kind == TopologyConfig::Kind::mesh) return wan::Overlay::mesh(count);
  if (topology.kind == TopologyConfig::Kind::tree) return wan::Overlay::tree(count, topology.parents).value();
  std::vector<wan::Overlay::Group> groups;
  for (HubGroup& group : hub_groups(config)) groups.push_back({group.hub, std::move(group.members)});
  return wan::Overlay::hubs(count, groups).value();
}

wan::ModeParts mode_parts(const ResolvedMode& mode) {
  return {.what = mode.choice.what,
          .when = mode.choice.when,
          .wait = mode.choice.wait,
          .merge = mode.choice.merge,
          .selective_barrier = mode.choice.selective_barrier};
}

wan::ModeParameters mode_parameters(const ResolvedMode& mode, const std::vector<TableSpec>& tables) {
  const WanParameters& from = mode.parameters;
  wan::ModeParameters parameters;
  parameters.filter.schedule.kind = wan::schedule_named(from.schedule).value();
  parameters.filter.schedule.v_end = from.v_end.value_or(0.0);
  parameters.filter.schedule.ramp_clocks = from.ramp_clocks.value_or(1);
  parameters.filter.defaults = {.v0 = from.v0, .floor = from.floor, .granularity = granularity(from.by)};
  for (std::size_t table = 0; table < tables.size(); ++table) {
    const auto own = from.tables.find(tables[table].name);
    if (own == from.tables.end()) continue;
    parameters.filter.tables[table] = {
        .v0 = own->second.v0, .floor = own->second.floor, .granularity = granularity(own->second.by)};
  }
  parameters.share = from.share;
  parameters.total_share = from.total_share;
  parameters.momentum = from.momentum;
  parameters.masking = from.masking;
  parameters.values = wan::value_format_named(from.values).value();
  parameters.rounding =
      from.rounding == "stochastic" ? wan::RoundingMode::stochastic : wan::RoundingMode::nearest;
  parameters.encoding = wan::encoding_named(from.encoding).value();
  parameters.soft_ratio = from.soft_ratio;
  parameters.soft_below = from.soft_below;
  if (from.ds_auto) {
    parameters.ds.reset();
  } else {
    parameters.ds = from.ds;
  }
  parameters.ds_most = from.ds_most;
  parameters.h = from.h;
  parameters.outer = {from.outer.name, from.outer.learning_rate, from.outer.momentum, {}};
  return parameters;
}

wan::Absences::Options absence_options(const WanConfig& wan) {
  const auto policy = wan.on_silence == "continue" ? wan::SilencePolicy::go_on
                      : wan.on_silence == "wait"   ? wan::SilencePolicy::wait
                                                   : wan::SilencePolicy::stop;
  return {.policy = policy,
          .silence = from_seconds(wan.deadlines.silence_s),
          .wait = from_seconds(wan.deadlines.wait_s)};
}

}  // namespace meridian::program
