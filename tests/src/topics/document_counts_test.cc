// Goal: a document's counts are right after any changes, whether they are kept in a table or an array. How:
// random tokens move between topics beside a plain map that does the same; topics that fall on the same entry
// are common, since tables are small.
#include "src/topics/document_counts.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "src/base/random.h"

namespace meridian {
namespace {

struct Shape {
  std::size_t tokens;
  std::size_t topics;
  bool table;
};

class DocumentCountsOf : public testing::TestWithParam<Shape> {};

TEST_P(DocumentCountsOf, FollowEveryMove) {
  const auto [tokens, topics, table] = GetParam();
  std::vector<std::uint32_t> entries(DocumentCounts::entries_for(tokens, topics), 0);
  EXPECT_EQ(entries.size() < topics, table);
  DocumentCounts counts(entries, topics);
  std::map<std::uint32_t, std::uint32_t> expected;
  std::vector<std::uint32_t> topic_of(tokens);
  Random random(5);
  for (std::uint32_t& topic : topic_of) {
    topic = static_cast<std::uint32_t>(random.below(topics));
    counts.add(topic);
    ++expected[topic];
  }
  for (int move = 0; move < 3000; ++move) {
    std::uint32_t& topic = topic_of[random.below(tokens)];
    const std::uint32_t place = counts.find(topic);
    counts.decrement(place);
    --expected[topic];
    ASSERT_EQ(counts.count(topic), expected[topic]) << move;
    if (random.below(4) == 0) {  // it stays
      counts.increment(place);
      ++expected[topic];
      continue;
    }
    counts.erase_if_zero(place);
    topic = static_cast<std::uint32_t>(random.below(topics));
    counts.add(topic);
    ++expected[topic];
    for (const auto& [of, count] : expected) ASSERT_EQ(counts.count(of), count) << move << ", topic " << of;
    ASSERT_EQ(counts.count(static_cast<std::uint32_t>(topics - 1)),
              expected[static_cast<std::uint32_t>(topics - 1)]);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, DocumentCountsOf,
                         testing::Values(Shape{1, 1, false}, Shape{1, 9, true}, Shape{10, 16, false},
                                         Shape{10, 17, true}, Shape{40, 20, false}, Shape{50, 1000, true},
                                         Shape{3, 65535, true}),
                         [](const auto& shape) {
                           return std::to_string(shape.param.tokens) + "TokensOf" +
                                  std::to_string(shape.param.topics) + "Topics";
                         });

}  // namespace
}  // namespace meridian
