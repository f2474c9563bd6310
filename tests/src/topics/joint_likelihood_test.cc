// Goal: the joint log-likelihood is the logarithm of the probability of words and topics. How: the chain rule
// on a small corpus, token after token from the predictive probabilities, gives the same number; so does any
// division of the rows. log_gamma is held against the standard library's.
#include "src/topics/joint_likelihood.h"

#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <vector>

#include "tests/src/topics/small_corpus.h"

namespace meridian {
namespace {

TEST(LogGamma, AgreesWithTheStandardLibrary) {
  for (const double x : {1e-6, 0.01, 0.5, 1.0, 1.5, 2.0, 9.99, 10.0, 123.4, 1e6, 1e12}) {
    EXPECT_NEAR(log_gamma(x), std::lgamma(x), 1e-12 * std::max(1.0, std::abs(std::lgamma(x)))) << x;
  }
}

TEST(LogRisingFactorial, IsContinuousFromTableToSeries) {
  const LogRisingFactorial rising(0.05);
  EXPECT_EQ(rising(0.0), 0.0);
  for (const double n : {1.0, 2.5, 100.0, 4095.0, 4096.0, 1e6}) {
    EXPECT_NEAR(rising(n), std::lgamma(n + 0.05) - std::lgamma(0.05), 1e-9 * std::max(1.0, n)) << n;
  }
}

TEST(JointLikelihood, IsTheProductOfPredictiveProbabilities) {
  const BagOfWords corpus = corpus_of(4, {{0, 1, 1}, {2, 0, 0, 0}, {}, {3, 1}});
  const std::vector<std::uint32_t> documents{0, 1, 2, 3};
  DocumentTokens tokens(corpus, documents);
  const std::vector<Topic> topics{0, 2, 2, 1, 0, 0, 1, kUnassigned, kUnassigned};
  std::copy(topics.begin(), topics.end(), tokens.topics().begin());
  const std::vector<std::size_t> words{0, 1, 1, 0, 0, 0, 2};
  const TopicPrior prior{3, 0.3, 0.2};

  std::vector<float> word_topic(4 * 3);
  std::vector<double> totals(3);
  double expected = 0.0;
  for (const std::size_t document : {0U, 1U}) {
    std::vector<double> of_document(3);
    double length = 0.0;
    for (std::uint32_t t = tokens.first_token(document); t < tokens.first_token(document + 1); ++t) {
      const std::size_t k = topics[t];
      float& of_word = word_topic[words[t] * 3 + k];
      expected += std::log((of_document[k] + 0.3) / (length + 0.9));
      expected += std::log((static_cast<double>(of_word) + 0.2) / (totals[k] + 0.8));
      of_document[k] += 1.0;
      length += 1.0;
      of_word += 1.0F;
      totals[k] += 1.0;
    }
  }

  const JointLikelihood joint(prior, 4);
  std::vector<std::uint32_t> counts(3, 0);
  const JointLikelihood::Sum of_documents = joint.of_documents(tokens, counts);
  EXPECT_EQ(of_documents.tokens, 7U);
  EXPECT_EQ(counts, std::vector<std::uint32_t>(3, 0));
  const std::span<const float> rows = word_topic;
  const double of_rows = joint.of_rows(rows.first(3)) + joint.of_rows(rows.subspan(3));
  EXPECT_NEAR(of_documents.log_likelihood + of_rows + joint.of_totals(totals), expected, 1e-9);
}

}  // namespace
}  // namespace meridian
