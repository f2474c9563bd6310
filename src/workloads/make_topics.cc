#include <fmt/format.h>

#include <utility>

#include "src/data/bag_of_words_reader.h"
#include "src/data/generated_documents.h"
#include "src/topics/topics_workload.h"
#include "src/workloads/make_workloads.h"

namespace meridian {
namespace {

Result<BagOfWords> documents_of(const WorkloadData& data) {
  if (!is_generated(data)) return read_bag_of_words(data.sources(), data.vocabulary);
  const auto number = [&](std::string_view key) { return data.generated.find(key)->second; };
  GeneratedDocumentsOptions options;
  options.seed = kGeneratedSeed;
  options.documents = static_cast<std::size_t>(number("documents"));
  options.words = static_cast<std::size_t>(number("words"));
  options.topics = static_cast<std::size_t>(number("topics"));
  options.mean_length = number("mean_length");
  options.alpha = number("alpha");
  options.beta = number("beta");
  Result<GeneratedDocuments> generated = generate_documents(options);
  if (!generated) return generated.error();
  return std::move(generated).value().train;
}

}  // namespace

Result<std::vector<std::string>> vocabulary_of(const WorkloadOptions& options) {
  Result<BagOfWords> documents = documents_of(options.data);
  if (!documents) return documents.error();
  return std::move(documents).value().vocabulary;
}

Result<std::unique_ptr<Workload>> make_topics(const WorkloadOptions& options) {
  Result<BagOfWords> documents = documents_of(options.data);
  if (!documents) return documents.error();
  if (static_cast<double>(documents.value().documents()) * options.data.held_out < 1.0) {
    return Error{
        fmt::format("workload.data.held_out is {}, of {} documents; expected at least one to measure with",
                    options.data.held_out, documents.value().documents())};
  }
  TopicsOptions made;
  made.topics = static_cast<std::size_t>(options.numbers.at("topics"));
  made.alpha = options.numbers.at("alpha");
  made.beta = options.numbers.at("beta");
  made.proposals = static_cast<std::size_t>(options.numbers.at("proposals"));
  made.seed = options.seed;
  made.workers = options.partition.workers;
  made.partition = partition_of(options, documents.value().source_sizes);
  made.batch = options.batch;
  made.held_out = options.data.held_out;
  made.data_name = note_of(options.data, "documents");
  return make_topics_workload(made, std::move(documents).value());
}

}  // namespace meridian
