// Reads the metrics of several processes over HTTP, side by side.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "src/monitoring/text_format.h"

namespace meridian::program {

struct MetricsRead {
  std::vector<monitoring::Sample> samples;  ///< of all that answered
  std::vector<std::string> unreachable;     ///< addresses that did not, or not with metrics
};

/// `addresses` as "127.0.0.1:43210". Returns after at most a few times `longest`.
MetricsRead read_metrics(const std::vector<std::string>& addresses, std::chrono::milliseconds longest);

}  // namespace meridian::program
