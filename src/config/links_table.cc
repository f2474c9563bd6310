#include "src/config/links_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace meridian {

namespace {

std::string describe(double bandwidth_mbps, double rtt_ms) {
  return fmt::format("{:.6g} Mb/s, {:.6g} ms", bandwidth_mbps, rtt_ms);
}

std::vector<std::vector<std::string>> cells_of(const Config& config) {
  const auto& links = config.wan.links;
  std::vector<std::vector<std::string>> rows(1, {"from \\ to"});
  for (const DatacenterConfig& datacenter : config.datacenters) rows[0].push_back(datacenter.name);
  for (std::size_t from = 0; from < links.size(); ++from) {
    std::vector<std::string>& row = rows.emplace_back();
    row.push_back(config.datacenters[from].name);
    for (std::size_t to = 0; to < links.size(); ++to) {
      const double rtt_ms = links[from][to].delay_ms + links[to][from].delay_ms;
      row.push_back(from == to ? "-" : describe(links[from][to].bandwidth_mbps, rtt_ms));
    }
  }
  return rows;
}

}  // namespace

std::string describe_links_table(const Config& config) {
  const auto rows = cells_of(config);
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
  const LinkConfig& lan = config.wan.lan;
  return table + fmt::format("inside a datacenter: {}\n", describe(lan.bandwidth_mbps, 2 * lan.delay_ms));
}

}  // namespace meridian
