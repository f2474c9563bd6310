#include "src/program/top_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace meridian::program {
namespace {

using monitoring::DatacenterView;
using monitoring::DeploymentView;
using monitoring::LinkView;
using Style = TopLine::Style;

constexpr std::size_t kLongestSparkline = 60;
// A link this full, and reads that wait this much of the time, are worth a look.
constexpr double kFullLink = 0.9;
constexpr double kMuchWaiting = 0.3;

std::string or_dash(const std::optional<double>& value, const char* format) {
  return value && std::isfinite(*value) ? fmt::format(fmt::runtime(format), *value) : "-";
}

std::string percent(const std::optional<double>& share) {
  return share ? or_dash(100.0 * *share, "{:.1f} %") : "-";
}

std::size_t longest_name(const DeploymentView& view) {
  std::size_t longest = std::string_view("datacenter").size();
  for (const DatacenterView& datacenter : view.datacenters)
    longest = std::max(longest, datacenter.name.size());
  return longest;
}

double share_of(const DatacenterView& datacenter, std::initializer_list<const char*> parts) {
  double sum = 0.0;
  for (const char* const part : parts) {
    const auto found = datacenter.time_shares.find(part);
    if (found != datacenter.time_shares.end()) sum += found->second;
  }
  return sum;
}

void add_summary(const DeploymentView& view, std::size_t width, bool plain, std::vector<TopLine>& lines) {
  const char* const state = view.training ? "training" : "not training";
  lines.push_back({fmt::format("{}  {}  {}  {}", view.run, view.mode, view.workload, state), Style::heading});
  const std::string target = view.target ? fmt::format(" of {:.4f}", *view.target) : "";
  std::string objective = fmt::format("{} {}{} in the worst datacenter  ", view.metric,
                                      or_dash(view.objective, "{:.4f}"), target);
  const std::size_t room = width > objective.size() ? width - objective.size() : 0;
  objective += sparkline(view.objective_history, std::min(room, kLongestSparkline), plain);
  lines.push_back({std::move(objective)});
  lines.push_back({fmt::format(
      "WAN {:.2f} MB in all, {} MB/s   threshold {}   sent {} of the entries   "
      "replicas differ by {} at most",
      view.wan_bytes / 1e6, view.wan_bytes_per_s ? fmt::format("{:.3f}", *view.wan_bytes_per_s / 1e6) : "-",
      percent(view.threshold), percent(view.sent_share), percent(view.difference_bound))});
  lines.push_back({""});
}

void add_datacenters(const DeploymentView& view, std::vector<TopLine>& lines) {
  const std::size_t name = longest_name(view);
  lines.push_back({fmt::format("{:<{}} {:>8} {:>9} {:>10} {:>9} {:>8} {:>6} {:>9} {:>10} {:>9}  {}",
                               "datacenter", name, "clock", "clocks/s", view.metric.substr(0, 10), "loss",
                               "compute", "LAN", "evaluate", "selective", "mirror", "reads held"),
                   Style::heading});
  for (const DatacenterView& dc : view.datacenters) {
    const bool known = !dc.time_shares.empty();
    const auto share = [&](std::initializer_list<const char*> parts) {
      return known ? fmt::format("{:.0f} %", 100.0 * share_of(dc, parts)) : std::string("-");
    };
    const std::string held =
        dc.held_reads > 0.0 ? fmt::format("{:.0f} for {}", dc.held_reads, dc.held_for) : std::string("-");
    const double waiting = share_of(dc, {"selective_barrier", "mirror_clock"});
    lines.push_back(
        {fmt::format("{:<{}} {:>8.0f} {:>9} {:>10} {:>9} {:>8} {:>6} {:>9} {:>10} {:>9}  {}", dc.name, name,
                     dc.clock, or_dash(dc.clocks_per_s, "{:.1f}"), or_dash(dc.objective, "{:.4f}"),
                     or_dash(dc.loss, "{:.4f}"), share({"compute"}), share({"push", "pull", "local_barrier"}),
                     share({"evaluation"}), share({"selective_barrier"}), share({"mirror_clock"}), held),
         waiting > kMuchWaiting ? Style::warning : Style::plain});
  }
  lines.push_back({""});
}

void add_links(const DeploymentView& view, std::vector<TopLine>& lines) {
  const std::size_t name = 2 * longest_name(view) + 4;
  lines.push_back({fmt::format("{:<{}} {:>10} {:>8} {:>8} {:>11} {:>10} {:>8}", "link", name, "MB in all",
                               "MB/s", "used", "round trip", "backlog", "behind"),
                   Style::heading});
  for (const LinkView& link : view.links) {
    const bool worth_a_look = link.utilization.value_or(0.0) > kFullLink || !link.present;
    lines.push_back({fmt::format("{:<{}} {:>10.2f} {:>8} {:>8} {:>8.0f} ms {:>10.0f} {:>8.0f}{}",
                                 fmt::format("{} -> {}", link.from, link.to), name, link.bytes / 1e6,
                                 link.bytes_per_s ? fmt::format("{:.3f}", *link.bytes_per_s / 1e6) : "-",
                                 percent(link.utilization), 1e3 * link.round_trip_s, link.backlog_entries,
                                 link.lag_clocks, link.present ? "" : "  gone on without it"),
                     worth_a_look ? Style::warning : Style::plain});
  }
}

}  // namespace

std::string sparkline(std::span<const double> values, std::size_t width, bool plain) {
  constexpr std::array<const char*, 8> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<const char*, 8> kAscii = {"_", ".", "-", "~", "=", "+", "*", "#"};
  const auto shown = values.subspan(values.size() - std::min(values.size(), width));
  if (shown.empty()) return {};
  const auto [least, most] = std::minmax_element(shown.begin(), shown.end());
  const double span = *most - *least;
  std::string text;
  for (const double value : shown) {
    const double height = span > 0.0 ? (value - *least) / span : 0.0;
    const auto step = static_cast<std::size_t>(std::clamp(height * 7.0 + 0.5, 0.0, 7.0));
    text += (plain ? kAscii : kBlocks).at(step);
  }
  return text;
}

std::vector<TopLine> top_lines(const DeploymentView& view, std::size_t width, bool plain) {
  std::vector<TopLine> lines;
  for (const std::string& fault : view.faults) lines.push_back({"FAULT  " + fault, Style::warning});
  for (const std::string& process : view.stuck)
    lines.push_back({process + " does not move: its figures are old", Style::warning});
  for (const std::string& address : view.unreachable)
    lines.push_back({fmt::format("{} does not answer", address), Style::warning});
  if (view.datacenters.empty()) return lines;
  add_summary(view, width, plain, lines);
  add_datacenters(view, lines);
  add_links(view, lines);
  // Names come from others: nothing of them reaches the terminal as a command.
  for (TopLine& line : lines) {
    for (char& c : line.text) {
      if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
    }
  }
  return lines;
}

}  // namespace meridian::program
