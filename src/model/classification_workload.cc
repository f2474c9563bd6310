#include "src/model/classification_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/float_buffer.h"
#include "src/data/batch_order.h"
#include "src/data/generated_images.h"
#include "src/data/idx_reader.h"
#include "src/data/image_set.h"
#include "src/data/partition.h"
#include "src/math/elementwise.h"
#include "src/model/network.h"

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

class ClassificationWorkload : public Workload {
 public:
  ClassificationWorkload(const ClassificationOptions& options, ClassificationImages data, Network network,
                         Partition partition)
      : seed_(options.seed),
        batch_(options.batch),
        workers_(options.partition.workers),
        data_(std::move(data)),
        normalisation_(options.normalisation ? *options.normalisation : normalisation_of(data_.sets.train)),
        network_(std::move(network)),
        partition_(std::move(partition)) {}

  const std::vector<TableSpec>& tables() const override { return network_.tables(); }

  void fill_initial_values(std::size_t table, std::span<float> values) const override {
    network_.fill_initial_values(table, seed_, values);
  }

  std::size_t samples_per_clock(WorkerPlace place) const override {
    static_cast<void>(partition_.global_index(place));  // Checks that the place exists.
    return batch_;
  }

  /// A byte for each pixel and one for the label, as in IDX files.
  std::optional<std::uint64_t> training_bytes(WorkerPlace place) const override {
    return partition_.samples_of(place).size() * (data_.sets.train.pixels_per_image() + 1);
  }

  std::unique_ptr<Learner> make_learner(WorkerPlace place) const override;

  double objective(const EvaluationSums& sums) const override {
    return sums.samples == 0 ? 0.0 : sums.metric_sum / static_cast<double>(sums.samples);
  }

  const char* metric_name() const override { return "accuracy"; }
  bool larger_is_better() const override { return true; }
  std::string note() const override { return data_.note; }

 private:
  friend class ClassificationLearner;

  void normalise(std::span<const std::uint8_t> pixels, std::span<float> inputs) const {
    scale_bytes(pixels, normalisation_.scale, normalisation_.shift, inputs);
  }

  std::uint64_t seed_;
  std::size_t batch_;
  std::vector<std::size_t> workers_;  // of each datacenter
  ClassificationImages data_;
  Normalisation normalisation_;
  Network network_;
  Partition partition_;
};

/// Has no state of its own but the memory that it computes in.
class ClassificationLearner : public Learner {
 public:
  ClassificationLearner(const ClassificationWorkload& workload, WorkerPlace place)
      : workload_(workload),
        place_(place),
        order_(workload.seed_, workload.partition_, place, workload.batch_),
        samples_(workload.batch_),
        labels_(workload.batch_) {}

  UpdateReport compute_update(Clock clock, TablesView parameters, TablesSpan update) override {
    order_.fill_batch(clock, samples_);
    const ImageSet& train = workload_.data_.sets.train;
    const std::size_t batch = samples_.size();
    const Matrix inputs = input_block(batch);
    for (std::size_t i = 0; i < batch; ++i) {
      if (i + kImagesAhead < batch) prefetch(train.image(samples_[i + kImagesAhead]));
      const std::size_t sample = samples_[i];
      workload_.normalise(train.image(sample), {inputs.data + i * inputs.columns, inputs.columns});
      labels_[i] = train.labels[sample];
    }
    const CrossEntropy result =
        workload_.network_.compute_gradient(inputs, labels_, parameters, update, scratch_,
                                            {.seed = workload_.seed_, .place = place_, .clock = clock});
    return {batch, result.loss_sum};
  }

  /// Of all held-out images, the datacenter's workers share the work in equal parts.
  EvaluationSums evaluate(TablesView parameters) override {
    const std::size_t part = place_.worker;
    const std::size_t parts = workload_.workers_[place_.datacenter];
    const ImageSet& test = workload_.data_.sets.test;
    const std::size_t end = test.size() * (part + 1) / parts;
    EvaluationSums sums;
    for (std::size_t start = test.size() * part / parts; start < end; start += kEvaluationBlock) {
      const std::size_t count = std::min(kEvaluationBlock, end - start);
      const Matrix inputs = input_block(count);
      const std::size_t pixels = test.pixels_per_image();
      workload_.normalise(std::span(test.pixels).subspan(start * pixels, count * pixels),
                          {inputs.data, inputs.size()});
      const CrossEntropy block = workload_.network_.evaluate(
          inputs, std::span(test.labels).subspan(start, count), parameters, scratch_);
      sums += {static_cast<double>(block.correct), block.loss_sum, count};
    }
    return sums;
  }

 private:
  Matrix input_block(std::size_t rows) {
    const std::size_t size = rows * workload_.network_.inputs();
    if (inputs_.size() < size) inputs_ = FloatBuffer(size);
    return {inputs_.data(), rows, workload_.network_.inputs()};
  }

  const ClassificationWorkload& workload_;
  WorkerPlace place_;
  BatchOrder order_;
  std::vector<std::uint32_t> samples_;
  std::vector<std::uint8_t> labels_;
  FloatBuffer inputs_;
  NetworkScratch scratch_;
};

std::unique_ptr<Learner> ClassificationWorkload::make_learner(WorkerPlace place) const {
  return std::make_unique<ClassificationLearner>(*this, place);
}

Failure check_options(const ClassificationOptions& options) {
  if (options.batch == 0) return Error{"batch is 0; expected at least 1"};
  if (options.model != "softmax" && options.model != "mlp" && options.model != "cnn") {
    return Error{fmt::format("model kind is '{}'; expected softmax, mlp or cnn", options.model)};
  }
  if (options.model != "cnn" && !options.layers.empty()) {
    return Error{fmt::format("{} with {} described layers; expected none (cnn has them)", options.model,
                             options.layers.size())};
  }
  if (options.model != "mlp" && !options.hidden.empty()) {
    return Error{fmt::format("{} with {} hidden layers; expected none (mlp has them)", options.model,
                             options.hidden.size())};
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

Result<Network> make_network(const ClassificationOptions& options, const ImageSet& train) {
  if (options.model != "cnn")
    return Network::perceptron(train.pixels_per_image(), options.hidden, options.data.classes);
  Result<Network> network =
      Network::from_description(options.layers, {1, train.height, train.width}, options.data.classes);
  if (!network) return Error{fmt::format("workload.model.{}", network.error().message)};
  return network;
}

std::string count_of(const TrainAndTest& sets) {
  return fmt::format("{} training and {} held-out images of {} x {}", sets.train.size(), sets.test.size(),
                     sets.train.height, sets.train.width);
}

Result<ClassificationImages> generate(const ClassificationData& options, const std::string& why) {
  if (options.generated_train == 0 || options.generated_test == 0) {
    return Error{
        fmt::format("generated data of {} training and {} held-out samples; expected at least 1 of each",
                    options.generated_train, options.generated_test)};
  }
  if (options.classes != kGeneratedClasses) {
    return Error{
        fmt::format("{} classes in generated data; expected {}", options.classes, kGeneratedClasses)};
  }
  ClassificationImages data{
      generate_images(kGeneratedDataSeed, options.generated_train, options.generated_test), {}, {}};
  data.note = fmt::format("GENERATED data, not real images{}: {}", why, count_of(data.sets));
  return data;
}

// A pattern would match no folder and count as missing; what is meant is more than one folder.
Failure refuse_pattern(const std::filesystem::path& path) {
  if (path.string().find_first_of("*?[") == std::string::npos) return {};
  if (find_idx_files(path) != IdxPresence::none) return {};
  return Error{
      fmt::format("{}: no folder of this name has IDX files, and format idx takes no pattern; expected a "
                  "folder with train-images-idx3-ubyte and the three files that belong to it (a folder for "
                  "each datacenter: workload.data.paths)",
                  path.string())};
}

}  // namespace

Result<ClassificationImages> load_images(const ClassificationData& options) {
  if (options.format == "generated") return generate(options, "");
  if (options.format != "idx") {
    return Error{fmt::format("data format is '{}'; expected idx or generated", options.format)};
  }
  if (options.if_missing != "error" && options.if_missing != "generated") {
    return Error{fmt::format("if_missing is '{}'; expected error or generated", options.if_missing)};
  }
  if (options.path.empty()) return Error{"no folder of images; expected one"};
  if (Failure failure = refuse_pattern(options.path)) return *failure;
  const std::string name = options.path.filename().string();
  // Only where there is nothing at all: half a data set is a mistake to be told of, not to be replaced.
  const bool nothing = find_idx_files(options.path) == IdxPresence::none;
  if (options.if_missing == "generated" && nothing)
    return generate(options, fmt::format(" ({} is not on this machine)", name));
  Result<TrainAndTest> sets = read_idx_folder(options.path, options.classes);
  if (!sets) return sets.error();
  ClassificationImages data;
  data.sets = std::move(sets).value();
  data.source_sizes = {data.sets.train.size()};
  data.note = fmt::format("{}: {}", name, count_of(data.sets));
  return data;
}

Result<std::unique_ptr<Workload>> make_classification_workload(const ClassificationOptions& options) {
  if (Failure failure = check_options(options)) return std::move(*failure);
  Result<ClassificationImages> images = load_images(options.data);
  if (!images) return images.error();
  return make_classification_workload(options, std::move(images).value());
}

Result<std::unique_ptr<Workload>> make_classification_workload(const ClassificationOptions& options,
                                                               ClassificationImages images) {
  if (Failure failure = check_options(options)) return std::move(*failure);
  const ImageSet& train = images.sets.train;
  const std::vector<std::uint32_t> labels(train.labels.begin(), train.labels.end());
  Result<Partition> partition = Partition::make(options.partition, PartitionSamples{train.size(), labels});
  if (!partition) return partition.error();
  Result<Network> network = make_network(options, train);
  if (!network) return network.error();
  return std::unique_ptr<Workload>(std::make_unique<ClassificationWorkload>(
      options, std::move(images), std::move(network).value(), std::move(partition).value()));
}

}  // namespace meridian
