// meridian topics DIR: the words that each topic of a finished run has most often.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "src/output/model_file.h"
#include "src/output/run_folder.h"
#include "src/program/commands.h"
#include "src/program/run_setup.h"
#include "src/program/workload_parts.h"
#include "src/topics/top_words.h"
#include "src/workloads/make_workloads.h"

namespace meridian::program {
namespace {

int refuse(const std::string& message) {
  print_error(message);
  return kBadUsage;
}

/// The table of words and topics, if the model has one that fits.
const FloatBuffer* word_topic_of(const output::Model& model, std::size_t words, std::size_t topics) {
  for (std::size_t i = 0; i < model.tables.size(); ++i) {
    const TableSpec& table = model.tables[i];
    if (table.name == "word_topic" && table.rows == words && table.columns == topics) return &model.values[i];
  }
  return nullptr;
}

}  // namespace

int topics_command(const TopicsArguments& arguments) {
  const std::filesystem::path& folder = arguments.folder;
  const Result<Config> config = load_config({folder / output::kConfigFile, {}});
  if (!config) return refuse(config.error().message);
  if (config.value().workload.model.kind != "topics") {
    return refuse(fmt::format("{} holds a run of a {}; expected one of a topics model", folder.string(),
                              config.value().workload.model.kind));
  }
  const Result<output::Model> model = output::read_model(folder / output::kModelFile);
  if (!model) return refuse(model.error().message);
  const WorkloadOptions options = workload_options(config.value());
  const Result<std::vector<std::string>> vocabulary = vocabulary_of(options);
  if (!vocabulary) return refuse(vocabulary.error().message);
  const auto topics = static_cast<std::size_t>(options.numbers.at("topics"));
  const FloatBuffer* const counts = word_topic_of(model.value(), vocabulary.value().size(), topics);
  if (counts == nullptr) {
    return refuse(
        fmt::format("{}: no table word_topic of {} words and {} topics; are the documents still the same?",
                    (folder / output::kModelFile).string(), vocabulary.value().size(), topics));
  }

  std::vector<double> sizes(topics, 0.0);
  for (std::size_t i = 0; i < counts->size(); ++i) sizes[i % topics] += static_cast<double>((*counts)[i]);
  const double tokens = std::max(1.0, std::accumulate(sizes.begin(), sizes.end(), 0.0));
  std::vector<std::size_t> order(topics);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return sizes[a] > sizes[b]; });
  fmt::print("{:>5}  {:>6}  words\n", "topic", "share");
  for (const std::size_t topic : order) {
    std::vector<std::string> words;
    for (const std::uint32_t word : top_words(counts->span(), topics, topic, arguments.words))
      words.push_back(vocabulary.value()[word]);
    fmt::print("{:>5}  {:>5.1f}%  {}\n", topic, 100.0 * sizes[topic] / tokens, fmt::join(words, " "));
  }
  return kDone;
}

}  // namespace meridian::program
