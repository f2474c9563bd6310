#include "src/output/comparison_table.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "src/output/cost.h"

namespace meridian::output {

namespace {

constexpr const char* kNothing = "-";

/// A column: its heading, whether its cells are numbers (aligned to the right), a row's cell, and which rows
/// make it worth its place; without that it is always there.
struct Column {
  std::string heading;
  bool number = false;
  std::string (*cell)(const ComparisonRow&) = nullptr;
  bool (*applies)(const ComparisonRow&) = nullptr;
};

std::string or_nothing(const std::optional<double>& value, fmt::format_string<const double&> format) {
  return value ? fmt::format(format, *value) : kNothing;
}

/// Names come from files that anyone may have written: what would steer the terminal does not reach it.
std::string printable(const std::string& text) {
  if (text.empty()) return kNothing;
  std::string shown = text;
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return shown;
}

std::string cost_cell(const ComparisonRow& row, const std::optional<double>& cost) {
  return cost ? printable(amount_text(*cost, row.currency)) : kNothing;
}

/// Small amounts keep the digits that tell them apart.
std::string megabytes(double value) { return fmt::format("{:.{}f}", value, value < 10.0 ? 2 : 1); }

const std::vector<Column>& all_columns() {
  static const std::vector<Column> all = {
      {"run", false, [](const ComparisonRow& row) { return printable(row.name); }},
      {"mode", false, [](const ComparisonRow& row) { return printable(row.wan_mode); }},
      {"links", false, [](const ComparisonRow& row) { return printable(row.links); }},
      {"kind", false, [](const ComparisonRow& row) { return std::string(kind_word(row.mode)); }},
      {"clocks", true, [](const ComparisonRow& row) { return fmt::format("{}", row.clocks); }},
      {"training", true, [](const ComparisonRow& row) { return fmt::format("{:.1f} s", row.time_s); }},
      {"to target", true,
       [](const ComparisonRow& row) {
         if (row.target && !row.time_to_target_s) return std::string("not reached");
         return or_nothing(row.time_to_target_s, "{:.1f} s");
       }},
      {"MB to target", true,
       [](const ComparisonRow& row) {
         return row.wan_mb_to_target ? megabytes(*row.wan_mb_to_target) : std::string(kNothing);
       }},
      {"MB in all", true, [](const ComparisonRow& row) { return megabytes(row.wan_mb_total); }},
      {"cost to target", true, [](const ComparisonRow& row) { return cost_cell(row, row.cost_to_target); },
       [](const ComparisonRow& row) { return row.cost_to_target.has_value(); }},
      {"cost in all", true, [](const ComparisonRow& row) { return cost_cell(row, row.cost_in_all); },
       [](const ComparisonRow& row) { return row.cost_in_all.has_value(); }},
      {"entries sent", true,
       [](const ComparisonRow& row) {
         if (!row.entries_sent_share) return std::string(kNothing);
         return fmt::format("{:.2f} %", *row.entries_sent_share * 100.0);
       }},
      {"final", true,
       [](const ComparisonRow& row) {
         if (!row.final_objective) return std::string(kNothing);
         return fmt::format("{:.4f} {}", *row.final_objective, printable(row.metric));
       }},
      {"speed-up", true, [](const ComparisonRow& row) { return or_nothing(row.speed_up, "{:.2f}x"); }},
      {"of LAN time", true, [](const ComparisonRow& row) { return or_nothing(row.ratio_to_lan, "{:.2f}x"); }},
      {"stopped by", false, [](const ComparisonRow& row) { return std::string(to_string(row.stop_reason)); }},
  };
  return all;
}

std::vector<Column> columns_of(const std::vector<ComparisonRow>& rows) {
  std::vector<Column> columns;
  for (const Column& column : all_columns()) {
    if (column.applies == nullptr || std::ranges::any_of(rows, column.applies)) columns.push_back(column);
  }
  return columns;
}

/// Characters, not bytes: names may hold letters outside ASCII.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t width, bool to_the_right) {
  const std::string space(width - width_of(text), ' ');
  return to_the_right ? space + text : text + space;
}

std::string line_of(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                    const std::vector<Column>& columns) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += "  ";
    line += padded(cells[i], widths[i], columns[i].number);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

/// The time to target of `of` over that of `over`, where both reached the same target.
std::optional<double> time_ratio(const Summary& of, const Summary& over) {
  if (of.objective.metric != over.objective.metric || of.objective.target != over.objective.target) return {};
  if (!of.objective.time_to_target_s || !over.objective.time_to_target_s) return {};
  if (*over.objective.time_to_target_s <= 0.0) return {};
  return *of.objective.time_to_target_s / *over.objective.time_to_target_s;
}

}  // namespace

std::vector<ComparisonRow> compare_runs(const std::vector<ComparedRun>& runs,
                                        const ComparisonReferences& references) {
  for (const std::optional<std::size_t>& reference : {references.baseline, references.lan}) {
    MERIDIAN_CHECK(!reference || *reference < runs.size(), "{} of {}", *reference, runs.size());
  }
  constexpr double kMegabyte = 1e6;
  std::vector<ComparisonRow> rows;
  for (const ComparedRun& run : runs) {
    const Summary& summary = run.summary;
    ComparisonRow row;
    row.name = run.label.empty() ? summary.name : run.label;
    row.mode = summary.mode;
    row.wan_mode = summary.wan_mode;
    row.links = run.links;
    row.stop_reason = summary.stop_reason;
    row.clocks = summary.clocks;
    row.time_s = summary.time_s;
    row.metric = summary.objective.metric;
    row.target = summary.objective.target;
    row.time_to_target_s = summary.objective.time_to_target_s;
    if (summary.wan.bytes_to_target) {
      row.wan_mb_to_target = static_cast<double>(*summary.wan.bytes_to_target) / kMegabyte;
    }
    row.wan_mb_total = static_cast<double>(summary.wan.bytes_sent) / kMegabyte;
    if (summary.wan.entries_considered > 0) {
      row.entries_sent_share =
          static_cast<double>(summary.wan.entries_sent) / static_cast<double>(summary.wan.entries_considered);
    }
    row.final_objective = summary.objective.final;
    if (references.baseline) row.speed_up = time_ratio(runs[*references.baseline].summary, summary);
    if (references.lan) row.ratio_to_lan = time_ratio(summary, runs[*references.lan].summary);
    if (summary.cost) {
      row.currency = summary.cost->currency;
      row.cost_to_target = summary.cost->to_target.total;
      row.cost_in_all = summary.cost->in_all.total;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string comparison_text(const std::vector<ComparisonRow>& rows) {
  const std::vector<Column> columns = columns_of(rows);
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : columns) lines.front().push_back(column.heading);
  for (const ComparisonRow& row : rows) {
    std::vector<std::string>& cells = lines.emplace_back();
    for (const Column& column : columns) cells.push_back(column.cell(row));
  }
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const std::vector<std::string>& cells : lines) {
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], width_of(cells[i]));
  }
  std::string text;
  for (const std::vector<std::string>& cells : lines) text += line_of(cells, widths, columns);
  return text;
}

std::string comparison_json(const std::vector<ComparisonRow>& rows) {
  using Json = nlohmann::ordered_json;
  const auto or_null = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  Json list = Json::array();
  for (const ComparisonRow& row : rows) {
    list.push_back(Json{{"name", row.name},
                        {"mode", to_string(row.mode)},
                        {"wan_mode", row.wan_mode},
                        {"links", row.links},
                        {"stop_reason", to_string(row.stop_reason)},
                        {"clocks", row.clocks},
                        {"time_s", row.time_s},
                        {"metric", row.metric},
                        {"target", or_null(row.target)},
                        {"time_to_target_s", or_null(row.time_to_target_s)},
                        {"wan_mb_to_target", or_null(row.wan_mb_to_target)},
                        {"wan_mb_total", row.wan_mb_total},
                        {"entries_sent_share", or_null(row.entries_sent_share)},
                        {"final_objective", or_null(row.final_objective)},
                        {"speed_up", or_null(row.speed_up)},
                        {"ratio_to_lan", or_null(row.ratio_to_lan)},
                        {"currency", row.currency.empty() ? Json(nullptr) : Json(row.currency)},
                        {"cost_to_target", or_null(row.cost_to_target)},
                        {"cost_in_all", or_null(row.cost_in_all)}});
  }
  return list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace meridian::output
