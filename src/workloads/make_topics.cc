#include <fmt/format.h>

#include <utility>

#include "src/data/bag_of_words_reader.h"
#include "src/data/data_digest.h"
#include "src/data/generated_documents.h"
#include "src/topics/topics_workload.h"
#include "src/workloads/make_workloads.h"

namespace meridian {
namespace {

Result<BagOfWords> documents_of(const WorkloadData& data) {
  if (!is_generated(data)) return read_bag_of_words({data.path}, data.vocabulary);
  GeneratedDocumentsOptions options;
  options.seed = kGeneratedSeed;
  options.documents = data.generated_count("documents");
  options.words = data.generated_count("words");
  options.topics = data.generated_count("topics");
  options.mean_length = data.generated_number("mean_length");
  options.alpha = data.generated_number("alpha");
  options.beta = data.generated_number("beta");
  Result<GeneratedDocuments> generated = generate_documents(options);
  if (!generated) return generated.error();
  return std::move(generated).value().train;
}

}  // namespace

Result<std::vector<std::string>> vocabulary_of(const WorkloadOptions& options) {
  WorkloadData data = options.data;
  if (!data.paths.empty()) data.path = data.paths.front().path;
  Result<BagOfWords> documents = documents_of(data);
  // Of several paths, one that is here will do: all have the same words.
  for (std::size_t i = 1; i < data.paths.size() && !documents; ++i) {
    data.path = data.paths[i].path;
    documents = documents_of(data);
  }
  if (!documents) return documents.error();
  return std::move(documents).value().vocabulary;
}

Result<MadeWorkload> make_topics(const WorkloadOptions& options) {
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
  made.partition = partition_of(options, documents.value().documents());
  made.batch = options.batch;
  made.held_out = options.data.held_out;
  made.data_name = note_of(options.data, "documents");
  std::string digest;
  if (options.data.datacenter) {
    digest = fmt::format("a vocabulary of {} words, {}", documents.value().words,
                         digest_of_words(documents.value()));
  } else if (!is_generated(options.data)) {
    digest = digest_of(documents.value());
  }
  return made_from(options.data, std::move(digest), make_topics_workload(made, std::move(documents).value()));
}

}  // namespace meridian
