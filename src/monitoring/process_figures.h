// What the operating system says of this process, under the names that Prometheus' own clients give it.
#pragma once

#include "src/monitoring/metric_set.h"

namespace meridian::monitoring {

/// Adds process_cpu_seconds_total and its like; leaves out what cannot be read.
void add_process_figures(MetricSet& set);

}  // namespace meridian::monitoring
