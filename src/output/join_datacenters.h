// Makes one run's summary and timeline out of what each datacenter says of its own part, so that no process
// has to see everything while the run goes on. `meridian run` joins its children's parts, `meridian report`
// those of a deployment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/output/model_file.h"
#include "src/output/summary.h"
#include "src/output/timeline.h"

namespace meridian::output {

/// What one datacenter's first server left: a summary with one entry in `datacenters` and its own outgoing
/// links, its evaluations, and its replica where there was a drain.
struct DatacenterPart {
  Summary summary;
  std::vector<TimelineSample> timeline;
  std::optional<Model> model;
};

struct LinkRate {
  std::string from;
  std::string to;
  double bits_per_s = 0.0;
};

struct JoinedRun {
  Summary summary;
  std::vector<TimelineSample> timeline;
};

/// The whole run. `datacenters` names all that took part, in the order they are to appear; one without a part
/// makes the run a failed one. Times count from the earliest start (parts of a simulation start together).
/// The target is reached at the first evaluation clock at which every datacenter met it. `rates` gives the
/// links' utilization, null where a link is not among them. While running, two replicas differ by at most
/// what both hold back: the two largest sampled bounds are added up. An error says which parts do not belong
/// together.
Result<JoinedRun> join_datacenters(std::vector<DatacenterPart> parts,
                                   const std::vector<std::string>& datacenters,
                                   const std::vector<LinkRate>& rates);

/// The maximum over ordered pairs of replicas and tables of max|a - b| / max|a|, where 0 / 0 is 0; finite
/// however far they are apart. Nothing for fewer than two replicas. An error names a value that is not finite
/// by its table and the replica's position, or replicas of different tables.
Result<std::optional<double>> max_relative_difference(const std::vector<const Model*>& replicas);

}  // namespace meridian::output
