#include "src/topics/document_completion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "src/base/instruction_sets.h"
#include "src/base/random.h"
#include "src/data/shuffle.h"

namespace meridian {
namespace {

constexpr std::size_t kLanes = 16;

// ---- loops over plain arrays; sums go in lanes, so that vector units can do them in one fixed order

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, add_positive,
                                  (const float* __restrict row, double* __restrict sums, std::size_t size),
                                  (row, sums, size)) {
  for (std::size_t k = 0; k < size; ++k) sums[k] += static_cast<double>(row[k] > 0.0F ? row[k] : 0.0F);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, smooth,
                                  (const float* __restrict row, float beta, const float* __restrict inverse,
                                   float* __restrict probabilities, std::size_t size),
                                  (row, beta, inverse, probabilities, size)) {
  for (std::size_t k = 0; k < size; ++k) {
    probabilities[k] = ((row[k] > 0.0F ? row[k] : 0.0F) + beta) * inverse[k];
  }
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(float, dot,
                                  (const float* __restrict a, const float* __restrict b, std::size_t size),
                                  (a, b, size)) {
  std::array<float, kLanes> lanes{};
  std::size_t k = 0;
  for (; k + kLanes <= size; k += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[k + lane] * b[k + lane];
  }
  float sum = 0.0F;
  for (; k < size; ++k) sum += a[k] * b[k];
  for (const float lane : lanes) sum += lane;
  return sum;
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, add_scaled,
                                  (const float* __restrict a, float scale, float* __restrict sums,
                                   std::size_t size),
                                  (a, scale, sums, size)) {
  for (std::size_t k = 0; k < size; ++k) sums[k] += scale * a[k];
}

// next = (alpha + old * sums) * scale
MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, finish_sweep,
                                  (const float* __restrict old, float alpha, float scale,
                                   float* __restrict sums_in_next_out, std::size_t size),
                                  (old, alpha, scale, sums_in_next_out, size)) {
  for (std::size_t k = 0; k < size; ++k) {
    sums_in_next_out[k] = (alpha + old[k] * sums_in_next_out[k]) * scale;
  }
}

// ----

// Appends a document of these tokens, in any order.
void append_document(std::span<std::uint32_t> tokens, BagOfWords& documents) {
  std::sort(tokens.begin(), tokens.end());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0 && tokens[i] == tokens[i - 1]) {
      ++documents.count.back();
    } else {
      documents.word.push_back(tokens[i]);
      documents.count.push_back(1);
    }
  }
  documents.offsets.push_back(documents.word.size());
}

}  // namespace

DocumentHalves split_documents(const BagOfWords& corpus, std::span<const std::uint32_t> documents) {
  DocumentHalves halves;
  halves.observed.words = halves.scored.words = corpus.words;
  std::vector<std::uint32_t> tokens;
  for (const std::uint32_t document : documents) {
    tokens.clear();
    const std::span<const std::uint32_t> words = corpus.words_of(document);
    const std::span<const std::uint32_t> counts = corpus.counts_of(document);
    for (std::size_t i = 0; i < words.size(); ++i) tokens.insert(tokens.end(), counts[i], words[i]);
    Random random = Random::for_parts(hash_text("document completion"), {document});
    shuffle(random, tokens);
    const std::size_t observed = (tokens.size() + 1) / 2;
    append_document(std::span(tokens).first(observed), halves.observed);
    append_document(std::span(tokens).subspan(observed), halves.scored);
  }
  return halves;
}

TopicWords::TopicWords(const TopicPrior& prior, std::size_t vocabulary, std::span<const float> word_topic)
    : word_topic_(word_topic),
      beta_(static_cast<float>(prior.beta)),
      totals_(prior.topics, 0.0),
      inverse_(prior.topics) {
  for (std::size_t word = 0; word < vocabulary; ++word) {
    add_positive(word_topic.data() + word * prior.topics, totals_.data(), prior.topics);
  }
  const double smoothing = prior.beta * static_cast<double>(vocabulary);
  for (std::size_t k = 0; k < prior.topics; ++k) {
    inverse_[k] = static_cast<float>(1.0 / (totals_[k] + smoothing));
  }
}

void TopicWords::fill_probabilities(std::size_t word, std::span<float> probabilities) const {
  smooth(word_topic_.data() + word * inverse_.size(), beta_, inverse_.data(), probabilities.data(),
         inverse_.size());
}

DocumentCompletion::DocumentCompletion(const TopicPrior& prior)
    : topics_(prior.topics),
      alpha_(static_cast<float>(prior.alpha)),
      shares_(prior.topics),
      next_shares_(prior.topics) {}

double DocumentCompletion::score(const TopicWords& topics, const DocumentHalves& halves,
                                 std::size_t document) {
  const std::span<const std::uint32_t> words = halves.scored.words_of(document);
  const std::span<const std::uint32_t> counts = halves.scored.counts_of(document);
  if (words.empty()) return 0.0;
  fold_in(topics, halves.observed.words_of(document), halves.observed.counts_of(document));
  double log_likelihood = 0.0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    topics.fill_probabilities(words[i], next_shares_.span());
    log_likelihood += static_cast<double>(counts[i]) *
                      std::log(static_cast<double>(dot(next_shares_.data(), shares_.data(), topics_)));
  }
  return log_likelihood;
}

void DocumentCompletion::fold_in(const TopicWords& topics, std::span<const std::uint32_t> words,
                                 std::span<const std::uint32_t> counts) {
  const std::size_t size = words.size() * topics_;
  if (probabilities_.size() < size) probabilities_ = FloatBuffer(size);
  double tokens = 0.0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    topics.fill_probabilities(words[i], probabilities_.span().subspan(i * topics_, topics_));
    tokens += static_cast<double>(counts[i]);
  }
  const double share = 1.0 / static_cast<double>(topics_);
  const auto normalise =
      static_cast<float>(1.0 / (tokens + static_cast<double>(alpha_) * static_cast<double>(topics_)));
  std::fill_n(shares_.data(), topics_, static_cast<float>(share));
  for (std::size_t sweep = 0; sweep < kFoldInSweeps; ++sweep) {
    std::fill_n(next_shares_.data(), topics_, 0.0F);
    for (std::size_t i = 0; i < words.size(); ++i) {
      const float* const row = probabilities_.data() + i * topics_;
      const float scale = static_cast<float>(counts[i]) / dot(row, shares_.data(), topics_);
      add_scaled(row, scale, next_shares_.data(), topics_);
    }
    finish_sweep(shares_.data(), alpha_, normalise, next_shares_.data(), topics_);
    std::swap(shares_, next_shares_);
  }
}

}  // namespace meridian
