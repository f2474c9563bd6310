// What a datacenter's silence means, by policy: the run stops, everybody waits, or the others go on without
// it until it is heard again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/base/time.h"

namespace meridian::wan {

enum class SilencePolicy : std::uint8_t { stop, wait, go_on };

/// "stop", "wait" or "continue": as in the configuration.
constexpr const char* to_string(SilencePolicy policy) {
  return policy == SilencePolicy::stop ? "stop" : policy == SilencePolicy::wait ? "wait" : "continue";
}

/// Pure: no I/O, clock or thread.
class Absences {
 public:
  struct Options {
    SilencePolicy policy = SilencePolicy::stop;
    Time silence{std::chrono::seconds(30)};  ///< after which a neighbour counts as silent
    Time wait{std::chrono::seconds(600)};    ///< beyond that, with the policy wait
  };

  enum class Verdict : std::uint8_t {
    as_before,
    silent,    ///< for the first time since it was last heard: it is waited for
    left,      ///< from now on the others go on without it
    returned,  ///< it takes part again
    too_long,  ///< the run ends
  };

  Absences(Options options, std::size_t neighbours) : options_(options), states_(neighbours) {}

  const Options& options() const { return options_; }

  /// To be called now and then for each neighbour that still owes a sign of life.
  Verdict look(std::size_t neighbour, Time silent_for) {
    State& state = states_.at(neighbour);
    if (state.for_good) return Verdict::as_before;
    if (silent_for < options_.silence) {
      state.noticed = false;
      if (!state.left) return Verdict::as_before;
      state.left = false;
      return Verdict::returned;
    }
    if (options_.policy == SilencePolicy::stop) return Verdict::too_long;
    if (options_.policy == SilencePolicy::wait && silent_for >= options_.silence + options_.wait) {
      return Verdict::too_long;
    }
    if (state.noticed) return Verdict::as_before;
    state.noticed = true;
    if (options_.policy == SilencePolicy::wait) return Verdict::silent;
    state.left = true;
    return Verdict::left;
  }

  /// It will not be taken back.
  void leave_for_good(std::size_t neighbour) {
    states_.at(neighbour).left = true;
    states_.at(neighbour).for_good = true;
  }

  /// The others go on without it.
  bool has_left(std::size_t neighbour) const { return states_.at(neighbour).left; }
  bool has_left_for_good(std::size_t neighbour) const { return states_.at(neighbour).for_good; }

 private:
  struct State {
    bool noticed = false;
    bool left = false;
    bool for_good = false;
  };

  Options options_;
  std::vector<State> states_;
};

}  // namespace meridian::wan
