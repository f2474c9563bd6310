#include "src/model/classification_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/check.h"
#include "src/base/float_buffer.h"
#include "src/data/batch_order.h"
#include "src/data/generated_images.h"
#include "src/data/idx_reader.h"
#include "src/data/image_set.h"
#include "src/data/partition.h"
#include "src/math/elementwise.h"
#include "src/model/network.h"
#include "src/model/scratch_pool.h"

namespace meridian {
namespace {

// A block of held-out rows that stays in the second-level cache with its activations.
constexpr std::size_t kEvaluationBlock = 500;

// The generated set is one fixed set, as a downloaded one would be: runs with other seeds still share it.
constexpr std::uint64_t kGeneratedDataSeed = 20;

// A batch's images lie all over memory: one is fetched while these many before it are worked on.
constexpr std::size_t kImagesAhead = 2;

constexpr std::size_t kLargestHidden = std::size_t{1} << 20;

void prefetch(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kLine = 64;
  for (std::size_t at = 0; at < bytes.size(); at += kLine) __builtin_prefetch(bytes.data() + at);
}

struct Scratch {
  std::vector<std::uint32_t> samples;
  std::vector<std::uint8_t> labels;
  FloatBuffer inputs;
  NetworkScratch network;
};

struct DescribedData {
  TrainAndTest sets;
  std::string note;
};

class ClassificationWorkload : public Workload {
 public:
  ClassificationWorkload(const ClassificationOptions& options, DescribedData data, Network network,
                         Partition partition)
      : seed_(options.seed),
        batch_(options.batch),
        data_(std::move(data)),
        normalisation_(normalisation_of(data_.sets.train)),
        network_(std::move(network)),
        partition_(std::move(partition)) {
    for (std::size_t datacenter = 0; datacenter < options.workers.size(); ++datacenter) {
      for (std::size_t worker = 0; worker < options.workers[datacenter]; ++worker) {
        const WorkerPlace place{datacenter, worker};
        orders_.push_back(std::make_unique<BatchOrder>(seed_, partition_.global_index(place),
                                                       partition_.samples_of(place), batch_));
      }
    }
  }

  const std::vector<TableSpec>& tables() const override { return network_.tables(); }

  void fill_initial_values(std::size_t table, std::span<float> values) const override {
    network_.fill_initial_values(table, seed_, values);
  }

  std::size_t samples_per_clock(WorkerPlace place) const override {
    static_cast<void>(partition_.global_index(place));  // Checks that the place exists.
    return batch_;
  }

  GradientReport compute_gradient(WorkerPlace place, Clock clock, TablesView parameters,
                                  TablesSpan gradient) const override {
    const auto scratch = scratch_.borrow();
    scratch->samples.resize(batch_);
    orders_[partition_.global_index(place)]->fill_batch(clock, scratch->samples);
    const ImageSet& train = data_.sets.train;
    const Matrix inputs = input_block(*scratch, batch_);
    scratch->labels.resize(batch_);
    for (std::size_t i = 0; i < batch_; ++i) {
      if (i + kImagesAhead < batch_) prefetch(train.image(scratch->samples[i + kImagesAhead]));
      const std::size_t sample = scratch->samples[i];
      normalise(train.image(sample), {inputs.data + i * inputs.columns, inputs.columns});
      scratch->labels[i] = train.labels[sample];
    }
    const CrossEntropy result =
        network_.compute_gradient(inputs, scratch->labels, parameters, gradient, scratch->network);
    return {batch_, result.loss_sum};
  }

  EvaluationSums evaluate(std::size_t part, std::size_t parts, TablesView parameters) const override {
    MERIDIAN_CHECK(part < parts, "part {} of {}", part, parts);
    const ImageSet& test = data_.sets.test;
    const std::size_t end = test.size() * (part + 1) / parts;
    const auto scratch = scratch_.borrow();
    EvaluationSums sums;
    for (std::size_t start = test.size() * part / parts; start < end; start += kEvaluationBlock) {
      const std::size_t count = std::min(kEvaluationBlock, end - start);
      const Matrix inputs = input_block(*scratch, count);
      const std::size_t pixels = test.pixels_per_image();
      normalise(std::span(test.pixels).subspan(start * pixels, count * pixels), {inputs.data, inputs.size()});
      const CrossEntropy block = network_.evaluate(inputs, std::span(test.labels).subspan(start, count),
                                                   parameters, scratch->network);
      sums += {static_cast<double>(block.correct), block.loss_sum, count};
    }
    return sums;
  }

  double objective(const EvaluationSums& sums) const override {
    return sums.samples == 0 ? 0.0 : sums.metric_sum / static_cast<double>(sums.samples);
  }

  const char* metric_name() const override { return "accuracy"; }
  bool larger_is_better() const override { return true; }
  std::string note() const override { return data_.note; }

 private:
  Matrix input_block(Scratch& scratch, std::size_t rows) const {
    const std::size_t size = rows * network_.inputs();
    if (scratch.inputs.size() < size) scratch.inputs = FloatBuffer(size);
    return {scratch.inputs.data(), rows, network_.inputs()};
  }

  void normalise(std::span<const std::uint8_t> pixels, std::span<float> inputs) const {
    scale_bytes(pixels, normalisation_.scale, normalisation_.shift, inputs);
  }

  std::uint64_t seed_;
  std::size_t batch_;
  DescribedData data_;
  Normalisation normalisation_;
  Network network_;
  Partition partition_;
  std::vector<std::unique_ptr<BatchOrder>> orders_;  // of each worker; they point into partition_
  mutable ScratchPool<Scratch> scratch_;
};

Failure check_options(const ClassificationOptions& options) {
  if (options.batch == 0) return Error{"batch is 0; expected at least 1"};
  if (options.model != "softmax" && options.model != "mlp") {
    return Error{fmt::format("model kind is '{}'; expected softmax or mlp", options.model)};
  }
  if (options.model == "softmax" && !options.hidden.empty()) {
    return Error{
        fmt::format("softmax with {} hidden layers; expected none (mlp has them)", options.hidden.size())};
  }
  if (options.model == "mlp" && options.hidden.empty()) {
    return Error{"mlp without hidden layers; expected at least one width (softmax has none)"};
  }
  for (const std::size_t width : options.hidden) {
    if (width == 0 || width > kLargestHidden) {
      return Error{fmt::format("hidden layer of width {}; expected 1 to {}", width, kLargestHidden)};
    }
  }
  const std::size_t classes = options.data.classes;
  if (classes < 2 || classes > 256) return Error{fmt::format("{} classes; expected 2 to 256", classes)};
  return {};
}

std::string count_of(const TrainAndTest& sets) {
  return fmt::format("{} training and {} held-out images of {} x {}", sets.train.size(), sets.test.size(),
                     sets.train.height, sets.train.width);
}

Result<DescribedData> generate(const ClassificationData& options, const std::string& why) {
  if (options.generated_train == 0 || options.generated_test == 0) {
    return Error{
        fmt::format("generated data of {} training and {} held-out samples; expected at least 1 of each",
                    options.generated_train, options.generated_test)};
  }
  if (options.classes != kGeneratedClasses) {
    return Error{
        fmt::format("{} classes in generated data; expected {}", options.classes, kGeneratedClasses)};
  }
  DescribedData data{generate_images(kGeneratedDataSeed, options.generated_train, options.generated_test),
                     {}};
  data.note = fmt::format("GENERATED data, not real images{}: {}", why, count_of(data.sets));
  return data;
}

Result<DescribedData> load(const ClassificationData& options) {
  if (options.format == "generated") return generate(options, "");
  if (options.format != "idx") {
    return Error{fmt::format("data format is '{}'; expected idx or generated", options.format)};
  }
  if (options.if_missing != "error" && options.if_missing != "generated") {
    return Error{fmt::format("if_missing is '{}'; expected error or generated", options.if_missing)};
  }
  // Only where there is nothing at all: half a data set is a mistake to be told of, not to be replaced.
  if (options.if_missing == "generated" && find_idx_files(options.path) == IdxPresence::none) {
    return generate(options, fmt::format(" ({} is not on this machine)", options.path.filename().string()));
  }
  Result<TrainAndTest> sets = read_idx_folder(options.path, options.classes);
  if (!sets) return sets.error();
  DescribedData data{std::move(sets).value(), {}};
  data.note = fmt::format("{}: {}", options.path.filename().string(), count_of(data.sets));
  return data;
}

}  // namespace

Result<std::unique_ptr<Workload>> make_classification_workload(const ClassificationOptions& options) {
  if (Failure failure = check_options(options)) return std::move(*failure);
  Result<DescribedData> data = load(options.data);
  if (!data) return data.error();
  const ImageSet& train = data.value().sets.train;
  Result<Partition> partition =
      Partition::make({options.data.partition, options.seed, options.workers}, train.size());
  if (!partition) return partition.error();
  Network network = Network::perceptron(train.pixels_per_image(), options.hidden, options.data.classes);
  return std::unique_ptr<Workload>(std::make_unique<ClassificationWorkload>(
      options, std::move(data).value(), std::move(network), std::move(partition).value()));
}

}  // namespace meridian
