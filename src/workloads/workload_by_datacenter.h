// The workload of a run in which each datacenter has its own data, which no process elsewhere reads: a
// workload over each datacenter's data alone, and one before them that looks as any other. A process of a run
// has only its own datacenter's; a simulation has all, each made as the datacenter itself would make it.
#pragma once

#include <cstddef>
#include <optional>

#include "src/base/result.h"
#include "src/workloads/workload_options.h"

namespace meridian {

/// Reads `options.data.paths`: of datacenter `own`, or of all. Its `contents` are what the kind says that all
/// datacenters' data must have in common and that no key says. Every worker, also of a datacenter that is not
/// read, covers `options.batch` samples at a clock.
///
/// Errors, besides the kind's: datacenters whose `contents` differ; a worker with too little data for its
/// batch. Requires paths, and an `own` that is among them.
Result<MadeWorkload> make_workload_by_datacenter(const WorkloadOptions& options,
                                                 std::optional<std::size_t> own);

}  // namespace meridian
