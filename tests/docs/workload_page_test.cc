// Goal: what docs/add-a-workload.md tells its reader to write is code that compiles and is tested, and the
// lines that it tells to change are there. How: its C++ stands word for word in the example's file and test,
// and its change applies to the file that it names.
#include <gtest/gtest.h>

#include <string>

#include "tests/docs/page.h"

namespace meridian {
namespace {

TEST(WorkloadPage, ShowsTheCodeThatIsTested) {
  const std::string workload = docs::read_source("tests/src/workloads/league_workload.h");
  const std::string test = docs::read_source("tests/src/workloads/league_workload_test.cc");
  bool whole_file = false;
  std::size_t compared = 0;
  for (const docs::CodeBlock& block : docs::read_page("add-a-workload.md").blocks) {
    if (block.language != "cpp") continue;
    ++compared;
    whole_file = whole_file || block.text == workload;
    EXPECT_TRUE(block.text == workload || test.find(block.text) != std::string::npos)
        << "neither the workload's file nor its test has\n"
        << block.text;
  }
  EXPECT_TRUE(whole_file);
  EXPECT_EQ(compared, 2U);
}

TEST(WorkloadPage, ShowsAChangeThatApplies) {
  const std::string registry = docs::read_source("src/workloads/registry.cc");
  std::size_t changes = 0;
  for (const docs::CodeBlock& block : docs::read_page("add-a-workload.md").blocks) {
    if (block.language != "diff") continue;
    ++changes;
    EXPECT_NE(registry.find(docs::lines_before(block.text)), std::string::npos) << block.text;
  }
  EXPECT_EQ(changes, 1U);
}

}  // namespace
}  // namespace meridian
