#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <utility>

#include "src/data/data_digest.h"
#include "src/data/generated_sparse_samples.h"
#include "src/data/libsvm_reader.h"
#include "src/logistic/logistic_workload.h"
#include "src/workloads/make_workloads.h"

namespace meridian {
namespace {

struct TrainAndTestSamples {
  SparseSamples train;
  SparseSamples test;
};

Result<TrainAndTestSamples> generate(const WorkloadData& data) {
  GeneratedSparseSamplesOptions options;
  options.seed = kGeneratedSeed;
  options.samples = data.generated_count("samples");
  options.held_out_samples = data.generated_count("held_out_samples");
  options.features = data.generated_count("features");
  options.features_per_sample = data.generated_number("features_per_sample");
  options.margin = data.generated_number("margin");
  Result<GeneratedSparseSamples> generated = generate_sparse_samples(options);
  if (!generated) return generated.error();
  GeneratedSparseSamples made = std::move(generated).value();
  return TrainAndTestSamples{std::move(made.train), std::move(made.held_out)};
}

Result<TrainAndTestSamples> read(const WorkloadData& data) {
  Result<SparseSamples> train = read_libsvm({data.path}, {.features = data.shared_count("features")});
  if (!train) return train.error();
  // Where nothing else is said, the held-out file of the same folders.
  const std::string& held_out = data.held_out_path.empty() ? data.path : data.held_out_path;
  Result<SparseSamples> test =
      read_libsvm({held_out}, {train.value().features, train.value().label_values, /*held_out=*/true});
  if (!test) return test.error();
  return TrainAndTestSamples{std::move(train).value(), std::move(test).value()};
}

}  // namespace

Result<MadeWorkload> make_logistic(const WorkloadOptions& options) {
  const WorkloadData& data = options.data;
  const bool generated = is_generated(data);
  if (!generated && data.held_out_path.empty() && !std::filesystem::is_directory(data.path)) {
    return Error{
        fmt::format("workload.data.{} {} is no folder, so it does not say which samples are held out; "
                    "expected a folder or "
                    "workload.data.held_out_path",
                    data.datacenter ? "paths:" : "path", data.path)};
  }
  Result<TrainAndTestSamples> samples = generated ? generate(data) : read(data);
  if (!samples) return samples.error();
  LogisticOptions made;
  made.l2 = options.numbers.at("l2");
  made.objective = options.words.at("objective");
  made.seed = options.seed;
  made.partition = partition_of(options, samples.value().train.size());
  made.batch = options.batch;
  made.note = note_of(data, "samples");
  TrainAndTestSamples& data_read = samples.value();
  std::string digest;
  if (data.datacenter) {
    digest = fmt::format("labels {}", fmt::join(data_read.train.label_values, ", "));
  } else if (!generated) {
    digest = digest_of(data_read.train, data_read.test);
  }
  return made_from(data, std::move(digest),
                   make_logistic_workload(made, std::move(data_read.train), std::move(data_read.test)));
}

}  // namespace meridian
