// How a datacenter's replica is measured: each worker measures its part of the held-out data and each server
// adds its counters; the first server puts the parts together here, clock by clock.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "src/base/result.h"
#include "src/wire/message.h"

namespace meridian::datacenter {

class Scoreboard {
 public:
  /// All parts of one measurement.
  struct Measurement {
    Clock clock = 0;
    bool final = false;
    EvaluationSums sums;
    double train_loss_sum = 0.0;  ///< since the measurement before
    std::uint64_t train_samples = 0;
    Waits waits;           ///< summed over workers, from the beginning
    WorkTime work;         ///< the same
    ServerSample servers;  ///< counters summed over servers; the largest difference bound
  };

  /// `further_sums`: that every evaluation has.
  Scoreboard(std::size_t workers, std::size_t servers, std::size_t further_sums = 0)
      : workers_(workers), servers_(servers), further_sums_(further_sums) {}

  /// Errors: an index out of range, a part twice, a value that is not finite, too many measurements at once.
  Failure add(std::size_t worker, const EvaluationPart& part);
  Failure add(std::size_t server, const ServerSample& sample);

  /// The next measurement of which every part is here, if any; the earliest clock first.
  std::optional<Measurement> take_complete();

  /// Measurements begun and not yet taken.
  std::size_t open() const { return open_.size(); }

 private:
  // A worker is at most one evaluation ahead of another; another server's sample may be some clocks late.
  static constexpr std::size_t kMaxOpen = 64;

  struct Open {
    std::vector<std::optional<EvaluationPart>> parts;
    std::vector<std::optional<ServerSample>> samples;
  };

  Open* open_for(Clock clock, bool final);

  std::size_t workers_;
  std::size_t servers_;
  std::size_t further_sums_;
  std::map<std::pair<bool, Clock>, Open> open_;  // final ones last
};

}  // namespace meridian::datacenter
