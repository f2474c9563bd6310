// Goal: generated documents come from the topics they are said to come from, so that no model explains them
// better. How: the words of documents are counted by topic; the truth's likelihood is held against other
// models'.
#include "src/data/generated_documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace meridian {
namespace {

using testing::HasSubstr;

TEST(GeneratedDocuments, HaveTheShapeAskedFor) {
  const auto result = generate_documents({.documents = 400, .held_out_documents = 50, .mean_length = 60.0});
  ASSERT_TRUE(result.ok()) << result.error().message;
  const GeneratedDocuments& generated = result.value();
  EXPECT_EQ(generated.train.documents(), 400U);
  EXPECT_EQ(generated.held_out.documents(), 50U);
  EXPECT_EQ(generated.topic_words.size(), 10U * 1000U);
  EXPECT_EQ(generated.train_topics.size(), 400U * 10U);
  EXPECT_EQ(generated.held_out_topics.size(), 50U * 10U);
  EXPECT_NEAR(static_cast<double>(generated.train.tokens()) / 400.0, 60.0, 2.0);
  for (const BagOfWords* const set : {&generated.train, &generated.held_out}) {
    EXPECT_EQ(set->words, 1000U);
    EXPECT_EQ(set->offsets.back(), set->entries());
    for (std::size_t d = 0; d < set->documents(); ++d) {
      const auto words = set->words_of(d);
      EXPECT_FALSE(words.empty());
      EXPECT_TRUE(std::adjacent_find(words.begin(), words.end(), std::greater_equal<>()) == words.end());
      EXPECT_LT(words.back(), 1000U);
    }
    EXPECT_EQ(std::set<std::string>(set->vocabulary.begin(), set->vocabulary.end()).size(), 1000U);
  }
}

TEST(GeneratedDocuments, HaveTheWordsOfTheirTopics) {
  // One topic: the counts of words are draws from it.
  const auto generated =
      generate_documents({.documents = 500, .words = 20, .topics = 1, .beta = 0.5, .mean_length = 200.0})
          .value();
  std::vector<double> counts(20, 0.0);
  for (std::size_t i = 0; i < generated.train.entries(); ++i) {
    counts[generated.train.word[i]] += generated.train.count[i];
  }
  const auto tokens = static_cast<double>(generated.train.tokens());
  for (std::size_t word = 0; word < 20; ++word) {
    EXPECT_NEAR(counts[word] / tokens, generated.topic_words[word], 0.01);
  }
}

TEST(GeneratedDocuments, AreExplainedByNothingBetterThanByTheTruth) {
  const auto generated = generate_documents({.documents = 500, .words = 200, .topics = 5}).value();
  const double truth =
      log_likelihood_per_token(generated.train, generated.topic_words, generated.train_topics);
  const std::vector<double> even(500 * 5, 0.2);
  const std::vector<double> unigrams(200, 1.0 / 200.0);
  EXPECT_GT(truth, log_likelihood_per_token(generated.train, generated.topic_words, even) + 0.3);
  EXPECT_GT(truth, log_likelihood_per_token(generated.train, unigrams, std::vector<double>(500, 1.0)) + 0.3);
  EXPECT_NEAR(log_likelihood_per_token(generated.train, unigrams, std::vector<double>(500, 1.0)),
              -std::log(200.0), 1e-9);
}

TEST(GeneratedDocuments, FollowTheSeedAndNotTheNumberHeldOut) {
  const auto words = [](std::uint64_t seed, std::size_t held_out) {
    return generate_documents({.seed = seed, .documents = 50, .held_out_documents = held_out})
        .value()
        .train.word;
  };
  EXPECT_EQ(words(1, 0), words(1, 30));
  EXPECT_NE(words(1, 0), words(2, 0));
}

TEST(GeneratedDocuments, RefuseWhatMakesNoSense) {
  EXPECT_THAT(generate_documents({.topics = 0}).error().message, HasSubstr("topics is 0; expected 1 to"));
  EXPECT_THAT(generate_documents({.alpha = 0.0}).error().message,
              HasSubstr("alpha is 0; expected a number above 0"));
  EXPECT_THAT(generate_documents({.mean_length = NAN}).error().message, HasSubstr("mean_length is nan"));
}

}  // namespace
}  // namespace meridian
