// What came out of a sweep, or of any finished runs that are to be compared: a few runs for each cell, and
// the figures of a cell over its seeds.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "src/output/summary.h"
#include "src/sweep/curve.h"
#include "src/sweep/published.h"
#include "src/sweep/table.h"

namespace meridian::sweep {

/// "gaia, 0.01".
std::string label_of(const std::vector<std::string>& labels);

struct CellResult {
  std::vector<std::string> labels;          ///< one for each axis
  std::vector<output::Summary> runs;        ///< those that finished, by seed
  std::size_t planned = 0;                  ///< how many were to finish
  std::vector<CurvePoint> curve;            ///< of the first of them
  std::optional<std::size_t> baseline;      ///< the cell that its speed-up is measured against
  std::optional<std::size_t> lan;           ///< the cell whose time is the LAN's
  std::optional<Published> published = {};  ///< what others report for it
  bool computed = false;                    ///< its runs were made from those of another cell

  std::string label() const { return label_of(labels); }
};

struct Results {
  std::string title;
  std::vector<std::string> axes;
  std::vector<CellResult> cells;
  std::vector<std::string> notes = {};  ///< what a reader must know of them, in sentences
};

/// The median over the seeds, with the smallest and the largest value. A run that never got there counts as
/// infinitely late, so that the median is finite only where most runs did.
struct Spread {
  double median = 0.0;
  double least = 0.0;
  double most = 0.0;

  bool operator==(const Spread&) const = default;
};

/// Nothing for no values. The median of an even number is the mean of the two in the middle.
std::optional<Spread> spread_of(std::vector<double> values);

/// A cell over its seeds; what does not apply is empty.
struct CellFigures {
  std::string metric;
  std::optional<double> target;
  std::size_t reached = 0;  ///< runs that reached the target
  std::optional<Spread> final_objective;
  std::optional<Spread> time_to_target_s;
  std::optional<Spread> bytes_to_target;
  std::optional<Spread> bytes_sent;
  std::string currency;                     ///< of the costs; empty where there are none or of several
  std::optional<Spread> cost_to_target;     ///< nothing where any run's cost is not known
  std::optional<Spread> cost_in_all;        ///< likewise
  std::optional<double> speed_up;           ///< the baseline's median time to target over this one's
  std::optional<double> ratio_to_lan;       ///< this one's median time to target over the LAN's
  std::optional<Spread> payload_to_target;  ///< bytes of updates alone
  std::optional<Spread> clocks_to_target;
};

/// One for each cell. A ratio exists only between cells whose medians reached the same target of the same
/// metric. Requires the references to be positions in `results.cells`.
std::vector<CellFigures> figures_of(const Results& results);

/// What stands below the tables: where prices are from, and the results' own notes.
std::vector<std::string> notes_of(const Results& results);

/// One row for each cell, for readers: results.md. Costs have columns where any cell has one.
Table cell_table(const Results& results);

/// One row for each run, with all digits, empty where a figure does not apply: results.csv.
Table run_table(const Results& results);

}  // namespace meridian::sweep
