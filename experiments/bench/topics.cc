// How fast topics are sampled on one core: tokens per second for 100 to 10,000 topics and for small and large
// batches, and where the time goes. Rows of the table come and go whole, so beside it stands what it takes to
// read each of them once and to write each of them once, nothing else: "rows". What a visit takes beyond that
// is the sampler's. Arguments: other numbers of topics. Documents are those of the KOS blog where
// MERIDIAN_DATA has them, else generated ones of the same shape. Times are the processor's, so a busy machine
// changes them less.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "experiments/bench/wanted_instruction_set.h"
#include "src/data/bag_of_words_reader.h"
#include "src/data/generated_documents.h"
#include "src/topics/topics_workload.h"

namespace meridian {
namespace {

constexpr const char* kRow = "{:>7} {:>7} {:>10} {:>12} {:>12} {:>15} {:>15} {:>14} {:>12} {:>11}\n";

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

BagOfWords documents(std::string& name) {
  if (const char* const folder = std::getenv("MERIDIAN_DATA"); folder != nullptr) {
    Result<BagOfWords> kos = read_bag_of_words({(std::filesystem::path(folder) / "kos").string()});
    if (kos.ok()) {
      name = "kos";
      return std::move(kos).value();
    }
  }
  name = "GENERATED documents";
  GeneratedDocumentsOptions shape;
  shape.documents = 3430;
  shape.words = 6906;
  shape.topics = 100;
  shape.mean_length = 136.0;
  return generate_documents(shape).value().train;
}

struct Times {
  double list_rows = 0.0;
  double compute_update = 0.0;
  double rows_once = 0.0;
  double evaluate = 0.0;
  std::size_t clocks = 0;
  std::size_t rows = 0;
  double tokens = 0.0;
};

/// Trains for `epochs` and takes the times of the last one.
Times measure(const Workload& workload, std::size_t documents, double tokens, std::size_t epochs,
              double& objective) {
  const std::size_t topics = workload.tables()[0].columns;
  std::vector<float> word_topic(workload.tables()[0].size());
  std::vector<float> totals(topics);
  std::vector<float> change(totals.size());
  std::vector<float> pulled;
  std::vector<float> update;
  std::vector<std::uint32_t> rows;
  const auto learner = workload.make_learner({0, 0});
  const std::size_t batch = workload.samples_per_clock({0, 0});
  const std::size_t clocks = (documents + batch - 1) / batch;
  Times times;
  for (std::size_t clock = 1; clock <= epochs * clocks; ++clock) {
    if ((clock - 1) % clocks == 0) times = {};
    const double begin = processor_seconds();
    rows.clear();
    learner->list_rows(static_cast<Clock>(clock), 0, rows);
    times.list_rows += processor_seconds() - begin;
    pulled.resize(rows.size() * topics);
    update.resize(pulled.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(word_topic.data() + rows[i] * topics, topics, pulled.data() + i * topics);
    }
    const std::vector<std::span<const float>> parameters{pulled, totals};
    const std::vector<std::span<float>> updates{update, change};
    const double middle = processor_seconds();
    learner->compute_update(static_cast<Clock>(clock), parameters, updates);
    times.compute_update += processor_seconds() - middle;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t k = 0; k < topics; ++k) word_topic[rows[i] * topics + k] += update[i * topics + k];
    }
    for (std::size_t k = 0; k < topics; ++k) totals[k] += change[k];
    const double applied = processor_seconds();
    std::transform(pulled.begin(), pulled.end(), update.begin(), [](float count) { return -count; });
    times.rows_once += processor_seconds() - applied;
    times.rows += rows.size();
    ++times.clocks;
  }
  times.tokens = tokens * static_cast<double>(times.clocks * batch) / static_cast<double>(documents);
  const double begin = processor_seconds();
  objective = workload.objective(learner->evaluate(std::vector<std::span<const float>>{word_topic, totals}));
  times.evaluate = processor_seconds() - begin;
  return times;
}

int measure_all(const std::vector<std::size_t>& topic_counts) {
  std::string name;
  const BagOfWords corpus = documents(name);
  fmt::print("{}: {} documents, {} words, {} tokens\n", name, corpus.documents(), corpus.words,
             corpus.tokens());
  fmt::print(kRow, "topics", "batch", "proposals", "Mtokens/s", "tokens/row", "list_rows ns/t",
             "visit ns/token", "rows ns/token", "evaluate ms", "held-out");
  for (const std::size_t topics : topic_counts) {
    for (const std::size_t batch : {100U, 1000U, 10000U}) {
      for (const std::size_t proposals : {1U, 4U}) {
        TopicsOptions options;
        options.topics = topics;
        options.alpha = 0.1 * 100.0 / static_cast<double>(topics);
        options.batch = batch;
        options.proposals = proposals;
        options.workers = {1};
        const auto made = make_topics_workload(options, corpus);
        if (!made) {
          fmt::print(stderr, "{}\n", made.error().message);
          return EXIT_FAILURE;
        }
        const Workload& workload = *made.value();
        // A tenth of the documents is held out.
        const std::size_t trained = corpus.documents() - corpus.documents() / 10;
        const double tokens = static_cast<double>(corpus.tokens()) * 0.9;
        double objective = 0.0;
        const Times times = measure(workload, trained, tokens, topics > 1000 ? 4 : 10, objective);
        const auto per_token = [&](double seconds) {
          return fmt::format("{:.1f}", 1e9 * seconds / times.tokens);
        };
        fmt::print(kRow, topics, workload.samples_per_clock({0, 0}), proposals,
                   fmt::format("{:.2f}", 1e-6 * times.tokens / (times.list_rows + times.compute_update)),
                   fmt::format("{:.1f}", times.tokens / static_cast<double>(times.rows)),
                   per_token(times.list_rows), per_token(times.compute_update), per_token(times.rows_once),
                   fmt::format("{:.1f}", 1e3 * times.evaluate), fmt::format("{:.4f}", objective));
        std::fflush(stdout);
      }
    }
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace meridian

int main(int count, char** arguments) {
  meridian::bench::require_wanted_instruction_set();
  std::vector<std::size_t> topics;
  for (int i = 1; i < count; ++i) topics.push_back(std::strtoul(arguments[i], nullptr, 10));
  if (topics.empty()) topics = {100, 1000, 10000};
  return meridian::measure_all(topics);
}
