// The plain collapsed Gibbs sampler of latent Dirichlet allocation (Griffiths & Steyvers, PNAS 101, 2004):
// each token's topic is drawn from its whole conditional distribution, document after document. The reference
// that the quick sampler is held against; slow, and too simple to be wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/base/random.h"
#include "src/data/bag_of_words.h"
#include "src/topics/document_tokens.h"
#include "src/topics/topic_prior.h"

namespace meridian {

class ExactGibbs {
 public:
  /// The first sweep gives each token its first topic, from what is known so far.
  ExactGibbs(const TopicPrior& prior, const BagOfWords& corpus, DocumentTokens& tokens, std::uint64_t seed)
      : prior_(prior),
        vocabulary_(corpus.words),
        tokens_(tokens),
        random_(seed),
        word_topic_(corpus.words * prior.topics),
        totals_(prior.topics),
        of_document_(prior.topics),
        sums_(prior.topics) {
    for (std::size_t document = 0; document < tokens.documents(); ++document) {
      const auto words = tokens.words_of(document);
      const auto counts = tokens.counts_of(document);
      for (std::size_t i = 0; i < words.size(); ++i) words_.insert(words_.end(), counts[i], words[i]);
    }
  }

  void sweep() {
    for (std::size_t document = 0; document < tokens_.documents(); ++document) {
      of_document_.assign(prior_.topics, 0.0F);
      const std::uint32_t end = tokens_.first_token(document + 1);
      for (std::uint32_t token = tokens_.first_token(document); token < end; ++token) {
        if (tokens_.topics()[token] != kUnassigned) of_document_[tokens_.topics()[token]] += 1.0F;
      }
      for (std::uint32_t token = tokens_.first_token(document); token < end; ++token) visit(token);
    }
  }

  const std::vector<float>& word_topic() const { return word_topic_; }
  const std::vector<double>& totals() const { return totals_; }

 private:
  void visit(std::uint32_t token) {
    float* const of_word = word_topic_.data() + words_[token] * prior_.topics;
    Topic& topic = tokens_.topics()[token];
    if (topic != kUnassigned) change(of_word, topic, -1.0F);
    double sum = 0.0;
    for (std::size_t k = 0; k < prior_.topics; ++k) {
      sum += (static_cast<double>(of_document_[k]) + prior_.alpha) *
             (static_cast<double>(of_word[k]) + prior_.beta) /
             (totals_[k] + prior_.beta * static_cast<double>(vocabulary_));
      sums_[k] = sum;
    }
    const double at = random_.uniform() * sum;
    std::size_t drawn = 0;
    while (drawn + 1 < prior_.topics && sums_[drawn] <= at) ++drawn;
    topic = static_cast<Topic>(drawn);
    change(of_word, topic, 1.0F);
  }

  void change(float* of_word, Topic topic, float by) {
    of_word[topic] += by;
    of_document_[topic] += by;
    totals_[topic] += static_cast<double>(by);
  }

  TopicPrior prior_;
  std::size_t vocabulary_;
  DocumentTokens& tokens_;
  Random random_;
  std::vector<std::uint32_t> words_;  // of each token
  std::vector<float> word_topic_;
  std::vector<double> totals_;
  std::vector<float> of_document_;
  std::vector<double> sums_;
};

}  // namespace meridian
