#include "src/sweep/results.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/base/check.h"
#include "src/output/cost.h"

namespace meridian::sweep {

namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr const char* kNothing = "-";

std::string shown(double value, const char* unit, double scale, int digits) {
  if (!std::isfinite(value)) return "not reached";
  const double scaled = value / scale;
  // Small amounts keep the digits that tell them apart.
  return fmt::format("{:.{}f}{}", scaled, digits >= 0 ? digits : (std::fabs(scaled) < 10.0 ? 2 : 1), unit);
}

std::string shown(const std::optional<Spread>& spread, const char* unit, double scale = 1.0,
                  int digits = -1) {
  if (!spread) return kNothing;
  std::string text = shown(spread->median, unit, scale, digits);
  if (spread->least == spread->most) return text;
  return fmt::format("{} [{}–{}]", text, shown(spread->least, "", scale, digits),
                     shown(spread->most, "", scale, digits));
}

std::string times(const std::optional<double>& ratio) {
  return ratio ? fmt::format("{:.2f}x", *ratio) : kNothing;
}

/// The currency of all runs' costs, or nothing where one has none or another.
std::string common_currency(const std::vector<output::Summary>& runs) {
  std::string currency;
  for (const output::Summary& run : runs) {
    if (!run.cost || (!currency.empty() && currency != run.cost->currency)) return {};
    currency = run.cost->currency;
  }
  return currency;
}

std::string shown_cost(const std::optional<Spread>& spread, const std::string& currency) {
  if (!spread) return kNothing;
  const auto amount = [](double value, const std::string& unit) {
    return std::isfinite(value) ? output::amount_text(value, unit) : std::string("not reached");
  };
  const std::string text = amount(spread->median, currency);
  const std::string least = amount(spread->least, "");
  const std::string most = amount(spread->most, "");
  // A range that does not show is none to show.
  return least == most ? text : fmt::format("{} [{}–{}]", text, least, most);
}

double or_never(const std::optional<std::uint64_t>& count) {
  return count ? static_cast<double>(*count) : kNever;
}

CellFigures own_figures(const CellResult& cell) {
  CellFigures figures;
  std::vector<double> finals;
  std::vector<double> times_s;
  std::vector<double> clocks;
  std::vector<double> bytes;
  std::vector<double> payload;
  std::vector<double> all_bytes;
  std::vector<double> costs;
  std::vector<double> all_costs;
  figures.currency = common_currency(cell.runs);
  for (const output::Summary& run : cell.runs) {
    figures.metric = run.objective.metric;
    figures.target = run.objective.target;
    all_bytes.push_back(static_cast<double>(run.wan.bytes_sent));
    if (run.objective.final) finals.push_back(*run.objective.final);
    if (run.cost && run.cost->in_all.total) all_costs.push_back(*run.cost->in_all.total);
    if (!run.objective.target) continue;
    if (run.objective.time_to_target_s) ++figures.reached;
    times_s.push_back(run.objective.time_to_target_s.value_or(kNever));
    clocks.push_back(or_never(run.objective.clocks_to_target));
    bytes.push_back(or_never(run.wan.bytes_to_target));
    payload.push_back(or_never(run.wan.payload_bytes_to_target));
    if (!run.objective.time_to_target_s) {
      costs.push_back(kNever);
    } else if (run.cost && run.cost->to_target.total) {
      costs.push_back(*run.cost->to_target.total);
    }
  }
  figures.final_objective = spread_of(std::move(finals));
  figures.time_to_target_s = spread_of(std::move(times_s));
  figures.clocks_to_target = spread_of(std::move(clocks));
  figures.bytes_to_target = spread_of(std::move(bytes));
  figures.payload_to_target = spread_of(std::move(payload));
  figures.bytes_sent = spread_of(std::move(all_bytes));
  // Of some runs alone it would be another figure than that of the others.
  if (!figures.currency.empty() && all_costs.size() == cell.runs.size()) {
    figures.cost_in_all = spread_of(std::move(all_costs));
    if (costs.size() == cell.runs.size()) figures.cost_to_target = spread_of(std::move(costs));
  }
  return figures;
}

/// The median time to target of `of` over that of `over`.
std::optional<double> time_ratio(const CellFigures& of, const CellFigures& over) {
  if (of.metric != over.metric || of.target != over.target) return std::nullopt;
  if (!of.time_to_target_s || !over.time_to_target_s) return std::nullopt;
  const double numerator = of.time_to_target_s->median;
  const double denominator = over.time_to_target_s->median;
  if (!std::isfinite(numerator) || !std::isfinite(denominator) || denominator <= 0.0) return std::nullopt;
  return numerator / denominator;
}

template <typename T>
std::string or_empty(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : std::string();
}

output::CostAmounts cost_in_all(const output::Summary& run) {
  return run.cost ? run.cost->in_all : output::CostAmounts{};
}

/// A column of results.csv after those of the axes.
struct RunColumn {
  const char* heading;
  std::string (*cell)(const output::Summary&);
};

const std::vector<RunColumn>& run_columns() {
  using output::Summary;
  static const std::vector<RunColumn> all = {
      {"seed", [](const Summary& run) { return fmt::format("{}", run.seed); }},
      {"kind", [](const Summary& run) { return std::string(output::kind_word(run.mode)); }},
      {"stop_reason", [](const Summary& run) { return std::string(output::to_string(run.stop_reason)); }},
      {"metric", [](const Summary& run) { return run.objective.metric; }},
      {"objective_final", [](const Summary& run) { return or_empty(run.objective.final); }},
      {"target", [](const Summary& run) { return or_empty(run.objective.target); }},
      {"time_s", [](const Summary& run) { return fmt::format("{}", run.time_s); }},
      {"time_to_target_s", [](const Summary& run) { return or_empty(run.objective.time_to_target_s); }},
      {"clocks", [](const Summary& run) { return fmt::format("{}", run.clocks); }},
      {"clocks_to_target", [](const Summary& run) { return or_empty(run.objective.clocks_to_target); }},
      {"bytes_sent", [](const Summary& run) { return fmt::format("{}", run.wan.bytes_sent); }},
      {"data_bytes", [](const Summary& run) { return fmt::format("{}", run.wan.data_bytes); }},
      {"payload_bytes", [](const Summary& run) { return fmt::format("{}", run.wan.payload_bytes); }},
      {"bytes_to_target", [](const Summary& run) { return or_empty(run.wan.bytes_to_target); }},
      {"payload_bytes_to_target",
       [](const Summary& run) { return or_empty(run.wan.payload_bytes_to_target); }},
      {"entries_considered",
       [](const Summary& run) { return fmt::format("{}", run.wan.entries_considered); }},
      {"entries_sent", [](const Summary& run) { return fmt::format("{}", run.wan.entries_sent); }},
      {"waits_s_local_barrier", [](const Summary& run) { return or_empty(run.waits_s.local_barrier); }},
      {"waits_s_selective_barrier",
       [](const Summary& run) { return or_empty(run.waits_s.selective_barrier); }},
      {"waits_s_mirror_clock", [](const Summary& run) { return or_empty(run.waits_s.mirror_clock); }},
      {"currency", [](const Summary& run) { return run.cost ? run.cost->currency : std::string(); }},
      {"cost_machines", [](const Summary& run) { return or_empty(cost_in_all(run).machines); }},
      {"cost_transfer", [](const Summary& run) { return or_empty(cost_in_all(run).transfer); }},
      {"cost_in_all", [](const Summary& run) { return or_empty(cost_in_all(run).total); }},
      {"cost_to_target",
       [](const Summary& run) {
         return or_empty(run.cost ? run.cost->to_target.total : std::optional<double>());
       }},
  };
  return all;
}

/// The metric of all cells, where they have the same.
std::string common_metric(const std::vector<CellFigures>& figures) {
  std::string metric;
  for (const CellFigures& one : figures) {
    if (one.metric.empty()) continue;
    if (!metric.empty() && metric != one.metric) return {};
    metric = one.metric;
  }
  return metric;
}

}  // namespace

std::string label_of(const std::vector<std::string>& labels) {
  std::string text;
  for (const std::string& one : labels) text += (text.empty() ? "" : ", ") + one;
  return text;
}

std::optional<Spread> spread_of(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2.0;
  return Spread{median, values.front(), values.back()};
}

std::vector<CellFigures> figures_of(const Results& results) {
  std::vector<CellFigures> figures;
  for (const CellResult& cell : results.cells) figures.push_back(own_figures(cell));
  for (std::size_t i = 0; i < figures.size(); ++i) {
    const CellResult& cell = results.cells[i];
    for (const std::optional<std::size_t>& reference : {cell.baseline, cell.lan}) {
      MERIDIAN_CHECK(!reference || *reference < figures.size(), "{} of {}", *reference, figures.size());
    }
    if (cell.baseline) figures[i].speed_up = time_ratio(figures[*cell.baseline], figures[i]);
    if (cell.lan) figures[i].ratio_to_lan = time_ratio(figures[i], figures[*cell.lan]);
  }
  return figures;
}

namespace {

/// Where ours differ by much from what others report, and why.
void add_differences(const Results& results, std::vector<std::string>& notes) {
  const std::vector<CellFigures> figures = figures_of(results);
  for (std::size_t i = 0; i < figures.size(); ++i) {
    const CellResult& cell = results.cells[i];
    if (!cell.published) continue;
    std::vector<std::string> parts;
    const auto compare = [&](const char* what, const std::optional<double>& ours,
                             const std::optional<double>& theirs) {
      if (!ours || !theirs || std::fabs(*ours / *theirs - 1.0) <= kOffByMuch) return;
      parts.push_back(fmt::format("{} {:.2f} where {:.2f} is published ({:+.0f} %)", what, *ours, *theirs,
                                  (*ours / *theirs - 1.0) * 100.0));
    };
    compare("speed-up", figures[i].speed_up, cell.published->speed_up);
    compare("of LAN time", figures[i].ratio_to_lan, cell.published->of_lan_time);
    if (parts.empty()) continue;
    notes.push_back(fmt::format("{}: {}. {}", cell.label(), fmt::join(parts, ", "),
                                cell.published->note.empty() ? "No reason is given." : cell.published->note));
  }
}

}  // namespace

std::vector<std::string> notes_of(const Results& results) {
  std::vector<std::string> notes;
  for (const CellResult& cell : results.cells) {
    for (const output::Summary& run : cell.runs) {
      if (!run.cost) continue;
      std::string note = fmt::format("Prices of {} in {}: {}", run.cost->prices_dated, run.cost->currency,
                                     run.cost->prices_source);
      if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(std::move(note));
    }
  }
  add_differences(results, notes);
  notes.insert(notes.end(), results.notes.begin(), results.notes.end());
  return notes;
}

Table cell_table(const Results& results) {
  const std::vector<CellFigures> figures = figures_of(results);
  const bool has_costs =
      std::any_of(figures.begin(), figures.end(), [](const CellFigures& one) { return one.cost_in_all; });
  const bool has_published = std::any_of(results.cells.begin(), results.cells.end(),
                                         [](const CellResult& cell) { return cell.published.has_value(); });
  const std::string metric = common_metric(figures);
  constexpr int kObjectiveDigits = 4;
  constexpr double kMegabyte = 1e6;
  Table table;
  table.headings = results.axes;
  for (const std::string& heading :
       {std::string("runs"), "final " + (metric.empty() ? "objective" : metric),
        std::string("time to target"), std::string("clocks to target"), std::string("MB to target"),
        std::string("payload MB to target"), std::string("MB in all"), std::string("cost to target"),
        std::string("cost in all"), std::string("speed-up"), std::string("of LAN time")}) {
    if (has_costs || !heading.starts_with("cost")) table.headings.push_back(heading);
  }
  if (has_published) {
    table.headings.insert(table.headings.end(), {"published speed-up", "published of LAN time"});
  }
  for (std::size_t i = 0; i < figures.size(); ++i) {
    const CellResult& cell = results.cells[i];
    const CellFigures& one = figures[i];
    std::vector<std::string>& row = table.rows.emplace_back(cell.labels);
    const std::string runs = cell.runs.size() == cell.planned
                                 ? fmt::format("{}", cell.planned)
                                 : fmt::format("{} of {}", cell.runs.size(), cell.planned);
    row.push_back(cell.computed ? runs + " computed" : runs);
    const std::string unit = metric.empty() ? " " + one.metric : "";
    row.push_back(shown(one.final_objective, unit.c_str(), 1.0, kObjectiveDigits));
    row.push_back(shown(one.time_to_target_s, " s"));
    row.push_back(shown(one.clocks_to_target, "", 1.0, 0));
    row.push_back(shown(one.bytes_to_target, "", kMegabyte));
    row.push_back(shown(one.payload_to_target, "", kMegabyte));
    row.push_back(shown(one.bytes_sent, "", kMegabyte));
    if (has_costs) {
      row.push_back(shown_cost(one.cost_to_target, one.currency));
      row.push_back(shown_cost(one.cost_in_all, one.currency));
    }
    row.push_back(times(one.speed_up));
    row.push_back(times(one.ratio_to_lan));
    if (has_published) {
      const Published published = cell.published.value_or(Published{});
      row.push_back(times(published.speed_up));
      row.push_back(times(published.of_lan_time));
    }
  }
  return table;
}

Table run_table(const Results& results) {
  Table table;
  for (const std::string& axis : results.axes) table.headings.push_back("axis." + axis);
  for (const RunColumn& column : run_columns()) table.headings.emplace_back(column.heading);
  for (const CellResult& cell : results.cells) {
    for (const output::Summary& run : cell.runs) {
      std::vector<std::string>& row = table.rows.emplace_back(cell.labels);
      for (const RunColumn& column : run_columns()) row.push_back(column.cell(run));
    }
  }
  return table;
}

}  // namespace meridian::sweep
