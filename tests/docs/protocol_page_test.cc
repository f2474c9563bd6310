// Goal: docs/protocol.md names every message that there is, and no other. How: the alternatives of the type
// that holds any message are read off its header and compared with the page's table.
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>

#include "tests/docs/page.h"

namespace meridian {
namespace {

/// The alternatives of `using Body = std::variant<...>`.
std::set<std::string> messages_of_the_header() {
  const std::string header = docs::read_source("src/wire/message.h");
  const std::string opening = "using Body = std::variant<";
  const std::size_t begin = header.find(opening);
  if (begin == std::string::npos) return {};
  const std::size_t first = begin + opening.size();
  std::istringstream names(header.substr(first, header.find('>', first) - first));
  std::set<std::string> messages;
  for (std::string name; names >> name;) {
    if (name.ends_with(',')) name.pop_back();
    messages.insert(name);
  }
  return messages;
}

TEST(ProtocolPage, HasEveryMessage) {
  std::set<std::string> documented;
  for (const docs::Row& row : docs::read_page("protocol.md").rows) {
    const bool is_heading = row.cells.front().starts_with('*');
    if (row.table != "message" || is_heading) continue;
    EXPECT_TRUE(documented.insert(row.cells.front()).second) << row.cells.front() << " stands there twice";
  }
  EXPECT_GT(documented.size(), 15U);
  EXPECT_EQ(documented, messages_of_the_header());
}

}  // namespace
}  // namespace meridian
