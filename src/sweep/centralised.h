// The alternative to training in several regions: move all training data to one of them and train there. It
// is not run. Its row is computed from a run over a LAN, which is how the training would go, and from links,
// caps and prices, which say what moving the data takes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/config/config.h"
#include "src/output/summary.h"

namespace meridian::sweep {

inline constexpr double kMostDataGb = 1e9;

struct CentralisedQuestion {
  std::optional<std::string> region;  ///< without it the cheapest, or, where costs are not known, the soonest
  std::optional<double> data_gb;  ///< above 0, at most kMostDataGb: of all datacenters in 10^9 bytes; without
                                  ///< it what the runs trained on
};

struct CentralisedAnswer {
  std::string region;
  std::vector<output::Summary> runs;  ///< one for each run over the LAN: RunMode::computed
  std::string note;                   ///< what was moved and computed, in a sentence
};

/// `wan` has the links, caps and prices between the datacenters of `lan_runs`, which are runs over a LAN with
/// other seeds, at least one. Each datacenter sends its part straight to the region, all at once, over the
/// link that it has there: at its bandwidth or, with a trace, at the mean of it, within both caps; events and
/// loss play no part. Then the run over the LAN follows, with all machines in the region. With data_gb the
/// parts are as those that the runs trained on, or, where these are not known, as the numbers of workers.
///
/// A computed run's times are those of the LAN run after the movement, its bytes those that were moved, its
/// cost theirs at each sender's price, and all machines at the region's price for as long as training takes;
/// while data move, machines are not paid for.
///
/// Errors name what is missing: a region that is none, datacenters that differ, data of unknown size, a run
/// that did not end by target, clocks or time.
Result<CentralisedAnswer> centralise(const Config& wan, const std::vector<output::Summary>& lan_runs,
                                     const CentralisedQuestion& question);

/// The bandwidth of a link in the long run, in Mb/s: of a trace that repeats its mean, of one that does not
/// its last step.
double lasting_bandwidth_mbps(const LinkConfig& link);

}  // namespace meridian::sweep
