#include "src/config/links_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "src/config/link_events.h"

namespace meridian {

namespace {

using Names = std::vector<std::string>;

std::string bandwidth_of(const LinkConfig& link) {
  if (link.trace.steps.empty()) return fmt::format("{:.6g} Mb/s", link.bandwidth_mbps);
  const auto [least, most] =
      std::minmax_element(link.trace.steps.begin(), link.trace.steps.end(),
                          [](const auto& a, const auto& b) { return a.bandwidth_mbps < b.bandwidth_mbps; });
  return fmt::format("{:.6g}-{:.6g} Mb/s", least->bandwidth_mbps, most->bandwidth_mbps);
}

std::string jitter_of(const JitterConfig& jitter) {
  switch (jitter.kind) {
    case JitterConfig::Kind::none:
      break;
    case JitterConfig::Kind::uniform:
      return fmt::format("+-{:.6g}", jitter.ms);
    case JitterConfig::Kind::normal:
      return fmt::format("~{:.6g}", jitter.ms);
    case JitterConfig::Kind::recorded:
      return "~rec";
  }
  return "";
}

/// Bandwidth one way and the round trip, with what varies and gets lost.
std::string describe(const LinkConfig& link, double rtt_ms) {
  std::string text = fmt::format("{}, {:.6g}{} ms", bandwidth_of(link), rtt_ms, jitter_of(link.jitter));
  if (link.loss > 0) text += fmt::format(", {:.6g} % lost", link.loss * 100);
  return text;
}

using OptionalLinks = std::vector<std::vector<std::optional<LinkConfig>>>;

std::vector<std::vector<std::string>> cells_of(const Names& names, const OptionalLinks& links) {
  std::vector<std::vector<std::string>> rows(1, {"from \\ to"});
  rows[0].insert(rows[0].end(), names.begin(), names.end());
  for (std::size_t from = 0; from < links.size(); ++from) {
    std::vector<std::string>& row = rows.emplace_back();
    row.push_back(names[from]);
    for (std::size_t to = 0; to < links.size(); ++to) {
      const auto& there = links[from][to];
      if (from == to || !there) {
        row.emplace_back("-");
        continue;
      }
      const auto& back = links[to][from];
      row.push_back(describe(*there, there->delay_ms + (back ? back->delay_ms : there->delay_ms)));
    }
  }
  return rows;
}

std::string table_of(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string table;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += fmt::format("{}{:<{}}", i == 0 ? "" : "  ", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    table += line + '\n';
  }
  return table;
}

std::string describe_caps(const Names& names, const std::vector<DatacenterCaps>& caps) {
  std::string text;
  for (std::size_t d = 0; d < caps.size(); ++d) {
    std::vector<std::string> values;
    if (caps[d].egress_mbps) values.push_back(fmt::format("sends at most {:.6g} Mb/s", *caps[d].egress_mbps));
    if (caps[d].ingress_mbps)
      values.push_back(fmt::format("receives at most {:.6g} Mb/s", *caps[d].ingress_mbps));
    if (!values.empty()) text += fmt::format("{} {} in all\n", names[d], fmt::join(values, " and "));
  }
  return text;
}

std::string describe_event(const Names& names, const LinkEventConfig& event) {
  std::string about;
  if (event.datacenter) {
    about = names[*event.datacenter];
  } else {
    const auto& link = event.links.front();
    about = fmt::format("{} {} {}", names[link.from], event.links.size() > 1 ? "-" : "->", names[link.to]);
  }
  std::string text = fmt::format("at {:.6g} s: {} {}", event.at_s, to_string(event.action), about);
  const bool lasts =
      event.action != LinkEventConfig::Action::restore && event.action != LinkEventConfig::Action::reset;
  if (lasts) text += event.for_s ? fmt::format(" for {:.6g} s", *event.for_s) : " until restored";
  std::vector<std::string> values;
  if (event.bandwidth_mbps) values.push_back(fmt::format("{:.6g} Mb/s", *event.bandwidth_mbps));
  if (event.bandwidth_factor)
    values.push_back(fmt::format("{:.6g} of the bandwidth", *event.bandwidth_factor));
  if (event.delay_ms) values.push_back(fmt::format("{:.6g} ms one way", *event.delay_ms));
  if (event.loss) values.push_back(fmt::format("{:.6g} % lost", *event.loss * 100));
  if (event.jitter) values.push_back(fmt::format("jitter {} ms", jitter_of(*event.jitter)));
  if (!values.empty()) text += fmt::format(": {}", fmt::join(values, ", "));
  return text + '\n';
}

}  // namespace

std::string describe_links(const Names& names, const OptionalLinks& links,
                           const std::vector<DatacenterCaps>& caps,
                           const std::vector<LinkEventConfig>& events) {
  std::string text = table_of(cells_of(names, links)) + describe_caps(names, caps);
  for (const LinkEventConfig& event : events) text += describe_event(names, event);
  return text;
}

std::string describe_prices(const Names& names, const std::optional<PricesConfig>& prices) {
  if (!prices) return {};
  const auto shown = [](const std::optional<double>& price) {
    return price ? fmt::format("{:.6g}", *price) : std::string("-");
  };
  std::vector<std::vector<std::string>> rows(
      1, {"prices in " + prices->currency, "a GB sent away", "a machine's hour"});
  for (std::size_t d = 0; d < prices->regions.size(); ++d) {
    const RegionPrices& region = prices->regions[d];
    rows.push_back({names[d], shown(region.egress_per_gb), shown(region.machine_per_hour)});
  }
  return table_of(rows) + fmt::format("prices of {}: {}\n", prices->dated, prices->source);
}

std::string describe_links_table(const Config& config) {
  Names names;
  for (const DatacenterConfig& datacenter : config.datacenters) names.push_back(datacenter.name);
  OptionalLinks links(names.size(), std::vector<std::optional<LinkConfig>>(names.size()));
  for (std::size_t from = 0; from < config.wan.links.size(); ++from) {
    for (std::size_t to = 0; to < config.wan.links.size(); ++to) links[from][to] = config.wan.links[from][to];
  }
  const LinkConfig& lan = config.wan.lan;
  return describe_links(names, links, config.wan.caps, config.wan.events) +
         fmt::format("inside a datacenter: {}\n", describe(lan, 2 * lan.delay_ms)) +
         describe_prices(names, config.wan.prices);
}

}  // namespace meridian
