// The plots of a sweep, as scripts for gnuplot that hold their data.
#pragma once

#include <string>
#include <vector>

#include "src/sweep/results.h"

namespace meridian::sweep {

struct Plot {
  std::string file;     ///< the SVG that the script writes, in the folder that is its first argument
  std::string caption;  ///< what is to be seen, in a sentence
  std::string script;
};

/// Objective over time and over bytes, time and bytes to target: those for which there are figures. A line
/// or a bar for each cell.
std::vector<Plot> plots_of(const Results& results);

/// All of them in one script: `gnuplot -c SCRIPT FOLDER`.
std::string plot_script(const std::vector<Plot>& plots);

/// As gnuplot takes a text literally.
std::string gnuplot_quoted(const std::string& text);

}  // namespace meridian::sweep
