// The registry of the four choices: each part by its name, and how it is made. A mode is four names and their
// parameters (the presets are data: src/config/mode_presets.cc). A new part is one class in a file of its own
// and one line in Registry::built_in().
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/optimizer/optimizer.h"
#include "wan/merge.h"
#include "wan/rounding.h"
#include "wan/significance_filter.h"
#include "wan/wait.h"
#include "wan/what.h"
#include "wan/when.h"

namespace meridian::wan {

/// A mode's parts by name.
struct ModeParts {
  std::string what = "significance_filter";
  std::string when = "every_h_clocks";
  std::string wait = "mirror_clock";
  std::string merge = "eager";
  bool selective_barrier = true;
};

struct ModeParameters {
  SignificanceFilter::Options filter = {};
  double share = 0.01;  ///< of a table's entries, by top_k
  /// Of a table's entries in an exchange's total, with the anchored merge; 1: totals go whole, unrounded.
  double total_share = 1.0;
  double momentum = 0.0;  ///< that what goes out owns; 0: none
  bool masking = true;    ///< what has gone out begins without velocity
  ValueFormat values = ValueFormat::fp32;
  RoundingMode rounding = RoundingMode::nearest;
  Encoding encoding = Encoding::compact;
  double soft_ratio = 1.0;      ///< the soft threshold as a share of the hard one; 1: none
  double soft_below = 0.5;      ///< link use below which a threshold sinks
  std::optional<Clock> ds = 0;  ///< nothing: as the links demand, ds_most at most
  Clock ds_most = 32;
  Clock h = 1;
  OptimizerOptions outer{"sgd", 1.0, 0.0};  ///< moves the anchor at each exchange
};

struct SoftThresholdOptions {
  double ratio = 1.0;
  double use_below = 0.5;
};

struct Mode {
  std::unique_ptr<What> what;
  std::unique_ptr<When> when;
  std::unique_ptr<Wait> wait;
  std::unique_ptr<Merge> merge;  ///< uses what and when
  bool selective_barrier = false;
  Encoding encoding = Encoding::compact;
  std::optional<SoftThresholdOptions> soft;
  std::optional<Clock> ds_most;  ///< where ds follows the links
};

struct Registry {
  template <typename Part, typename... More>
  using Makers = std::map<std::string, std::function<std::unique_ptr<Part>(const ModeParameters&, More...)>>;

  Makers<What> what;
  Makers<When> when;
  Makers<Wait> wait;
  Makers<Merge, MergePlace, What&, const When&> merge;

  /// All that Meridian brings.
  static Registry built_in();
};

/// Errors name the part, and the names there are.
Result<Mode> make_mode(const Registry& registry, const ModeParts& parts, const ModeParameters& parameters,
                       MergePlace place);

}  // namespace meridian::wan
