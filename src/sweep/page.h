// The page of a sweep: its tables and plots in one file that needs nothing else.
#pragma once

#include <string>
#include <vector>

#include "src/sweep/results.h"

namespace meridian::sweep {

struct Picture {
  std::string caption;
  std::string svg;  ///< the content of an SVG file
};

/// HTML that loads nothing from elsewhere and runs no script. `note` stands above the pictures where it is
/// not empty.
std::string page_html(const Results& results, const std::vector<Picture>& pictures, const std::string& note);

}  // namespace meridian::sweep
