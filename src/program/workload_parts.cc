#include "src/program/workload_parts.h"

namespace meridian::program {

LearningRate learning_rate_of(const OptimizerConfig& optimizer) {
  const LearningRateScheduleConfig& schedule = optimizer.schedule;
  LearningRateOptions options{.name = schedule.name, .warm_up = schedule.warm_up};
  options.every = schedule.every.value_or(options.every);
  options.factor = schedule.factor.value_or(options.factor);
  options.clocks = schedule.clocks.value_or(options.clocks);
  options.final = schedule.final_ratio.value_or(options.final);
  return LearningRate::make(options).value();
}

OptimizerOptions optimizer_of(const OptimizerConfig& optimizer) {
  return {.name = optimizer.name,
          .learning_rate = optimizer.learning_rate,
          .momentum = optimizer.momentum,
          .schedule = learning_rate_of(optimizer),
          .weight_decay = optimizer.weight_decay,
          .clip_value = optimizer.clip_value,
          .beta1 = optimizer.beta1,
          .beta2 = optimizer.beta2,
          .epsilon = optimizer.epsilon,
          .decay = optimizer.decay};
}

namespace {

/// How samples go to datacenters and workers.
PartitionOptions partition_options(const Config& config) {
  const PartitionConfig& partition = config.workload.data.partition;
  PartitionOptions options;
  options.kind = partition.workers;
  options.seed = config.seed;
  options.between_datacenters = partition.datacenters;
  options.label_skew = partition.label_skew;
  options.concentration = partition.concentration;
  options.overlap = partition.overlap;
  for (const DatacenterConfig& datacenter : config.datacenters) {
    options.workers.push_back(datacenter.workers);
    if (!partition.sizes.empty()) options.sizes.push_back(partition.sizes.at(datacenter.name));
  }
  return options;
}

}  // namespace

WorkloadOptions workload_options(const Config& config) {
  const WorkloadConfig& workload = config.workload;
  const DataConfig& data = workload.data;
  WorkloadOptions options;
  options.kind = workload.model.kind;
  options.numbers = {workload.model.numbers.begin(), workload.model.numbers.end()};
  options.words = {workload.model.words.begin(), workload.model.words.end()};
  options.hidden = workload.model.hidden;
  for (const LayerConfig& layer : workload.model.layers) {
    options.layers.push_back(
        {layer.kind, layer.outputs, layer.kernel, layer.stride, layer.padding, layer.rate, layer.groups});
  }
  options.data.format = data.format;
  options.data.path = data.path.string();
  for (const DatacenterConfig& datacenter : config.datacenters) {
    if (!data.paths.empty())
      options.data.paths.push_back({datacenter.name, data.paths.at(datacenter.name).string()});
  }
  options.data.held_out_path = data.held_out_path.string();
  options.data.vocabulary = data.vocabulary.string();
  options.data.generate_if_missing = data.if_missing == "generated";
  options.data.held_out = data.held_out.value_or(0.0);
  options.data.shared = {data.shared.begin(), data.shared.end()};
  options.data.generated = {data.generated.begin(), data.generated.end()};
  options.data.generated_train = data.generated_train;
  options.data.generated_test = data.generated_test;
  options.partition = partition_options(config);
  options.seed = config.seed;
  options.batch = workload.batch;
  options.rate_at = [optimizer = optimizer_of(workload.optimizer)](Clock clock) {
    return optimizer.rate_at(clock);
  };
  return options;
}

}  // namespace meridian::program
