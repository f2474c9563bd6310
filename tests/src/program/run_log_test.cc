// Goal: log lines say when, how bad, and whose word they are, as text or as JSON; lines below the level are
// left out; repeats are summed.
#include "src/program/run_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/src/output/temporary_folder.h"

namespace meridian::program {
namespace {

using Level = RunLog::Level;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::SizeIs;

class RunLogTest : public testing::Test {
 protected:
  std::filesystem::path file() const { return folder_.path() / "log"; }

  std::vector<std::string> lines() const {
    std::ifstream stream(file());
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }

  output::TemporaryFolder folder_;
  Config config_;
  RunLog::Origin tokyo_{"tokyo", Role::worker, 2};
};

TEST_F(RunLogTest, TextSaysWhenHowBadAndWhoseWord) {
  {
    RunLog log(file(), config_, std::nullopt, /*wall_time=*/true);
    log.line(milliseconds(1500), Level::info, "training began");
    log.line(seconds(2), Level::error, "it broke", tokyo_);
  }
  EXPECT_THAT(lines(),
              ElementsAre("1.500000 info training began", "2.000000 error tokyo-worker-2: it broke"));
}

TEST_F(RunLogTest, JsonHasRunProcessAndMessageInFields) {
  config_.name = "demo";
  config_.log.format = "json";
  {
    RunLog log(file(), config_, tokyo_, /*wall_time=*/true);
    log.line(milliseconds(1500), Level::warning, "a \"quote\"\nand a break");
    log.line(seconds(2), Level::info, "x", RunLog::Origin{"oslo", Role::server, 0});
  }
  ASSERT_THAT(lines(), SizeIs(2));
  const auto first = nlohmann::json::parse(lines()[0]);
  EXPECT_EQ(first["time_s"], 1.5);
  EXPECT_EQ(first["level"], "warning");
  EXPECT_EQ(first["run"], "demo");
  EXPECT_EQ(first["datacenter"], "tokyo");
  EXPECT_EQ(first["role"], "worker");
  EXPECT_EQ(first["index"], 2);
  EXPECT_EQ(first["message"], "a \"quote\"\nand a break");
  EXPECT_THAT(std::string(first["time"]), testing::MatchesRegex(".*T.*\\..*Z"));
  EXPECT_EQ(nlohmann::json::parse(lines()[1])["datacenter"], "oslo");
}

TEST_F(RunLogTest, ASimulationsLinesHoldNoWallTime) {
  config_.log.format = "json";
  { RunLog(file(), config_, std::nullopt, /*wall_time=*/false).line(seconds(1), Level::info, "x"); }
  EXPECT_FALSE(nlohmann::json::parse(lines().at(0)).contains("time"));
}

TEST_F(RunLogTest, LeavesOutWhatIsBelowTheLevelAndSumsRepeats) {
  config_.log.level = "warning";
  {
    RunLog log(file(), config_, std::nullopt, /*wall_time=*/true);
    log.line(seconds(1), Level::info, "left out");
    EXPECT_THAT(log.warn(seconds(1), "lost chunk 1", tokyo_), SizeIs(1));
    EXPECT_THAT(log.warn(seconds(2), "lost chunk 2", tokyo_), SizeIs(0));
    EXPECT_THAT(log.warn(seconds(3), "lost chunk 3"), SizeIs(1)) << "another one's word is another kind";
    log.line(seconds(12), Level::info, "also left out, but repeats are overdue");
    log.warn(seconds(13), "lost chunk 4", tokyo_);
  }
  EXPECT_THAT(lines(),
              ElementsAre("1.000000 warning tokyo-worker-2: lost chunk 1", "3.000000 warning lost chunk 3",
                          "12.000000 warning tokyo-worker-2: lost chunk 2",
                          "13.000000 warning tokyo-worker-2: lost chunk 4"))
      << "nothing is lost at the end";
}

}  // namespace
}  // namespace meridian::program
