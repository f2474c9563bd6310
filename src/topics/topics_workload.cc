#include "src/topics/topics_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "src/base/check.h"
#include "src/base/random.h"
#include "src/data/batch_order.h"
#include "src/data/shuffle.h"
#include "src/topics/assignments_state.h"
#include "src/topics/batch_index.h"
#include "src/topics/document_completion.h"
#include "src/topics/document_tokens.h"
#include "src/topics/joint_likelihood.h"
#include "src/topics/topic_sampler.h"

namespace meridian {
namespace {

constexpr double kSmallestPrior = 1e-6;
constexpr double kLargestPrior = 1e3;
constexpr std::uint64_t kMostTokensOfHeldOutDocument = 100'000'000;
constexpr double kLargestHeldOut = 0.9;

enum TableIndex : std::size_t { word_topic, topic, table_count };

// EvaluationSums::more.
enum MoreSum : std::size_t {
  words_log_likelihood,
  replica_tokens,
  documents_log_likelihood,
  own_tokens,
  more_count
};

std::vector<TableSpec> table_specs(std::size_t words, std::size_t topics) {
  return {{"word_topic", words, topics, true, UpdateRule::increment},
          {"topic", 1, topics, false, UpdateRule::increment}};
}

/// The corpus, with the documents that are trained on and the ones that are held out, both rising.
struct DividedCorpus {
  BagOfWords corpus;
  std::vector<std::uint32_t> train;
  std::vector<std::uint32_t> held_out;
};

// The same documents are held out whatever the run's seed, so that runs can be compared.
DividedCorpus divide(BagOfWords corpus, double held_out) {
  DividedCorpus divided;
  std::vector<std::uint32_t> order(corpus.documents());
  std::iota(order.begin(), order.end(), 0U);
  Random random(hash_text("held-out documents"));
  shuffle(random, order);
  const auto end =
      order.begin() + static_cast<std::ptrdiff_t>(held_out * static_cast<double>(corpus.documents()));
  divided.held_out.assign(order.begin(), end);
  divided.train.assign(end, order.end());
  std::sort(divided.held_out.begin(), divided.held_out.end());
  std::sort(divided.train.begin(), divided.train.end());
  divided.corpus = std::move(corpus);
  return divided;
}

class TopicsWorkload : public Workload {
 public:
  TopicsWorkload(TopicsOptions options, DividedCorpus data, Partition partition)
      : options_(std::move(options)),
        prior_{options_.topics, options_.alpha, options_.beta},
        data_(std::move(data)),
        partition_(std::move(partition)),
        tables_(table_specs(data_.corpus.words, options_.topics)),
        halves_(split_documents(data_.corpus, data_.held_out)),
        joint_(prior_, data_.corpus.words) {}

  const std::vector<TableSpec>& tables() const override { return tables_; }

  void fill_initial_values(std::size_t table, std::span<float> values) const override {
    MERIDIAN_CHECK(table < table_count && values.size() == tables_[table].size(), "{} values of table {}",
                   values.size(), table);
    std::fill(values.begin(), values.end(), 0.0F);
  }

  std::size_t samples_per_clock(WorkerPlace place) const override {
    return std::min(options_.batch, partition_.samples_of(place).size());
  }

  /// Document, word and count of each entry, four bytes each, as lines of a bag of words have them.
  std::optional<std::uint64_t> training_bytes(WorkerPlace place) const override {
    constexpr std::uint64_t kEntryBytes = 3 * sizeof(std::uint32_t);
    std::uint64_t bytes = 0;
    for (const std::uint32_t sample : partition_.samples_of(place)) {
      bytes += data_.corpus.words_of(data_.train[sample]).size() * kEntryBytes;
    }
    return bytes;
  }

  std::unique_ptr<Learner> make_learner(WorkerPlace place) const override;

  double objective(const EvaluationSums& sums) const override {
    return sums.samples == 0 ? 0.0 : sums.metric_sum / static_cast<double>(sums.samples);
  }

  const char* metric_name() const override { return "log_likelihood_per_token"; }
  bool larger_is_better() const override { return true; }

  std::size_t further_sums() const override { return more_count; }
  std::vector<NamedFigure> figures(const EvaluationSums& sums) const override {
    std::vector<NamedFigure> figures;
    if (sums.samples > 0) figures.push_back({"perplexity", std::exp(-objective(sums))});
    if (sums.more[replica_tokens] > 0.0 && sums.more[own_tokens] > 0.0) {
      figures.push_back({"train_log_likelihood_per_token",
                         sums.more[words_log_likelihood] / sums.more[replica_tokens] +
                             sums.more[documents_log_likelihood] / sums.more[own_tokens]});
    }
    return figures;
  }

  std::string note() const override {
    return fmt::format("{}{}{} training and {} held-out documents, {} words, {} tokens", options_.data_name,
                       options_.data_name.empty() ? "" : ": ", data_.train.size(), data_.held_out.size(),
                       data_.corpus.words, data_.corpus.tokens());
  }

 private:
  friend class TopicsLearner;

  TopicsOptions options_;
  TopicPrior prior_;
  DividedCorpus data_;
  Partition partition_;
  std::vector<TableSpec> tables_;
  DocumentHalves halves_;
  JointLikelihood joint_;
};

/// The positions in the corpus of a worker's documents. The partition is one of positions in `train`.
std::vector<std::uint32_t> documents_of(const Partition& partition, const std::vector<std::uint32_t>& train,
                                        WorkerPlace place) {
  std::vector<std::uint32_t> documents;
  for (const std::uint32_t sample : partition.samples_of(place)) documents.push_back(train[sample]);
  return documents;
}

std::vector<std::uint32_t> first_numbers(std::size_t count) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  return numbers;
}

class TopicsLearner : public Learner {
 public:
  TopicsLearner(const TopicsWorkload& workload, WorkerPlace place)
      : workload_(workload),
        place_(place),
        documents_(documents_of(workload.partition_, workload.data_.train, place)),
        tokens_(workload.data_.corpus, documents_),
        positions_(first_numbers(documents_.size())),
        batch_(workload.samples_per_clock(place)),
        order_(workload.options_.seed, workload.partition_.global_index(place), positions_, batch_.size()),
        index_(workload.data_.corpus.words),
        sampler_(workload.prior_, workload.data_.corpus.words, workload.options_.proposals),
        completion_(workload.prior_) {}

  void list_rows(Clock clock, std::size_t table, std::vector<std::uint32_t>& rows) override {
    MERIDIAN_CHECK(table == word_topic, "rows of table {}", table);
    index_batch(clock);
    rows.insert(rows.end(), index_.words().begin(), index_.words().end());
  }

  UpdateReport compute_update(Clock clock, TablesView parameters, TablesSpan update) override {
    MERIDIAN_CHECK(parameters.size() == table_count && update.size() == table_count,
                   "{} tables and {} updates", parameters.size(), update.size());
    if (indexed_clock_ != clock) index_batch(clock);
    const Random random = Random::for_parts(
        workload_.options_.seed, {hash_text("topics"), workload_.partition_.global_index(place_), clock});
    const double loss = sampler_.visit(
        index_, tokens_, {parameters[word_topic], parameters[topic], update[word_topic], update[topic]},
        random);
    // Visited they are: the same batch again would be another one.
    indexed_clock_ = 0;
    const auto visited = static_cast<double>(std::max<std::size_t>(1, index_.tokens().size()));
    return {batch_.size(), loss / visited * static_cast<double>(batch_.size())};
  }

  EvaluationSums evaluate(TablesView parameters) override {
    const std::size_t part = place_.worker;
    const std::size_t parts = workload_.options_.workers[place_.datacenter];
    const std::size_t topics = workload_.options_.topics;
    const std::size_t words = workload_.data_.corpus.words;
    const TopicWords topic_words(workload_.prior_, words, parameters[word_topic]);
    EvaluationSums sums;
    const std::size_t documents = workload_.data_.held_out.size();
    for (std::size_t i = documents * part / parts; i < documents * (part + 1) / parts; ++i) {
      sums.metric_sum += completion_.score(topic_words, workload_.halves_, i);
      const std::span<const std::uint32_t> counts = workload_.halves_.scored.counts_of(i);
      sums.samples = std::accumulate(counts.begin(), counts.end(), sums.samples);
    }
    sums.loss_sum = -sums.metric_sum;

    sums.more.assign(more_count, 0.0);
    const std::size_t first = words * part / parts;
    const std::size_t end = words * (part + 1) / parts;
    sums.more[words_log_likelihood] =
        workload_.joint_.of_rows(parameters[word_topic].subspan(first * topics, (end - first) * topics));
    if (part == 0) {
      const std::span<const double> totals = topic_words.totals();
      sums.more[words_log_likelihood] += workload_.joint_.of_totals(totals);
      sums.more[replica_tokens] = std::accumulate(totals.begin(), totals.end(), 0.0);
    }
    topic_counts_.resize(topics, 0);
    const JointLikelihood::Sum own = workload_.joint_.of_documents(tokens_, topic_counts_);
    sums.more[documents_log_likelihood] = own.log_likelihood;
    sums.more[own_tokens] = static_cast<double>(own.tokens);
    return sums;
  }

  void save_state(std::ostream& out) const override {
    write_assignments(tokens_, workload_.options_.topics, out);
  }
  Failure restore_state(std::istream& in) override {
    indexed_clock_ = 0;
    return read_assignments(in, workload_.options_.topics, tokens_);
  }

 private:
  void index_batch(Clock clock) {
    order_.fill_batch(clock, batch_);
    distinct_ = batch_;
    std::sort(distinct_.begin(), distinct_.end());
    distinct_.erase(std::unique(distinct_.begin(), distinct_.end()), distinct_.end());
    index_.build(tokens_, distinct_);
    indexed_clock_ = clock;
  }

  const TopicsWorkload& workload_;
  WorkerPlace place_;
  std::vector<std::uint32_t> documents_;  // in the corpus
  DocumentTokens tokens_;
  std::vector<std::uint32_t> positions_;  // of documents in documents_: all
  std::vector<std::uint32_t> batch_;
  BatchOrder order_;
  std::vector<std::uint32_t> distinct_;
  BatchIndex index_;
  Clock indexed_clock_ = 0;  // that index_ is for; 0 for none
  TopicSampler sampler_;
  DocumentCompletion completion_;
  std::vector<std::uint32_t> topic_counts_;
};

std::unique_ptr<Learner> TopicsWorkload::make_learner(WorkerPlace place) const {
  return std::make_unique<TopicsLearner>(*this, place);
}

Failure check_prior(const char* name, double value) {
  if (value >= kSmallestPrior && value <= kLargestPrior) return {};
  return Error{fmt::format("{} is {}; expected {} to {}", name, value, kSmallestPrior, kLargestPrior)};
}

Failure check_options(const TopicsOptions& options, const BagOfWords& documents) {
  if (options.topics == 0 || options.topics > kMostTopics) {
    return Error{fmt::format("topics is {}; expected 1 to {}", options.topics, kMostTopics)};
  }
  if (Failure failure = check_prior("alpha", options.alpha)) return failure;
  if (Failure failure = check_prior("beta", options.beta)) return failure;
  if (options.proposals == 0) return Error{"proposals is 0; expected at least 1"};
  if (options.batch == 0) return Error{"batch is 0; expected at least 1"};
  if (!(options.held_out >= 0.0 && options.held_out <= kLargestHeldOut)) {
    return Error{fmt::format("held_out is {}; expected 0 to {}", options.held_out, kLargestHeldOut)};
  }
  if (options.partition.kind == "overlap") {
    return Error{
        "partition is 'overlap'; expected random, contiguous or round_robin: a document's topics are "
        "kept in one place"};
  }
  if (documents.words == 0 || documents.words > std::numeric_limits<std::uint32_t>::max()) {
    return Error{fmt::format("a vocabulary of {} words; expected 1 to 2^32 - 1", documents.words)};
  }
  if (documents.documents() > std::numeric_limits<std::uint32_t>::max()) {
    return Error{fmt::format("{} documents; expected at most 2^32 - 1", documents.documents())};
  }
  return {};
}

// Of what is left to train on when the held-out documents are taken out.
PartitionOptions partition_options(const TopicsOptions& options, const DividedCorpus& data) {
  PartitionOptions partition = options.partition;
  partition.seed = options.seed;
  partition.workers = options.workers;
  auto next = data.held_out.begin();
  std::size_t end = 0;
  for (std::size_t& range : partition.ranges) {
    end += range;
    const auto last = std::find_if(next, data.held_out.end(), [&](std::uint32_t d) { return d >= end; });
    range -= static_cast<std::size_t>(last - next);
    next = last;
  }
  return partition;
}

// One worker's tokens are numbered in 32 bits; held-out documents are taken apart token by token.
Failure check_parts(const TopicsOptions& options, const DividedCorpus& data, const Partition& partition) {
  for (const std::uint32_t document : data.held_out) {
    const std::span<const std::uint32_t> counts = data.corpus.counts_of(document);
    const std::uint64_t tokens = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    if (tokens > kMostTokensOfHeldOutDocument) {
      return Error{fmt::format("{} tokens in held-out document {}; expected at most {}", tokens, document,
                               kMostTokensOfHeldOutDocument)};
    }
  }
  for (std::size_t datacenter = 0; datacenter < options.workers.size(); ++datacenter) {
    for (std::size_t worker = 0; worker < options.workers[datacenter]; ++worker) {
      std::uint64_t tokens = 0;
      for (const std::uint32_t document : documents_of(partition, data.train, {datacenter, worker})) {
        const std::span<const std::uint32_t> counts = data.corpus.counts_of(document);
        tokens = std::accumulate(counts.begin(), counts.end(), tokens);
      }
      if (tokens > kMostTokensOfWorker) {
        return Error{fmt::format("{} tokens for worker {} of datacenter {}; expected at most {}", tokens,
                                 worker, datacenter, kMostTokensOfWorker)};
      }
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Workload>> make_topics_workload(const TopicsOptions& options, BagOfWords documents) {
  if (Failure failure = check_options(options, documents)) return std::move(*failure);
  DividedCorpus data = divide(std::move(documents), options.held_out);
  Result<Partition> partition = Partition::make(partition_options(options, data), data.train.size());
  if (!partition) return partition.error();
  if (Failure failure = check_parts(options, data, partition.value())) return std::move(*failure);
  return std::unique_ptr<Workload>(
      std::make_unique<TopicsWorkload>(options, std::move(data), std::move(partition).value()));
}

}  // namespace meridian
