#include <utility>

#include "src/data/data_digest.h"
#include "src/model/classification_workload.h"
#include "src/workloads/make_workloads.h"

namespace meridian {

Result<MadeWorkload> make_images(const WorkloadOptions& options) {
  const WorkloadData& data = options.data;
  ClassificationOptions made;
  made.model = options.kind;
  made.hidden = options.hidden;
  made.layers = options.layers;
  made.data.format = data.format;
  for (const std::string& source : data.sources()) made.data.paths.emplace_back(source);
  made.data.if_missing = data.generate_if_missing ? "generated" : "error";
  made.data.generated_train = data.generated_train;
  made.data.generated_test = data.generated_test;
  made.partition = options.partition;
  made.partition_by_paths = !data.paths.empty();
  made.seed = options.seed;
  made.batch = options.batch;
  Result<ClassificationImages> images = load_images(made.data);
  if (!images) return images.error();
  MadeWorkload result;
  if (!images.value().source_sizes.empty()) {
    result.contents = digest_of(images.value().sets, images.value().source_sizes);
  } else if (data.format != "generated") {
    result.contents = "generated";
  }
  Result<std::unique_ptr<Workload>> workload = make_classification_workload(made, std::move(images).value());
  if (!workload) return workload.error();
  result.workload = std::move(workload).value();
  return result;
}

}  // namespace meridian
