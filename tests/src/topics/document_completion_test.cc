// Goal: a held-out document's second half is scored by what its first half says of its topics. How: topics
// that share no word, so that the right scores are known; a table of one topic, whose scores are closed
// forms; halves are compared with the documents they come from.
#include "src/topics/document_completion.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "tests/src/topics/small_corpus.h"

namespace meridian {
namespace {

std::map<std::uint32_t, std::uint32_t> counts_of(const BagOfWords& documents, std::size_t document) {
  std::map<std::uint32_t, std::uint32_t> counts;
  for (std::size_t i = 0; i < documents.words_of(document).size(); ++i) {
    counts[documents.words_of(document)[i]] += documents.counts_of(document)[i];
  }
  return counts;
}

TEST(SplitDocuments, PutsEveryTokenIntoOneHalf) {
  const BagOfWords corpus = corpus_of(6, {{0, 0, 0, 1, 2, 5, 5}, {3}, {}, {1, 2, 3, 4}});
  const DocumentHalves halves = split_documents(corpus, std::vector<std::uint32_t>{0, 1, 2, 3});
  ASSERT_EQ(halves.observed.documents(), 4U);
  ASSERT_EQ(halves.scored.documents(), 4U);
  for (std::size_t document = 0; document < 4; ++document) {
    auto both = counts_of(halves.observed, document);
    std::uint32_t observed = 0;
    std::uint32_t scored = 0;
    for (const auto& [word, count] : both) observed += count;
    for (const auto& [word, count] : counts_of(halves.scored, document)) {
      both[word] += count;
      scored += count;
    }
    EXPECT_EQ(both, counts_of(corpus, document));
    EXPECT_TRUE(observed == scored || observed == scored + 1) << observed << " and " << scored;
  }
}

TEST(SplitDocuments, DependsOnTheDocumentAlone) {
  const BagOfWords corpus = corpus_of(9, {{0, 1, 2, 3, 4, 5, 6, 7, 8}, {8, 7, 6, 5, 4, 3, 2, 1, 0}});
  const DocumentHalves both = split_documents(corpus, std::vector<std::uint32_t>{0, 1});
  const DocumentHalves second = split_documents(corpus, std::vector<std::uint32_t>{1});
  EXPECT_EQ(counts_of(both.scored, 1), counts_of(second.scored, 0));
}

TEST(DocumentCompletion, WithOneTopicIsTheFrequencyOfWords) {
  const TopicPrior prior{1, 0.1, 0.5};
  const std::vector<float> word_topic{6, 2, -3};  // below 0 counts as 0
  const TopicWords topics(prior, 3, word_topic);
  DocumentCompletion completion(prior);
  DocumentHalves halves{corpus_of(3, {{0}}), corpus_of(3, {{0, 2, 2}})};
  const double total = 8.0 + 3 * 0.5;
  EXPECT_NEAR(completion.score(topics, halves, 0), std::log(6.5 / total) + 2 * std::log(0.5 / total), 1e-5);
}

TEST(DocumentCompletion, TakesTheTopicOfTheObservedHalf) {
  // Topic 0 is words 0 and 1, topic 1 words 2 and 3; 20 topics more have none.
  TopicPrior prior{22, 0.01, 0.001};
  std::vector<float> word_topic(4 * 22, 0.0F);
  for (const std::size_t word : {0U, 1U}) word_topic[word * 22] = 500.0F;
  for (const std::size_t word : {2U, 3U}) word_topic[word * 22 + 1] = 500.0F;
  const TopicWords topics(prior, 4, word_topic);
  DocumentCompletion completion(prior);
  const DocumentHalves same{corpus_of(4, {{0, 0, 0}, {0, 0, 2, 2}}), corpus_of(4, {{1}, {1, 3}})};
  EXPECT_NEAR(completion.score(topics, same, 0), std::log(0.5), 0.1);
  EXPECT_NEAR(completion.score(topics, same, 1), 2 * std::log(0.25), 0.1);
  const DocumentHalves other{corpus_of(4, {{0, 0, 0}}), corpus_of(4, {{2}})};
  EXPECT_LT(completion.score(topics, other, 0), std::log(0.05));
}

TEST(DocumentCompletion, ScoresAreProbabilities) {
  // Over all words they sum to one, whatever the table and the topics of the document.
  const TopicPrior prior{33, 0.1, 0.01};
  std::vector<float> word_topic(7 * 33);
  for (std::size_t i = 0; i < word_topic.size(); ++i) word_topic[i] = static_cast<float>(i * 7 % 11) - 2.0F;
  const TopicWords topics(prior, 7, word_topic);
  DocumentCompletion completion(prior);
  double sum = 0.0;
  for (std::uint32_t word = 0; word < 7; ++word) {
    const DocumentHalves halves{corpus_of(7, {{1, 5, 5}}), corpus_of(7, {{word}})};
    sum += std::exp(completion.score(topics, halves, 0));
  }
  EXPECT_NEAR(sum, 1.0, 1e-4);
}

}  // namespace
}  // namespace meridian
