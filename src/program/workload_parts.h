// From a configuration to what its workload and its optimizer are made of.
#pragma once

#include "src/config/config.h"
#include "src/optimizer/learning_rate.h"
#include "src/optimizer/optimizer.h"
#include "src/workloads/workload_options.h"

namespace meridian::program {

/// The configuration was checked when it was read.
LearningRate learning_rate_of(const OptimizerConfig& optimizer);
OptimizerOptions optimizer_of(const OptimizerConfig& optimizer);
WorkloadOptions workload_options(const Config& config);

}  // namespace meridian::program
