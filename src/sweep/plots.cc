#include "src/sweep/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace meridian::sweep {

namespace {

/// A tic's label is a format.
std::string as_tic(const std::string& label) {
  std::string escaped;
  for (const char c : label) escaped += c == '%' ? "%%" : std::string(1, c);
  return escaped;
}

constexpr double kMegabyte = 1e6;
constexpr int kWidth = 900;
constexpr int kLeastHeight = 420;
constexpr int kHeightOfOthers = 90;  // title, axes
constexpr int kHeightOfCell = 20;    // a line of the legend, or a bar

/// Lines that colours alone do not tell apart differ in their dashes too.
constexpr std::size_t kDashes = 5;

/// They differ for those too who see fewer colours (Okabe and Ito, 2008), but for yellow, which is too light
/// for a line.
constexpr std::array kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                 "#56b4e9", "#e69f00", "#000000", "#999999"};

std::string beginning(const std::string& file, std::size_t cells) {
  const int height = std::max(kLeastHeight, kHeightOfOthers + kHeightOfCell * static_cast<int>(cells));
  return fmt::format(
      "reset\n"
      "set terminal svg size {},{} noenhanced font 'sans-serif,13' background '#ffffff'\n"
      "set output ARG1.'/{}'\n"
      "set grid linecolor '#dddddd'\n"
      "set border 3\n"
      "set tics nomirror\n",
      kWidth, height, file);
}

std::string metric_of(const Results& results) {
  for (const CellResult& cell : results.cells) {
    if (!cell.runs.empty()) return cell.runs.front().objective.metric;
  }
  return "objective";
}

/// The objective over what `x` says of a point; points without a positive one are left out.
std::optional<Plot> curves(const Results& results, Plot plot, const std::string& settings,
                           double (*x)(const CurvePoint&)) {
  std::string data;
  std::string lines;
  std::size_t shown = 0;
  for (std::size_t i = 0; i < results.cells.size(); ++i) {
    const CellResult& cell = results.cells[i];
    std::string rows;
    for (const CurvePoint& point : cell.curve) {
      if (x(point) > 0.0 && std::isfinite(point.objective)) {
        rows += fmt::format("{} {}\n", x(point), point.objective);
      }
    }
    if (rows.empty()) continue;
    data += fmt::format("$cell{} << END\n{}END\n", i, rows);
    lines += fmt::format(
        "{}$cell{} using 1:2 with linespoints pointtype 7 pointsize 0.3 linewidth 2 linecolor rgb '{}' "
        "dashtype {} "
        "title {}",
        shown == 0 ? "" : ", \\\n  ", i, kColours[i % kColours.size()], i / kColours.size() % kDashes + 1,
        gnuplot_quoted(cell.label()));
    ++shown;
  }
  if (shown == 0) return std::nullopt;
  plot.script =
      fmt::format("{}{}{}set ylabel {}\nset key outside right top Left reverse\nplot {}\n",
                  beginning(plot.file, shown), data, settings, gnuplot_quoted(metric_of(results)), lines);
  return plot;
}

/// A bar for each cell: the median, with a whisker from the smallest to the largest value where all runs
/// reached the target.
std::optional<Plot> bars(const Results& results, Plot plot, const std::string& label,
                         std::optional<Spread> CellFigures::*value, double scale) {
  const std::vector<CellFigures> figures = figures_of(results);
  std::string boxes;
  std::string whiskers;
  std::string names;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    const CellResult& cell = results.cells[i];
    const std::optional<Spread>& spread = figures[i].*value;
    std::string name = cell.label();
    if (figures[i].target && figures[i].reached < cell.runs.size()) {
      name += figures[i].reached == 0
                  ? std::string(" (not reached)")
                  : fmt::format(" (reached in {} of {})", figures[i].reached, cell.runs.size());
    }
    // Horizontal bars from top to bottom, so that long labels can be read.
    const std::size_t row = figures.size() - i;
    names += fmt::format("{}{} {}", i == 0 ? "" : ", ", gnuplot_quoted(as_tic(name)), row);
    if (!spread || !std::isfinite(spread->median)) continue;
    boxes += fmt::format("0 {0} 0 {1} {0} {0}\n", row, spread->median / scale);
    if (std::isfinite(spread->most) && spread->least < spread->most) {
      whiskers += fmt::format("{} {} {} {}\n", spread->median / scale, row, spread->least / scale,
                              spread->most / scale);
    }
  }
  if (boxes.empty()) return std::nullopt;
  std::string lines = "$bars using 1:2:3:4:($5-0.35):($6+0.35) with boxxyerror linecolor rgb '#0072b2'";
  if (!whiskers.empty())
    lines += ", \\\n  $ranges using 1:2:3:4 with xerrorbars linecolor rgb '#000000' pointtype 0";
  plot.script = fmt::format(
      "{}$bars << END\n{}END\n{}set style fill solid 0.6 noborder\nset ytics ({})\nset yrange [0.4:{}.6]\n"
      "set xrange [0:*]\nset xlabel {}\nunset key\nplot {}\n",
      beginning(plot.file, figures.size()), boxes,
      whiskers.empty() ? "" : fmt::format("$ranges << END\n{}END\n", whiskers), names, figures.size(),
      gnuplot_quoted(label), lines);
  return plot;
}

}  // namespace

std::string gnuplot_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return quoted + "'";
}

std::vector<Plot> plots_of(const Results& results) {
  const std::vector<std::optional<Plot>> all = {
      curves(results,
             {"objective_over_time.svg",
              "The objective in the worst datacenter over time, one run of each cell.",
              {}},
             "set xlabel 'time in s'\n", [](const CurvePoint& point) { return point.time_s; }),
      curves(results,
             {"objective_over_bytes.svg",
              "The same over the bytes that all datacenters had sent to each other.",
              {}},
             "set xlabel 'MB between datacenters'\nset logscale x\n",
             [](const CurvePoint& point) { return static_cast<double>(point.wan_bytes) / kMegabyte; }),
      bars(results,
           {"time_to_target.svg",
            "Time until every datacenter had reached the target: the median over the seeds, and its range.",
            {}},
           "time to target in s", &CellFigures::time_to_target_s, 1.0),
      bars(results,
           {"bytes_to_target.svg", "Bytes between datacenters until then: the median, and its range.", {}},
           "MB to target", &CellFigures::bytes_to_target, kMegabyte),
  };
  std::vector<Plot> plots;
  for (const std::optional<Plot>& plot : all) {
    if (plot) plots.push_back(*plot);
  }
  return plots;
}

std::string plot_script(const std::vector<Plot>& plots) {
  std::string script =
      "# gnuplot -c THIS_FILE FOLDER draws the plots again into FOLDER.\nset encoding utf8\n";
  for (const Plot& plot : plots) script += "\n" + plot.script;
  return script + "unset output\n";
}

}  // namespace meridian::sweep
