// Goal: a data path means a file, a folder's known files or the files of a pattern, in the order of their
// names, and never nothing without an error. How: a folder of empty files.
#include "src/data/data_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/src/data/text_files.h"

namespace meridian {
namespace {

using testing::ElementsAre;

class DataFiles : public TextFiles {
 protected:
  void SetUp() override {
    TextFiles::SetUp();
    for (const char* const name :
         {"part-2.csv", "part-10.csv", "part-1.csv.gz", "PART-0.csv", "all.txt", ".all.txt", "odd[1].txt"}) {
      write(name, "");
    }
    std::filesystem::create_directories(folder_ / "part-3.csv");
  }

  std::vector<std::string> names(const std::string& source,
                                 const std::vector<std::string>& known = {}) const {
    const auto files = find_data_files((folder_ / source).string(), known);
    if (!files.ok()) return {"error: " + files.error().message};
    std::vector<std::string> result;
    for (const auto& file : files.value()) result.push_back(file.filename().string());
    return result;
  }
};

TEST_F(DataFiles, AreTheFileOfThatName) {
  EXPECT_THAT(names("all.txt"), ElementsAre("all.txt"));
  EXPECT_THAT(names("odd[1].txt"), ElementsAre("odd[1].txt"));
}

TEST_F(DataFiles, AreThoseThatMatchInTheOrderOfTheirNames) {
  EXPECT_THAT(names("part-*"), ElementsAre("part-1.csv.gz", "part-10.csv", "part-2.csv"));
  EXPECT_THAT(names("part-?.csv"), ElementsAre("part-2.csv"));
  EXPECT_THAT(names("[a-p]*[!z]"), ElementsAre("all.txt", "odd[1].txt", "part-10.csv", "part-2.csv"));
}

TEST_F(DataFiles, AreAFoldersKnownOnesOfTheFirstNameThatIsThere) {
  EXPECT_THAT(names("", {"none.txt", "part-*.csv", "all.txt"}),
              ElementsAre("part-1.csv.gz", "part-10.csv", "part-2.csv"));
  EXPECT_THAT(names("", {"*.txt"}), ElementsAre("all.txt", "odd[1].txt"));
}

TEST_F(DataFiles, OfAFolderAreReadInOneFormOnly) {
  write("part-1.csv", "");
  EXPECT_THAT(names("", {"part-*.csv"}), ElementsAre("part-1.csv", "part-10.csv", "part-2.csv"));
}

TEST_F(DataFiles, AreNeverNone) {
  const std::string folder = folder_.string();
  EXPECT_THAT(names("nothing"), ElementsAre("error: " + folder +
                                            "/nothing: no such file; expected a file, a folder or a pattern "
                                            "that some file matches"));
  EXPECT_THAT(names("*.dat"), ElementsAre(testing::HasSubstr("*.dat: no such file")));
  EXPECT_THAT(
      names("", {"u.data", "ratings.csv"}),
      ElementsAre("error: " + folder +
                  "/: no data file in this folder; expected u.data or ratings.csv, plain or with .gz"));
}

}  // namespace
}  // namespace meridian
