// The links as a merge sees them, during one event of a mirror. Only mirror*.cc include this.
#pragma once

#include "wan/mirror.h"

namespace meridian::wan {

/// The links as the merge sees them, during one event.
class Mirror::Links final : public Outlets {
 public:
  Links(Mirror& mirror, Time now, Actions& actions) : mirror_(mirror), now_(now), actions_(actions) {}

  void offer(std::size_t neighbour, Clock clock, const Selection& selection) override {
    mirror_.offer(now_, neighbour, clock, selection, /*due=*/true, actions_);
  }
  void withhold(std::size_t neighbour, Clock clock, const Selection& selection) override {
    mirror_.offer(now_, neighbour, clock, selection, /*due=*/false, actions_);
  }
  double threshold_scale(std::size_t neighbour) const override {
    return mirror_.threshold_scales_[neighbour];
  }

 private:
  Mirror& mirror_;
  Time now_;
  Actions& actions_;
};

}  // namespace meridian::wan
