// Goal: all formats of ratings are read to the same set, whatever is wrong ends in an error that names the
// file and the line, and no input crashes the reader. How: the same ratings written in each format, files
// spoilt in one known way each, and thousands spoilt at random.
#include "src/data/ratings_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/src/data/text_files.h"

namespace meridian {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

const std::vector<std::string> kFormats{
    "196\t242\t3\t881250949\n22\t377\t1.5\t878887116\n196\t377\t-4.25\t881250949\n",
    "196::242::3::881250949\n22::377::1.5::878887116\n196::377::-4.25::881250949\n",
    "userId,movieId,rating,timestamp\n196,242,3,881250949\n22,377,1.5,878887116\n196,377,-4.25,881250949\n",
    "196,242,3.0\r\n22,377,1.5\r\n196,377,-4.25",
    "196 242 3\n22 377 +1.5 \n196  377 -425e-2\n\n",
};

class RatingsFiles : public TextFiles {
 protected:
  std::string error_of(const std::string& text) const {
    const auto ratings = read_ratings({write("r", text)});
    return ratings.ok() ? "read without error" : ratings.error().message;
  }
};

void expect_sound(const Ratings& ratings) {
  ASSERT_EQ(ratings.user.size(), ratings.size());
  ASSERT_EQ(ratings.item.size(), ratings.size());
  ASSERT_EQ(ratings.user_ids.size(), ratings.users);
  ASSERT_EQ(ratings.item_ids.size(), ratings.items);
  EXPECT_TRUE(std::is_sorted(ratings.user_ids.begin(), ratings.user_ids.end()));
  for (std::size_t i = 0; i < ratings.size(); ++i) {
    EXPECT_LT(ratings.user[i], ratings.users);
    EXPECT_LT(ratings.item[i], ratings.items);
    EXPECT_TRUE(std::isfinite(ratings.value[i]));
  }
}

TEST_F(RatingsFiles, AreReadInEveryFormat) {
  for (const std::string& text : kFormats) {
    for (const std::string& path : {write("r", text), write_gzip("g", text)}) {
      const auto result = read_ratings({path});
      ASSERT_TRUE(result.ok()) << result.error().message;
      const Ratings& ratings = result.value();
      EXPECT_EQ(ratings.users, 2U);
      EXPECT_EQ(ratings.items, 2U);
      EXPECT_THAT(ratings.user, ElementsAre(1, 0, 1));
      EXPECT_THAT(ratings.item, ElementsAre(0, 1, 1));
      EXPECT_THAT(ratings.value, ElementsAre(3.0F, 1.5F, -4.25F));
      EXPECT_THAT(ratings.user_ids, ElementsAre(22, 196));
      EXPECT_THAT(ratings.item_ids, ElementsAre(242, 377));
      EXPECT_THAT(ratings.source_sizes, ElementsAre(3));
    }
  }
}

TEST_F(RatingsFiles, NumberItemsByTheirIdsWhereTheirNumberIsGiven) {
  const auto result = read_ratings({write("r", "30 4 1\n20 1 2\n30 5 3\n")}, {.items = 5});
  ASSERT_TRUE(result.ok()) << result.error().message;
  expect_sound(result.value());
  EXPECT_EQ(result.value().items, 5U);
  EXPECT_THAT(result.value().item, ElementsAre(3, 0, 4));
  EXPECT_THAT(result.value().user, ElementsAre(1, 0, 1));
  EXPECT_THAT(result.value().item_ids, ElementsAre(1, 2, 3, 4, 5));
  for (const char* const item : {"0", "6", "18446744073709551615"}) {
    const auto refused = read_ratings({write("s", std::string("30 5 1\n20 ") + item + " 2\n")}, {.items = 5});
    ASSERT_FALSE(refused.ok()) << item;
    EXPECT_THAT(refused.error().message, EndsWith(std::string("/s:2: item ") + item +
                                                  "; expected 1 to 5, as workload.data.items says"));
  }
}

TEST_F(RatingsFiles, OfSeveralSourcesShareTheirIds) {
  write("folder/ratings.dat", "5::1::2\n18446744073709551615::1::3\n");
  write("r-2.csv", "5,70000000,1\n");
  write_gzip("r-1.csv", "user,item,value\n9,0,4\n");
  const auto result = read_ratings({(folder_ / "r-*").string(), (folder_ / "folder").string()});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_THAT(result.value().user_ids, ElementsAre(5, 9, UINT64_MAX));
  EXPECT_THAT(result.value().item_ids, ElementsAre(0, 1, 70000000));
  EXPECT_THAT(result.value().user, ElementsAre(1, 0, 0, 2));
  EXPECT_THAT(result.value().item, ElementsAre(0, 2, 1, 1));
  EXPECT_THAT(result.value().value, ElementsAre(4, 1, 2, 3));
  EXPECT_THAT(result.value().source_sizes, ElementsAre(2, 2));
}

TEST_F(RatingsFiles, TellWhatIsWrongAndWhere) {
  EXPECT_THAT(error_of("1 2 3\n1 x 3\n"),
              EndsWith("/r:2: '1 x 3'; expected an item's id, a whole number, second"));
  EXPECT_THAT(error_of("1 2 3\n-1 2 3\n"),
              EndsWith("r:2: '-1 2 3'; expected a user's id, a whole number, first"));
  EXPECT_THAT(error_of("1\t2\tnan\n"),
              EndsWith("r:1: '1\\t2\\tnan'; expected a rating, a finite number, third"));
  EXPECT_THAT(error_of("1,2,inf\n"), EndsWith("expected a rating, a finite number, third"));
  EXPECT_THAT(error_of("1,2,1e39\n"), EndsWith("expected a rating, a finite number, third"));
  EXPECT_THAT(error_of("1::2:3\n"), EndsWith("expected a rating, a finite number, third"));
  EXPECT_THAT(error_of("1,2,3\n1,2\n"), HasSubstr("r:2: '1,2'; expected a rating"));
  EXPECT_THAT(error_of("1,2,3\n1,2,3,\n"), EndsWith("expected a time stamp, a whole number, fourth"));
  EXPECT_THAT(error_of("1,2,3,4,5\n"), EndsWith("expected the end after the time stamp"));
  EXPECT_THAT(error_of("1,2,3.5x\n"), EndsWith("expected the end or a separator after the rating"));
  EXPECT_THAT(error_of("1,2,3\n1\t2\t3\n"),
              EndsWith("r:2: '1\\t2\\t3'; expected an item's id, a whole number, second"));
  EXPECT_THAT(error_of("1,2,3\nuser,item,rating\n"), HasSubstr("r:2: 'user,item,rating'"));
  EXPECT_THAT(error_of("18446744073709551616 2 3\n"),
              EndsWith("expected a user's id, a whole number, first"));
  EXPECT_THAT(error_of("1 2 3\n\n1 2 3\n"), HasSubstr("r:2: an empty line"));
  EXPECT_THAT(error_of(""), EndsWith("r:1: no rating in the file; expected at least one"));
  EXPECT_THAT(error_of("userId,movieId,rating\n"),
              EndsWith("r:2: no rating in the file; expected at least one"));
  EXPECT_THAT(read_ratings({folder_ / "none"}).error().message, HasSubstr("none: no such file"));
  EXPECT_THAT(read_ratings({}).error().message, HasSubstr("no source"));
}

TEST_F(RatingsFiles, CutOffAreAnError) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += std::to_string(i * 37 % 1009) + " " + std::to_string(i) + " 3\n";
  const std::string content = content_of(write_gzip("whole", text));
  ASSERT_TRUE(read_ratings({write("r", content)}).ok());
  EXPECT_THAT(error_of(content.substr(0, content.size() / 2)), HasSubstr("the gzip stream is cut off"));
}

TEST_F(RatingsFiles, SpoiltAtRandomNeverCrashIt) {
  Random random(17);
  std::size_t read = 0;
  for (std::size_t round = 0; round < 2500; ++round) {
    const std::string& text = kFormats[round % kFormats.size()];
    const auto ratings = read_ratings({write("r", mutated(random, text))});
    if (ratings.ok()) {
      ++read;
      expect_sound(ratings.value());
    } else {
      EXPECT_THAT(ratings.error().message, HasSubstr("/r:"));
    }
  }
  EXPECT_GT(read, 100U);
  EXPECT_LT(read, 2200U);
  const std::string content = content_of(write_gzip("whole", kFormats[0]));
  for (std::size_t round = 0; round < 500; ++round) {
    const auto ratings = read_ratings({write("r", mutated(random, content))});
    if (ratings.ok()) expect_sound(ratings.value());
  }
}

}  // namespace
}  // namespace meridian
