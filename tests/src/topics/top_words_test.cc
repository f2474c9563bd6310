// Goal: a topic's words come by their counts. How: a small table with equal counts, zeros and a negative one.
#include "src/topics/top_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace meridian {
namespace {

using testing::ElementsAre;

TEST(TopWords, OrdersByCountAndThenByPosition) {
  const std::vector<float> word_topic{1, 5,   //
                                      0, 2,   //
                                      4, 5,   //
                                      1, -1,  //
                                      0, 9};
  EXPECT_THAT(top_words(word_topic, 2, 0, 10), ElementsAre(2, 0, 3));
  EXPECT_THAT(top_words(word_topic, 2, 1, 3), ElementsAre(4, 0, 2));
  EXPECT_THAT(top_words(word_topic, 2, 1, 0), ElementsAre());
}

}  // namespace
}  // namespace meridian
