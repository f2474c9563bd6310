// What connections carry that send as much as they can, counted where it arrives.
#pragma once

#include <vector>

#include "experiments/precision/emulated_pairs.h"
#include "src/base/time.h"

namespace meridian::precision {

/// Bytes per second over all connections, in the window in which all of them were receiving, which lasts at
/// least `lasting` and begins `after` the last one's first arrival. It begins and ends with an arrival; the
/// one at its start belongs to the time before. The connections are no good afterwards.
double throughput(std::vector<Connection>& connections, Time lasting, Time after = Time{0});

/// The same for every connection by itself, all running at once.
std::vector<double> throughputs(std::vector<Connection>& connections, Time lasting, Time after = Time{0});

}  // namespace meridian::precision
