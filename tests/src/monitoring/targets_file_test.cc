// Goal: what is written is what Prometheus' file service discovery and `meridian top` read, and a file of
// another form is refused by name.
#include "src/monitoring/targets_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/src/output/temporary_folder.h"

namespace meridian::monitoring {
namespace {

using testing::HasSubstr;

TEST(TargetsFile, IsReadAsItWasWritten) {
  const output::TemporaryFolder folder;
  const auto file = folder.path() / "deeper" / "targets.json";
  const std::vector<TargetGroup> groups = {{{"127.0.0.1:1", "[::1]:2"}, {{"role", "server"}}}, {{"h:3"}, {}}};
  ASSERT_FALSE(write_targets(file, groups));
  const auto read = read_targets(file);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value(), groups);

  std::ifstream stream(file);
  const nlohmann::json json = nlohmann::json::parse(stream);
  EXPECT_EQ(json[0]["targets"][1], "[::1]:2");
  EXPECT_EQ(json[0]["labels"]["role"], "server");

  ASSERT_FALSE(write_targets(file, {}));
  EXPECT_TRUE(read_targets(file).value().empty()) << "a run that has ended has no targets";
}

TEST(TargetsFile, AnotherFormIsRefusedByName) {
  const output::TemporaryFolder folder;
  const auto file = folder.path() / "targets.json";
  for (const char* wrong : {"", "{}", "[1]", R"([{"labels": {}}])", R"([{"targets": [1]}])",
                            R"([{"targets": ["a"], "labels": {"x": 1}}])"}) {
    std::ofstream(file) << wrong;
    const auto read = read_targets(file);
    ASSERT_FALSE(read) << wrong;
    EXPECT_THAT(read.error().message, HasSubstr(file.string()));
  }
  EXPECT_FALSE(read_targets(folder.path() / "none.json"));
}

}  // namespace
}  // namespace meridian::monitoring
