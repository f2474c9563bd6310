// Goal: a timeline's lines are stable and read back, a crash costs its last line at most, and samples of
// several datacenters merge by time. Reached with fixed lines, files cut in the middle, and the device that
// is always full.
#include "src/output/timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/src/output/temporary_folder.h"

namespace meridian::output {
namespace {

using ::testing::HasSubstr;

const TimelineSample kFirst{1.25, 25, "tokyo", 0.5, 1000, 0.04, {}, {}, 900};
const TimelineSample kSecond{2.5, 50, "ireland", std::nullopt, 0, std::nullopt};

TEST(Timeline, ALineHasTheKeysInTheirOrder) {
  EXPECT_EQ(to_json_line(kFirst),
            "{\"time_s\":1.25,\"clock\":25,\"datacenter\":\"tokyo\",\"objective\":0.5,\"wan_bytes\":1000,"
            "\"payload_bytes\":900,\"entries_sent_share\":0.04}\n");
}

TEST(Timeline, KeepsTheFiguresOfAWorkload) {
  TimelineSample sample;
  sample.datacenter = "tokyo";
  sample.train_loss = 0.25;
  sample.figures = {{"auc", 0.75}, {"log_loss", 0.5}};
  const std::string line = to_json_line(sample);
  EXPECT_TRUE(line.ends_with("\"train_loss\":0.25,\"figures\":{\"auc\":0.75,\"log_loss\":0.5}}\n")) << line;
  const Result<Timeline> read = timeline_from_text(line, "timeline.jsonl");
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read.value().samples.size(), 1U);
  EXPECT_EQ(read.value().samples[0], sample);
  EXPECT_TRUE(
      timeline_from_text("{\"time_s\":0,\"clock\":0,\"datacenter\":\"a\",\"objective\":1,\"wan_bytes\":0,"
                         "\"entries_sent_share\":null,\"figures\":3}\n",
                         "timeline.jsonl")
          .value()
          .note);
}

TEST(Timeline, ReadsBackWhatTheWriterAppended) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "timeline.jsonl";
  put(path, "what an earlier run left\n");
  TimelineWriter writer(path);
  ASSERT_EQ(writer.open(), std::nullopt);
  ASSERT_EQ(writer.append(kFirst), std::nullopt);
  ASSERT_EQ(writer.append(kSecond), std::nullopt);
  const Result<Timeline> read = read_timeline(path);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().samples, (std::vector{kFirst, kSecond}));
  EXPECT_EQ(read.value().note, std::nullopt);
}

TEST(Timeline, ABrokenLastLineIsLeftOutAndSaid) {
  const std::string whole = to_json_line(kFirst);
  const std::string next = to_json_line(kSecond);
  for (std::size_t size = 1; size + 1 < next.size(); ++size) {
    const Result<Timeline> read = timeline_from_text(whole + next.substr(0, size), "t");
    ASSERT_TRUE(read) << size;
    EXPECT_EQ(read.value().samples, std::vector{kFirst});
    EXPECT_EQ(read.value().note, "t:2: the last line is not whole and was left out");
  }
}

TEST(Timeline, ABrokenLineElsewhereIsAnErrorWithItsPlace) {
  const std::string line = to_json_line(kFirst);
  EXPECT_EQ(timeline_from_text(line + "{}\n" + line, "t").error().message, "t:2: time_s: is missing");
  EXPECT_EQ(timeline_from_text("\n" + line, "t").error().message, "t:1: is not valid JSON");
  const std::string endless(kTimelineLineLimitBytes + 1, 'x');
  EXPECT_THAT(timeline_from_text(line + endless, "t").error().message, HasSubstr("t:2: is longer than"));
}

TEST(Timeline, MergesByTimeAndKeepsTheOrderOfEqualTimes) {
  const auto at = [](double time_s, const char* datacenter) {
    return TimelineSample{time_s, 1, datacenter, 0.5, 0, std::nullopt};
  };
  EXPECT_EQ(merge_timelines({{at(1, "a"), at(3, "a")}, {at(1, "b"), at(2, "b")}}),
            (std::vector{at(1, "a"), at(1, "b"), at(2, "b"), at(3, "a")}));
}

TEST(Timeline, AFullDiskIsNamed) {
  TimelineWriter writer("/dev/full");
  ASSERT_EQ(writer.open(), std::nullopt);
  const Failure failure = writer.append(kFirst);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->message, "/dev/full: cannot be written: No space left on device");
}

}  // namespace
}  // namespace meridian::output
