// How the one-way delay of a link varies around its mean: jitter. It is a function of time, with a new draw
// in every slot of a millisecond, so that all that crosses a link at one moment is delayed alike, however it
// is cut into pieces and whoever asks.
#pragma once

#include <cstdint>
#include <vector>

#include "src/base/time.h"

namespace meridian {

/// A value that copies; immutable.
class DelayVariation {
 public:
  enum class Kind : std::uint8_t {
    none,
    uniform,  ///< evenly from -width to width
    normal,   ///< mean 0, standard deviation width, cut off at four of them
    recorded  ///< one of the samples, drawn evenly
  };

  struct Options {
    Kind kind = Kind::none;
    Time width{0};                   ///< at least 0
    std::vector<Time> samples = {};  ///< of `recorded`: at least one

    bool operator==(const Options&) const = default;
  };

  static constexpr Time kSlot = std::chrono::milliseconds(1);

  DelayVariation() = default;
  DelayVariation(Options options, std::uint64_t seed);

  bool varies() const { return options_.kind != Kind::none; }

  /// What is added to the mean delay at `now`, which is at least 0. May be negative, never below least().
  Time at(Time now) const;

  /// The least that at() gives, at most 0, and the most, at least 0.
  Time least() const;
  Time most() const;

 private:
  Options options_;
  std::uint64_t seed_ = 0;
};

}  // namespace meridian
