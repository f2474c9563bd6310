// The modes by name. A mode is a preset of the four choices (what, when, wait, merge) and their parameters; a
// new one is a line in the table of mode.cc and, where a choice is new, one new class.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "wan/merge.h"
#include "wan/wait.h"
#include "wan/what.h"
#include "wan/when.h"

namespace meridian::wan {

struct ModeParameters {
  double v0 = 0.01;
  std::string schedule = "inverse_sqrt";
  Clock ds = 0;
  Clock h = 1;
};

/// What a merge is made for.
struct MergePlace {
  datacenter::ParameterStore* store = nullptr;
  std::size_t own = 0;             ///< this datacenter's position
  std::vector<std::size_t> order;  ///< all datacenters' positions, by name
};

struct Mode {
  std::unique_ptr<What> what;
  std::unique_ptr<When> when;
  std::unique_ptr<Wait> wait;
  std::unique_ptr<Merge> merge;
};

/// Errors name the key, the value and what was expected.
Result<Mode> make_mode(const std::string& name, const ModeParameters& parameters, const MergePlace& place);

/// "gaia", "bsp", ...
std::vector<std::string> mode_names();

}  // namespace meridian::wan
