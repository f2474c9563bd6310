// Goal: the sampler's distribution is the exact one, p(topics | words), not an approximation of it, and
// counts are kept. How: corpora so small that every assignment of topics can be enumerated; a long chain
// visits them as often as the exact probabilities say, by a chi-square test. Seeds are fixed, so a result
// never varies; the bound of 4 standard deviations would be passed by all but one seed in ten thousand.
// Sweeps that are left out between two looks make these independent, which the test needs. Inconsistent
// counts, as stale replicas have them, are handed in too.
#include "src/topics/topic_sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "tests/src/topics/small_corpus.h"

namespace meridian {
namespace {

std::vector<std::uint32_t> first_numbers(std::size_t count) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  return numbers;
}

/// One worker with tables of its own, always up to date.
class Chain {
 public:
  Chain(const TopicPrior& prior, const BagOfWords& corpus, std::size_t proposals)
      : topics_(prior.topics),
        documents_(first_numbers(corpus.documents())),
        tokens_(corpus, documents_),
        index_(corpus.words),
        sampler_(prior, corpus.words, proposals),
        word_topic_(corpus.words * prior.topics),
        totals_(prior.topics) {}

  double visit(const std::vector<std::uint32_t>& batch) {
    index_.build(tokens_, batch);
    std::vector<float> pulled;
    for (const std::uint32_t word : index_.words()) {
      const auto row = word_topic_.begin() + static_cast<std::ptrdiff_t>(word * topics_);
      pulled.insert(pulled.end(), row, row + static_cast<std::ptrdiff_t>(topics_));
    }
    std::vector<float> change(pulled.size(), 7.0F);
    std::vector<float> total_change(topics_, 7.0F);
    const double loss =
        sampler_.visit(index_, tokens_, {pulled, totals_, change, total_change}, Random(++visits_));
    for (std::size_t i = 0; i < change.size(); ++i) {
      word_topic_[index_.words()[i / topics_] * topics_ + i % topics_] += change[i];
    }
    for (std::size_t k = 0; k < topics_; ++k) totals_[k] += total_change[k];
    return loss;
  }

  const std::vector<std::uint32_t>& documents() const { return documents_; }
  const DocumentTokens& tokens() const { return tokens_; }
  std::vector<float>& word_topic() { return word_topic_; }
  std::vector<float>& totals() { return totals_; }

 private:
  std::size_t topics_;
  std::vector<std::uint32_t> documents_;
  DocumentTokens tokens_;
  BatchIndex index_;
  TopicSampler sampler_;
  std::vector<float> word_topic_;
  std::vector<float> totals_;
  std::uint64_t visits_ = 0;
};

std::vector<std::size_t> words_of_tokens(const DocumentTokens& tokens) {
  std::vector<std::size_t> words;
  for (std::size_t d = 0; d < tokens.documents(); ++d) {
    for (std::size_t i = 0; i < tokens.words_of(d).size(); ++i) {
      words.insert(words.end(), tokens.counts_of(d)[i], tokens.words_of(d)[i]);
    }
  }
  return words;
}

/// The joint probability of words and topics, by the chain rule.
double probability(const TopicPrior& prior, std::size_t vocabulary, const DocumentTokens& tokens,
                   const std::vector<std::size_t>& words, const std::vector<std::size_t>& topics) {
  std::vector<double> word_topic(vocabulary * prior.topics);
  std::vector<double> totals(prior.topics);
  double product = 1.0;
  for (std::size_t d = 0; d < tokens.documents(); ++d) {
    std::vector<double> of_document(prior.topics);
    for (std::uint32_t t = tokens.first_token(d); t < tokens.first_token(d + 1); ++t) {
      const std::size_t k = topics[t];
      double& of_word = word_topic[words[t] * prior.topics + k];
      const double position = t - tokens.first_token(d);
      product *=
          (of_document[k] + prior.alpha) / (position + static_cast<double>(prior.topics) * prior.alpha);
      product *= (of_word + prior.beta) / (totals[k] + static_cast<double>(vocabulary) * prior.beta);
      of_document[k] += 1.0;
      of_word += 1.0;
      totals[k] += 1.0;
    }
  }
  return product;
}

/// How far the observed numbers are from the expected ones: chi-square less its mean, in its standard
/// deviation.
double deviation(const std::vector<double>& expected, const std::vector<double>& observed) {
  constexpr double kFewest = 10.0;  // rarer states are put together
  double chi_square = 0.0;
  double cells = 0.0;
  double rare_expected = 0.0;
  double rare_observed = 0.0;
  for (std::size_t state = 0; state < expected.size(); ++state) {
    if (expected[state] < kFewest) {
      rare_expected += expected[state];
      rare_observed += observed[state];
      continue;
    }
    chi_square += std::pow(observed[state] - expected[state], 2) / expected[state];
    cells += 1.0;
  }
  if (rare_expected >= kFewest) {
    chi_square += std::pow(rare_observed - rare_expected, 2) / rare_expected;
    cells += 1.0;
  }
  const double freedom = cells - 1.0;
  return (chi_square - freedom) / std::sqrt(2.0 * freedom);
}

struct Case {
  std::string name;
  TopicPrior prior;
  std::vector<std::vector<std::uint32_t>> documents;
  std::size_t proposals;
  std::size_t documents_per_batch;
};

class EnumeratedCorpus : public testing::TestWithParam<Case> {};

TEST_P(EnumeratedCorpus, IsSampledFromItsExactDistribution) {
  const auto& [name, prior, documents, proposals, per_batch] = GetParam();
  const BagOfWords corpus = corpus_of(3, documents);
  Chain chain(prior, corpus, proposals);
  const std::vector<std::size_t> words = words_of_tokens(chain.tokens());
  std::size_t states = 1;
  for (std::size_t i = 0; i < words.size(); ++i) states *= prior.topics;

  std::vector<double> expected(states);
  for (std::size_t state = 0; state < states; ++state) {
    std::vector<std::size_t> topics;
    for (std::size_t rest = state; topics.size() < words.size(); rest /= prior.topics) {
      topics.push_back(rest % prior.topics);
    }
    expected[state] = probability(prior, corpus.words, chain.tokens(), words, topics);
  }

  constexpr std::size_t kLooks = 30000;
  constexpr std::size_t kSweepsPerLook = 12;
  std::vector<double> observed(states, 0.0);
  std::size_t next = 0;
  for (std::size_t look = 0; look < kLooks; ++look) {
    const std::size_t visits = kSweepsPerLook * documents.size() / per_batch;
    for (std::size_t visit = 0; visit < visits; ++visit) {
      std::vector<std::uint32_t> batch;
      for (std::size_t i = 0; i < per_batch; ++i) {
        batch.push_back(static_cast<std::uint32_t>(next++ % documents.size()));
      }
      chain.visit(batch);
    }
    std::size_t state = 0;
    for (std::size_t token = words.size(); token > 0; --token) {
      state = state * prior.topics + chain.tokens().topics()[token - 1];
    }
    observed[state] += 1.0;
  }

  const double sum = std::accumulate(expected.begin(), expected.end(), 0.0);
  for (double& value : expected) value *= static_cast<double>(kLooks) / sum;
  EXPECT_LT(std::abs(deviation(expected, observed)), 4.0);
}

// Five topics are more than the documents there have tokens: their counts are in tables then, else in arrays.
INSTANTIATE_TEST_SUITE_P(
    Corpora, EnumeratedCorpus,
    testing::Values(Case{"AllDocumentsAtOnce", {2, 0.4, 0.3}, {{0, 0, 1}, {1, 2}, {2, 0, 2}}, 1, 3},
                    Case{"DocumentByDocument", {2, 0.4, 0.3}, {{0, 0, 1}, {1, 2}, {2, 0, 2}}, 1, 1},
                    Case{"TwoOfThreeDocuments", {3, 0.3, 0.5}, {{0, 1}, {0, 0}, {1, 2}}, 2, 2},
                    Case{"MoreTopicsThanTokens", {5, 0.2, 0.4}, {{0, 0}, {1, 0}}, 1, 2},
                    Case{"MoreTopicsDocumentByDocument", {5, 0.2, 0.4}, {{0, 0}, {1, 0}}, 3, 1}),
    [](const auto& param) { return param.param.name; });

TEST(TopicSampler, CountsWhatTokensAreAssignedTo) {
  Random random(3);
  std::vector<std::vector<std::uint32_t>> documents(40);
  for (auto& document : documents) {
    for (std::size_t i = random.below(30); i > 0; --i) {
      document.push_back(static_cast<std::uint32_t>(random.below(20)));
    }
  }
  const BagOfWords corpus = corpus_of(20, documents);
  for (const std::size_t topics : {1U, 7U, 300U}) {
    Chain chain({topics, 0.1, 0.01}, corpus, 2);
    for (int visit = 0; visit < 30; ++visit) {
      std::vector<std::uint32_t> batch;
      for (const std::uint32_t document : chain.documents()) {
        if (random.below(3) == 0) batch.push_back(document);
      }
      EXPECT_TRUE(std::isfinite(chain.visit(batch)));
      std::vector<float> word_topic(20 * topics);
      std::vector<float> totals(topics);
      const std::vector<std::size_t> words = words_of_tokens(chain.tokens());
      for (std::size_t token = 0; token < words.size(); ++token) {
        const Topic topic = chain.tokens().topics()[token];
        if (topic == kUnassigned) continue;
        ASSERT_LT(topic, topics);
        word_topic[words[token] * topics + topic] += 1.0F;
        totals[topic] += 1.0F;
      }
      ASSERT_EQ(word_topic, chain.word_topic());
      ASSERT_EQ(totals, chain.totals());
    }
  }
}

TEST(TopicSampler, ReturnsTheLossOfWhatItAssigned) {
  // One topic: every token's word and topic have the probability of the word alone.
  const BagOfWords corpus = corpus_of(2, {{0, 0, 0, 1}});
  Chain chain({1, 0.1, 0.5}, corpus, 1);
  chain.visit({0});
  const double expected = -3.0 * std::log((2 + 0.5) / (3 + 1.0)) - std::log(0.5 / (3 + 1.0));
  EXPECT_NEAR(chain.visit({0}), expected, 1e-5);
}

TEST(TopicSampler, BearsCountsThatContradictItsTokens) {
  const BagOfWords corpus = corpus_of(4, {{0, 1, 1, 2}, {3, 3, 0}, {2, 1}});
  for (const std::size_t topics : {2U, 50U}) {
    Chain chain({topics, 0.1, 0.01}, corpus, 2);
    Random random(9);
    for (int visit = 0; visit < 200; ++visit) {
      for (float& count : chain.word_topic()) count += static_cast<float>(random.below(5)) - 2.0F;
      for (float& count : chain.totals()) count += static_cast<float>(random.below(9)) - 4.0F;
      const std::vector<float> before = chain.word_topic();
      ASSERT_TRUE(std::isfinite(chain.visit(chain.documents())));
      // What is added is still whole tokens moving: a word's sum changes with its first visit only.
      for (std::size_t word = 0; word < 4 && visit > 0; ++word) {
        float change = 0.0F;
        for (std::size_t k = 0; k < topics; ++k) {
          change += chain.word_topic()[word * topics + k] - before[word * topics + k];
        }
        ASSERT_EQ(change, 0.0F);
      }
    }
  }
}

}  // namespace
}  // namespace meridian
