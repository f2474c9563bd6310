// How well topics predict documents that they were not learnt from, by document completion (Wallach, Murray,
// Salakhutdinov & Mimno, ICML 2009): one half of a document's tokens tells its topics, the other is scored.
//
// The topics' words are phi_wk = (n_wk + beta) / (sum over words of n_wk + V beta), counts below 0 as 0, so
// that they are distributions whatever state a replica is in. The document's topics are the fixed point, from
// equal shares after kFoldInSweeps sweeps, of
//   theta_k in proportion to alpha + sum over observed tokens of theta_k phi_wk / (sum over j of theta_j
//   phi_wj)
// and a scored token of word w counts log (sum over k of theta_k phi_wk). Nothing is drawn: the same counts
// give the same score.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/base/float_buffer.h"
#include "src/data/bag_of_words.h"
#include "src/topics/topic_prior.h"

namespace meridian {

inline constexpr std::size_t kFoldInSweeps = 30;

/// The same documents twice, without a vocabulary: one part of each document's tokens and the rest.
struct DocumentHalves {
  BagOfWords observed;  ///< the larger one where a number of tokens is odd
  BagOfWords scored;
};

/// Shuffles the tokens of each document and cuts them in half. How depends on the position of the document in
/// `corpus` and on nothing else: runs with other seeds score the same tokens.
DocumentHalves split_documents(const BagOfWords& corpus, std::span<const std::uint32_t> documents);

/// One evaluation's topics, made of a word-topic table; the table must outlive it. Immutable.
class TopicWords {
 public:
  /// `word_topic` is vocabulary x topics.
  TopicWords(const TopicPrior& prior, std::size_t vocabulary, std::span<const float> word_topic);

  /// The tokens of each topic.
  std::span<const double> totals() const { return totals_; }
  /// phi of one word for every topic.
  void fill_probabilities(std::size_t word, std::span<float> probabilities) const;

 private:
  std::span<const float> word_topic_;
  float beta_;
  std::vector<double> totals_;
  FloatBuffer inverse_;  // of each topic's total with its smoothing
};

/// Not thread-safe: keeps its working memory.
class DocumentCompletion {
 public:
  explicit DocumentCompletion(const TopicPrior& prior);

  /// The sum over a document's scored tokens of their log probabilities.
  double score(const TopicWords& topics, const DocumentHalves& halves, std::size_t document);

 private:
  void fold_in(const TopicWords& topics, std::span<const std::uint32_t> words,
               std::span<const std::uint32_t> counts);

  std::size_t topics_;
  float alpha_;
  FloatBuffer probabilities_;  // of the observed words: a row for each
  FloatBuffer shares_;         // theta
  FloatBuffer next_shares_;
};

}  // namespace meridian
