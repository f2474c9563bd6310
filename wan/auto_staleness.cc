#include "wan/auto_staleness.h"

#include <algorithm>
#include <cmath>

namespace meridian::wan {
namespace {

constexpr double kWeightOfNewest = 0.1;
// What is that close above a whole number of clocks is that number: rounding alone asks for no further clock.
constexpr double kRounding = 1e-9;

}  // namespace

void AutoStaleness::clock_took(Time busy) {
  const double took = to_seconds(std::max(busy, Time(1)));
  clock_s_ = clock_s_ ? *clock_s_ + kWeightOfNewest * (took - *clock_s_) : took;
}

Clock AutoStaleness::clocks_needed(const Link& link) const {
  const double on_the_way_s = to_seconds(link.round_trip) / 2 + link.bytes_per_clock / link.bytes_per_s;
  const double clocks = std::ceil(on_the_way_s / *clock_s_ * (1 - kRounding));
  const bool makes_sense = link.round_trip >= Time(0) && link.bytes_per_clock >= 0 && link.bytes_per_s > 0;
  // Also false for what is not a number.
  const bool below_limit = clocks < static_cast<double>(most_);
  return makes_sense && below_limit ? static_cast<Clock>(clocks) : most_;
}

bool AutoStaleness::update(std::span<const Link> links) {
  if (!clock_s_) return false;
  Clock asked = 0;
  for (const Link& link : links) asked = std::max(asked, clocks_needed(link));

  if (asked >= ds_) {
    ds_ = asked;
    asked_less_ = 0;
    most_asked_since_ = 0;
  } else {
    most_asked_since_ = std::max(most_asked_since_, asked);
    if (++asked_less_ == kHold) {
      ds_ = most_asked_since_;
      asked_less_ = 0;
      most_asked_since_ = 0;
    }
  }
  const bool was_at_limit = at_limit_;
  if (asked >= most_ && !links.empty()) at_limit_ = true;
  // Who is near the limit does not get there anew with every figure.
  if (ds_ < most_) at_limit_ = false;
  return at_limit_ && !was_at_limit;
}

}  // namespace meridian::wan
