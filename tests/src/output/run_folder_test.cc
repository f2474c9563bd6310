// Goal: a run never starts over somebody's files, and --overwrite removes what a run leaves and nothing else.
// Reached by preparing folders that hold an earlier run, strangers' files beside it, and links that lead out
// of it.
#include "src/output/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/src/output/temporary_folder.h"

namespace meridian::output {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

TEST(RunFolder, CreatesANewOneAndTakesAnEmptyOne) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "a" / "b";
  EXPECT_EQ(prepare_run_folder(path, false), std::nullopt);
  EXPECT_TRUE(fs::is_directory(path));
  EXPECT_EQ(prepare_run_folder(path, false), std::nullopt);
}

TEST(RunFolder, RefusesOneThatHoldsAnything) {
  const TemporaryFolder folder;
  put(folder.path() / "notes", "mine");
  const Failure failure = prepare_run_folder(folder.path(), false);
  ASSERT_TRUE(failure.has_value());
  EXPECT_THAT(failure->message, AllOf(HasSubstr(folder.path().string()), HasSubstr("--overwrite")));
  EXPECT_EQ(content_of(folder.path() / "notes"), "mine");
}

TEST(RunFolder, RefusesAFileInItsPlace) {
  const TemporaryFolder folder;
  put(folder.path() / "file", "mine");
  for (const bool overwrite : {false, true}) {
    const Failure failure = prepare_run_folder(folder.path() / "file", overwrite);
    ASSERT_TRUE(failure.has_value());
    EXPECT_THAT(failure->message, HasSubstr((folder.path() / "file").string()));
  }
  EXPECT_EQ(content_of(folder.path() / "file"), "mine");
}

TEST(RunFolder, OverwriteRemovesWhatARunLeftAndNothingElse) {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  for (const char* left :
       {"config.yaml", "summary.json", "timeline.jsonl", "model.safetensors", "log", "summary.json.part",
        "tokyo-worker-11/log", "new-york-server-0/summary.json", "emulator/log", "emulator/relays.json",
        "emulator/address", "emulator/carried.json", "addresses.json"}) {
    put(run / left, "old");
  }
  for (const char* other : {"notes", "summary.json.orig", "tokyo-server-0/notes", "tokyo-client-0/log",
                            "tokyo-worker-1x/log", "sub/summary.json"}) {
    put(run / other, "mine");
  }
  put(run / "tokyo-server-0/log", "old");
  ASSERT_EQ(prepare_run_folder(run, true), std::nullopt);

  std::vector<std::string> left;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    if (entry.is_regular_file()) left.push_back(entry.path().lexically_relative(run).string());
  }
  EXPECT_THAT(
      left, ::testing::UnorderedElementsAre("notes", "summary.json.orig", "tokyo-server-0/notes",
                                            "tokyo-client-0/log", "tokyo-worker-1x/log", "sub/summary.json"));
  EXPECT_FALSE(fs::exists(run / "tokyo-worker-11"));
  EXPECT_FALSE(fs::exists(run / "new-york-server-0"));
  EXPECT_FALSE(fs::exists(run / "emulator"));
}

TEST(RunFolder, OverwriteFollowsNoLinks) {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  const fs::path elsewhere = folder.path() / "elsewhere";
  put(elsewhere / "summary.json", "mine");
  fs::create_directory(run);
  fs::create_symlink(elsewhere / "summary.json", run / "summary.json");
  fs::create_symlink(elsewhere, run / "tokyo-worker-0");
  fs::create_directories(run / "log" / "deep");
  ASSERT_EQ(prepare_run_folder(run, true), std::nullopt);
  EXPECT_FALSE(fs::is_symlink(run / "summary.json"));
  EXPECT_EQ(content_of(elsewhere / "summary.json"), "mine");
  EXPECT_TRUE(fs::is_directory(run / "log" / "deep"));
}

}  // namespace
}  // namespace meridian::output
