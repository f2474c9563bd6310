// Goal: a batch's tokens come word by word, each once, and of a word those that have a topic first. How: a
// few documents, one of them empty, some visited; the same index is used for one batch after another.
#include "src/topics/batch_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/src/topics/small_corpus.h"

namespace meridian {
namespace {

using testing::ElementsAre;

std::vector<std::uint32_t> tokens_of(const BatchIndex& index, std::size_t word) {
  std::vector<std::uint32_t> tokens;
  for (const BatchIndex::Token& token : index.tokens_of(word)) tokens.push_back(token.token);
  return tokens;
}

TEST(BatchIndex, ListsTokensByWordVisitedDocumentsFirst) {
  const BagOfWords corpus = corpus_of(200, {{7, 3, 7}, {}, {199, 7}, {3, 64}});
  const std::vector<std::uint32_t> documents{0, 1, 2, 3};
  DocumentTokens tokens(corpus, documents);
  BatchIndex index(corpus.words);

  index.build(tokens, documents);
  EXPECT_THAT(index.words(), ElementsAre(3, 7, 64, 199));
  EXPECT_THAT(tokens_of(index, 0), ElementsAre(0, 5));
  EXPECT_THAT(tokens_of(index, 1), ElementsAre(1, 2, 3));
  EXPECT_EQ(index.tokens().size(), 7U);
  EXPECT_EQ(index.most_of_one_word(), 3U);

  for (const std::uint32_t token : {3U, 4U}) tokens.topics()[token] = 0;  // document 2
  index.build(tokens, std::vector<std::uint32_t>{0, 2});
  EXPECT_THAT(index.documents(), ElementsAre(2, 0));
  EXPECT_THAT(index.words(), ElementsAre(3, 7, 199));
  EXPECT_THAT(tokens_of(index, 1), ElementsAre(3, 1, 2));
  EXPECT_EQ(index.tokens_of(1)[0].slot, 0U);
  EXPECT_EQ(index.tokens_of(1)[1].slot, 1U);

  index.build(tokens, std::vector<std::uint32_t>{1});
  EXPECT_TRUE(index.words().empty());
  EXPECT_TRUE(index.tokens().empty());
}

}  // namespace
}  // namespace meridian
