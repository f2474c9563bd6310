// What others report for a cell of an experiment, to stand beside ours.
#pragma once

#include <optional>
#include <string>

namespace meridian::sweep {

struct Published {
  std::optional<double> speed_up;     ///< the baseline's time over this one's
  std::optional<double> of_lan_time;  ///< this one's time over the LAN's
  std::string note;                   ///< why ours differs, where it does

  bool operator==(const Published&) const = default;
};

/// From how far apart on, as a share of the published figure, a reader is owed the reason.
inline constexpr double kOffByMuch = 0.25;

}  // namespace meridian::sweep
