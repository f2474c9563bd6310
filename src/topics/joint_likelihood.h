// The logarithm of the joint probability of all words and their topics under latent Dirichlet allocation, the
// word and topic distributions integrated out (Griffiths & Steyvers, PNAS 101, 2004): what a sampler climbs.
// It is a sum over documents plus a sum over words and topics, so that workers can share the work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/topics/document_tokens.h"
#include "src/topics/topic_prior.h"

namespace meridian {

/// log gamma(x) for x > 0, with an error below 1e-12 of it or 1e-12. Unlike std::lgamma any thread may call
/// it.
double log_gamma(double x);

/// log gamma(n + start) - log gamma(start) for n at least 0; quick for whole n up to a few thousand.
/// Immutable: any thread may use it.
class LogRisingFactorial {
 public:
  explicit LogRisingFactorial(double start);
  double operator()(double n) const;

 private:
  double start_;
  double log_gamma_of_start_;
  std::vector<double> of_whole_;
};

/// Immutable: any thread may use it.
class JointLikelihood {
 public:
  JointLikelihood(const TopicPrior& prior, std::size_t vocabulary);

  /// log p(topics of the visited documents), and how many tokens they have. `counts` is working memory, of
  /// one zero for each topic; all zeros again afterwards.
  struct Sum {
    double log_likelihood = 0.0;
    std::uint64_t tokens = 0;
  };
  Sum of_documents(const DocumentTokens& tokens, std::vector<std::uint32_t>& counts) const;

  /// The part of log p(words | topics) that comes from some rows of the word-topic table. Counts below 0
  /// count as 0.
  double of_rows(std::span<const float> rows) const;
  /// The part of log p(words | topics) that comes from the totals of all topics, each at least 0.
  double of_totals(std::span<const double> totals) const;

 private:
  TopicPrior prior_;
  LogRisingFactorial of_document_topic_;
  LogRisingFactorial of_document_;
  LogRisingFactorial of_word_topic_;
  LogRisingFactorial of_topic_;
};

}  // namespace meridian
