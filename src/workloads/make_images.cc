#include <fmt/format.h>

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
  made.data.path = data.path;
  made.data.if_missing = data.generate_if_missing ? "generated" : "error";
  made.data.generated_train = data.generated_train;
  made.data.generated_test = data.generated_test;
  if (!data.shared.empty()) {
    made.normalisation = normalisation_by(data.shared.at("mean"), data.shared.at("deviation"));
  }
  made.seed = options.seed;
  made.batch = options.batch;
  Result<ClassificationImages> images = load_images(made.data);
  if (!images) return images.error();
  const TrainAndTest& sets = images.value().sets;
  made.partition = partition_of(options, sets.train.size());
  MadeWorkload result;
  if (data.datacenter) {
    result.contents = fmt::format("images of {} x {}", sets.train.height, sets.train.width);
  } else if (!images.value().source_sizes.empty()) {
    result.contents = digest_of(sets, images.value().source_sizes);
  } else if (data.format != "generated") {
    result.contents = "generated";
  }
  Result<std::unique_ptr<Workload>> workload = make_classification_workload(made, std::move(images).value());
  if (!workload) return workload.error();
  result.workload = std::move(workload).value();
  return result;
}

}  // namespace meridian
