// Goal: what a run cannot do is said by name, with the exit code that fits and no process left: a disk
// without room, data that is not there, numbers that are no numbers. Reached with a limit on file sizes,
// which makes writes fail as a full disk does (and a real small disk where the test may mount one), missing
// folders and a huge learning rate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/integration/program_under_test.h"
#include "tests/integration/run_files_check.h"
#include "tests/integration/workspace.h"

namespace meridian::integration {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr const char* kModel = "model.safetensors";

TEST(Limits, ARunThatCannotWriteItsModelNamesTheFile) {
  for (const char* command : {"run", "simulate"}) {
    const Workspace work;
    const std::string config = work.write("config.yaml", TestConfig().yaml());
    // The model takes 31 kB, everything else less than 20.
    const Ended ended =
        run_meridian({command, config, "--out", work / "out"},
                     {.working_directory = {}, .environment = {}, .file_size_limit_bytes = 20000});
    EXPECT_EQ(ended.code, 1) << command;
    EXPECT_THAT(ended.err, AllOf(HasSubstr(kModel), HasSubstr("File too large"))) << command;
    EXPECT_FALSE(std::filesystem::exists(work / "out" / kModel)) << command;
    EXPECT_TRUE(processes_of(work.folder()).empty()) << command;
  }
}

TEST(Limits, ARunThatCannotWriteItsTimelineEndsAtOnce) {
  const Workspace work;
  TestConfig shape;
  shape.stop = kEndless;
  shape.datacenters = {{"east", 1, {}, 1}, {"west", 1, {}, 1}};
  const std::string config = work.write("config.yaml", shape.yaml());
  // Room for config.yaml and addresses.json, and for a dozen samples of the timeline.
  const Ended ended =
      run_meridian({"run", config, "--out", work / "out"},
                   {.working_directory = {}, .environment = {}, .file_size_limit_bytes = 3000});
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("timeline.jsonl"), HasSubstr("File too large")));
  EXPECT_TRUE(processes_of(work.folder()).empty());
}

/// A disk of 64 KiB, while it is there.
class TinyDisk {
 public:
  explicit TinyDisk(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    mounted_ = ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=64k") == 0;
  }
  TinyDisk(const TinyDisk&) = delete;
  TinyDisk& operator=(const TinyDisk&) = delete;
  ~TinyDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  explicit operator bool() const { return mounted_; }

 private:
  std::filesystem::path folder_;
  bool mounted_ = false;
};

TEST(Limits, AFullDiskIsNamedAndLeavesNoOrphan) {
  const Workspace work;
  const TinyDisk disk(work / "disk");
  if (!disk) GTEST_SKIP() << "may not mount";
  TestConfig shape;
  shape.stop = kEndless;
  const std::string config = work.write("config.yaml", shape.yaml());
  for (const char* command : {"run", "simulate"}) {
    const Ended ended =
        run_meridian({command, config, "--out", work / "disk" / command, "--set", "workload.stop.clocks=60"});
    EXPECT_EQ(ended.code, 1) << command << ": " << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("No space left on device")) << command;
    EXPECT_TRUE(processes_of(work.folder()).empty()) << command;
    std::filesystem::remove_all(work / "disk" / command);
    std::ofstream(work / "disk" / "rest") << std::string(40000, 'x');
  }
}

TEST(Limits, MissingDataIsSaidBeforeAnythingStarts) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  for (const char* command : {"run", "simulate"}) {
    const Ended ended = run_meridian({command, config, "--out", work / "out", "--set",
                                      "workload.data={format: idx, path: nowhere, if_missing: error}"});
    EXPECT_EQ(ended.code, 2) << command;
    EXPECT_THAT(ended.err, HasSubstr((work / "nowhere").string())) << command;
    EXPECT_FALSE(std::filesystem::exists(work / "out" / "log")) << command;
    EXPECT_EQ(ended.out, "") << command;
  }
}

TEST(Limits, ANonFiniteValueStopsTheRunWithItsPlace) {
  for (const char* command : {"run", "simulate"}) {
    const Workspace work;
    TestConfig shape;
    shape.stop = kEndless;
    const std::string config = work.write("config.yaml", shape.yaml());
    const Ended ended = run_meridian({command, config, "--out", work / "out", "--set",
                                      "workload.optimizer={name: sgd, learning_rate: 1000}", "--set",
                                      "workload.model={kind: mlp, hidden: [16]}"});
    EXPECT_EQ(ended.code, 1) << command;
    EXPECT_THAT(ended.err, AllOf(HasSubstr("table"), HasSubstr("clock"), HasSubstr("not finite"),
                                 AnyOf(HasSubstr("east"), HasSubstr("west"))))
        << command;
    expect_summary_keys(work / "out");
    EXPECT_EQ(read_json(work / "out" / "summary.json")["stop_reason"], "failed") << command;
    EXPECT_TRUE(processes_of(work.folder()).empty()) << command;
  }
}

}  // namespace
}  // namespace meridian::integration
