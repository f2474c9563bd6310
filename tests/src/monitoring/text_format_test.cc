// Goal: what Prometheus' own serializer writes is read back whole, and no text can do harm.
#include "src/monitoring/text_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <limits>
#include <random>

#include "src/monitoring/metric_set.h"

namespace meridian::monitoring {
namespace {

using testing::HasSubstr;

TEST(TextFormat, ReadsWhatTheSerializerWrites) {
  MetricSet set(Labels{{"run", "a \"b\"\\c\nd"}});
  set.add("meridian_loss", 1.0 / 3.0);
  set.add("meridian_link_bytes_total", 12345678901.0, {{"peer", "tokyo"}, {"kind", "data"}});
  set.add("meridian_mirror_clock_bound_clocks", std::numeric_limits<double>::infinity());
  const auto read = parse_text_format(prometheus::TextSerializer().Serialize(set.take()));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read.value().size(), 3U);
  const Sample& loss = read.value()[0];
  EXPECT_EQ(loss.name, "meridian_loss");
  EXPECT_EQ(loss.value, 1.0 / 3.0);
  EXPECT_EQ(loss.label("run"), "a \"b\"\\c\nd");
  EXPECT_EQ(loss.label("peer"), "");
  EXPECT_TRUE(std::isinf(read.value()[1].value));
  EXPECT_EQ(read.value()[2].label("kind"), "data");
  EXPECT_EQ(read.value()[2].value, 12345678901.0);
}

TEST(TextFormat, PassesOverCommentsBlanksAndTimestamps) {
  const auto read = parse_text_format("# HELP a b\n\n  up{} 1 1700000000000\r\nnan NaN\nlast{x=\"1\",} -Inf");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read.value().size(), 3U);
  EXPECT_EQ(read.value()[0].value, 1.0);
  EXPECT_TRUE(std::isnan(read.value()[1].value));
  EXPECT_EQ(read.value()[2].label("x"), "1");
}

TEST(TextFormat, NamesTheLineThatIsWrong) {
  for (const char* wrong :
       {"{} 1", "a", "a{x=1} 2", "a{x=\"1} 2", "a{x=\"1\" 2", "a 1.2.3", "a{x=\"1\"y=\"2\"} 3"}) {
    const auto read = parse_text_format(std::string("up 1\n") + wrong + "\n");
    ASSERT_FALSE(read) << wrong;
    EXPECT_THAT(read.error().message, HasSubstr("line 2")) << wrong;
  }
}

TEST(TextFormat, WhateverComesIsReadOrRefused) {
  std::mt19937 random(1);
  const std::string valid = "a_b{x=\"1\\\"\",y=\"\\n\"} 1.5e3 17\n# x\nc +Inf\n";
  for (int round = 0; round < 20000; ++round) {
    std::string text = valid;
    for (int change = 0; change < 3; ++change)
      text[random() % text.size()] = static_cast<char>(random() % 256);
    text.resize(random() % (text.size() + 1));
    const auto read = parse_text_format(text);
    EXPECT_LE(read ? read.value().size() : 0, 16U);
  }
}

}  // namespace
}  // namespace meridian::monitoring
