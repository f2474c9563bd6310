// Goal: what docs/add-a-method.md tells its reader to write is code that compiles and is tested, and the
// lines that it tells to change are there. How: its C++ stands word for word in the example's file and test,
// and its changes apply to the files that they name.
#include <gtest/gtest.h>

#include <string>

#include "tests/docs/page.h"

namespace meridian {
namespace {

TEST(MethodPage, ShowsTheCodeThatIsTested) {
  const std::string method = docs::read_source("tests/wan/every_third.h");
  const std::string test = docs::read_source("tests/wan/toy_method_test.cc");
  std::size_t compared = 0;
  bool whole_file = false;
  for (const docs::CodeBlock& block : docs::read_page("add-a-method.md").blocks) {
    if (block.language != "cpp") continue;
    ++compared;
    whole_file = whole_file || block.text == method;
    EXPECT_TRUE(block.text == method || test.find(block.text) != std::string::npos)
        << "neither the method's file nor its test has\n"
        << block.text;
  }
  EXPECT_TRUE(whole_file);
  EXPECT_GE(compared, 4U);
}

TEST(MethodPage, ShowsChangesThatApply) {
  const std::string heading = "--- ";
  std::size_t compared = 0;
  for (const docs::CodeBlock& block : docs::read_page("add-a-method.md").blocks) {
    if (block.language != "diff") continue;
    ++compared;
    ASSERT_TRUE(block.text.starts_with(heading)) << block.text;
    const std::string file = block.text.substr(heading.size(), block.text.find('\n') - heading.size());
    const std::string before = docs::lines_before(block.text);
    ASSERT_FALSE(before.empty()) << block.text;
    EXPECT_NE(docs::read_source(file).find(before), std::string::npos) << file << " does not have\n"
                                                                       << before;
  }
  EXPECT_GE(compared, 5U);
}

}  // namespace
}  // namespace meridian
