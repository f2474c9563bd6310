#include "src/topics/topic_sampler.h"

#include <algorithm>
#include <cmath>

#include "src/base/check.h"

namespace meridian {
namespace {

constexpr float kOneOver2To32 = 0x1.0p-32F;

std::uint32_t high_half(std::uint64_t bits) { return static_cast<std::uint32_t>(bits >> 32); }
std::uint32_t low_half(std::uint64_t bits) { return static_cast<std::uint32_t>(bits); }

/// Uniform in [0, 1], in steps of 2^-24 or less.
float unit(std::uint32_t bits) { return static_cast<float>(bits) * kOneOver2To32; }

}  // namespace

class TopicSampler::LogProduct {
 public:
  void multiply(float numerator, float denominator) {
    numerator_ *= static_cast<double>(numerator);
    denominator_ *= static_cast<double>(denominator);
    // Numerators are at least 1e-12 and denominators at most 1e22 for whatever fits into memory, so eight of
    // them do no harm.
    if (++factors_ == kMostFactors) flush();
  }
  double log() {
    flush();
    return log_;
  }

 private:
  static constexpr int kMostFactors = 8;

  void flush() {
    log_ += std::log(numerator_ / denominator_);
    numerator_ = denominator_ = 1.0;
    factors_ = 0;
  }

  double numerator_ = 1.0;
  double denominator_ = 1.0;
  double log_ = 0.0;
  int factors_ = 0;
};

TopicSampler::TopicSampler(const TopicPrior& prior, std::size_t vocabulary, std::size_t proposals)
    : topics_(prior.topics),
      vocabulary_(vocabulary),
      proposals_(proposals),
      alpha_(static_cast<float>(prior.alpha)),
      beta_(static_cast<float>(prior.beta)),
      rest_(prior.topics) {}

double TopicSampler::visit(const BatchIndex& index, DocumentTokens& tokens, TopicTables tables,
                           Random random) {
  const std::size_t words = index.words().size();
  MERIDIAN_CHECK(tables.word_topic.size() == words * topics_ && tables.topic.size() == topics_ &&
                     tables.word_topic_change.size() == words * topics_ &&
                     tables.topic_change.size() == topics_,
                 "{} counts and {} totals for {} words and {} topics", tables.word_topic.size(),
                 tables.topic.size(), words, topics_);
  open_documents(index, tokens);
  word_topics_.resize(index.most_of_one_word());
  std::fill(tables.topic_change.begin(), tables.topic_change.end(), 0.0F);
  LiveCounts totals(tables.topic.data(), tables.topic_change.data(), beta_ * static_cast<float>(vocabulary_));
  LogProduct probability;
  for (std::size_t i = 0; i < words; ++i) {
    Word word =
        open_word(index.tokens_of(i), tokens.topics(), tables.word_topic.subspan(i * topics_, topics_),
                  tables.word_topic_change.subspan(i * topics_, topics_));
    visit_word(word, totals, tokens.topics(), random, probability);
  }
  return -probability.log();
}

// Counts the topics of each document of the batch.
void TopicSampler::open_documents(const BatchIndex& index, const DocumentTokens& tokens) {
  std::size_t size = 0;
  for (const std::uint32_t document : index.documents()) {
    size += DocumentCounts::entries_for(tokens.length(document), topics_);
  }
  entries_.assign(size, 0);
  slots_.clear();
  std::span<std::uint32_t> left = entries_;
  for (const std::uint32_t document : index.documents()) {
    const std::size_t entries = DocumentCounts::entries_for(tokens.length(document), topics_);
    DocumentCounts counts(left.first(entries), topics_);
    left = left.subspan(entries);
    std::uint32_t assigned = 0;
    if (tokens.visited(document)) {
      for (const Topic topic : tokens.topics_of(document)) counts.add(topic);
      assigned = tokens.length(document);
    }
    slots_.push_back({tokens.first_token(document), assigned, counts});
  }
}

TopicSampler::Word TopicSampler::open_word(std::span<const BatchIndex::Token> tokens,
                                           std::span<const Topic> topics, std::span<const float> row,
                                           std::span<float> change) {
  std::size_t assigned = 0;
  for (; assigned < tokens.size(); ++assigned) {
    const Topic topic = topics[tokens[assigned].token];
    if (topic == kUnassigned) break;
    word_topics_[assigned] = topic;
  }
  // What is drawn from the row is what it has beside the batch's own tokens.
  std::fill(change.begin(), change.end(), 0.0F);
  for (std::size_t i = 0; i < assigned; ++i) change[word_topics_[i]] -= 1.0F;
  rest_.build(row, change);
  for (std::size_t i = 0; i < assigned; ++i) change[word_topics_[i]] += 1.0F;
  return {tokens, assigned, LiveCounts(row.data(), change.data(), beta_)};
}

// Topic k for n_k + beta of the word's other tokens.
Topic TopicSampler::propose_from_word(std::size_t self, std::size_t others, std::uint32_t bits) const {
  const float of_batch = static_cast<float>(others);
  const float smooth = beta_ * static_cast<float>(topics_);
  const float at = unit(bits) * (of_batch + rest_.sum() + smooth);
  if (at < of_batch) {
    const auto other = static_cast<std::size_t>(at);
    return word_topics_[other + static_cast<std::size_t>(other >= self)];
  }
  const float beyond = at - of_batch;
  if (beyond < rest_.sum()) return rest_.draw(beyond);
  return static_cast<Topic>(std::min(static_cast<std::size_t>((beyond - rest_.sum()) / beta_), topics_ - 1));
}

Topic TopicSampler::propose_from_document(const Slot& slot, std::uint32_t self, std::uint32_t others,
                                          const Topic* topics, std::uint32_t bits) const {
  const float of_document = static_cast<float>(others);
  const float at = unit(bits) * (of_document + alpha_ * static_cast<float>(topics_));
  if (at < of_document) {
    const auto other = static_cast<std::uint32_t>(at);
    return topics[slot.first_token + other + static_cast<std::uint32_t>(other >= self)];
  }
  return static_cast<Topic>(std::min(static_cast<std::size_t>((at - of_document) / alpha_), topics_ - 1));
}

void TopicSampler::visit_word(Word& word, LiveCounts& totals, std::span<Topic> topics, Random& random,
                              LogProduct& probability) {
  for (std::size_t i = 0; i < word.tokens.size(); ++i) {
    const auto [token, slot_index] = word.tokens[i];
    Slot& slot = slots_[slot_index];
    const std::uint32_t position = token - slot.first_token;
    Topic old = kUnassigned;
    Topic topic = kUnassigned;
    std::uint32_t old_place = 0;
    std::size_t others_of_word = word.assigned;
    std::uint32_t others_of_document = slot.assigned;
    if (i < word.assigned) {
      old = topic = word_topics_[i];
      old_place = slot.counts.find(old);
      slot.counts.decrement(old_place);
      word.counts.decrement(old);
      totals.decrement(old);
      --others_of_word;
      --others_of_document;
    } else {
      topic = propose_from_word(i, others_of_word, high_half(random.next()));
    }
    float of_document = 0.0F;
    for (std::size_t proposal = 0; proposal < proposals_; ++proposal) {
      std::uint64_t bits = random.next();
      Topic proposed =
          propose_from_document(slot, position, others_of_document, topics.data(), high_half(bits));
      if (unit(low_half(bits)) * word.counts.smoothed(topic) * totals.smoothed(proposed) <
          word.counts.smoothed(proposed) * totals.smoothed(topic)) {
        topic = proposed;
      }
      bits = random.next();
      proposed = propose_from_word(i, others_of_word, high_half(bits));
      of_document = static_cast<float>(slot.counts.count(topic)) + alpha_;
      const float proposed_of_document = static_cast<float>(slot.counts.count(proposed)) + alpha_;
      if (unit(low_half(bits)) * of_document * totals.smoothed(proposed) <
          proposed_of_document * totals.smoothed(topic)) {
        topic = proposed;
        of_document = proposed_of_document;
      }
    }
    probability.multiply(of_document * word.counts.smoothed(topic),
                         (static_cast<float>(others_of_document) + alpha_ * static_cast<float>(topics_)) *
                             totals.smoothed(topic));
    word.counts.increment(topic);
    totals.increment(topic);
    if (topic == old) {
      slot.counts.increment(old_place);
      continue;
    }
    if (old == kUnassigned) {
      ++slot.assigned;
      ++word.assigned;
    } else {
      slot.counts.erase_if_zero(old_place);
    }
    slot.counts.add(topic);
    word_topics_[i] = topics[token] = topic;
  }
}

}  // namespace meridian
