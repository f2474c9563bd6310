#include "tests/docs/page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace meridian::docs {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream rest(line.substr(1));
  for (std::string cell; std::getline(rest, cell, '|');) {
    cell = trimmed(cell);
    const bool is_code = cell.size() > 2 && cell.find('`') == 0 && cell.find('`', 1) == cell.size() - 1;
    cells.push_back(is_code ? cell.substr(1, cell.size() - 2) : cell);
  }
  return cells;
}

}  // namespace

std::filesystem::path source_folder() {
  const char* const folder = std::getenv("MERIDIAN_SOURCE_DIR");
  return folder == nullptr ? "." : folder;
}

std::string read_source(const std::filesystem::path& path_in_tree) {
  std::ifstream file(source_folder() / path_in_tree, std::ios::binary);
  EXPECT_TRUE(file) << path_in_tree << ": cannot be read; is MERIDIAN_SOURCE_DIR the source tree?";
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::string Page::block(const std::string& beginning) const {
  for (const CodeBlock& one : blocks) {
    if (one.text.starts_with(beginning)) return one.text;
  }
  ADD_FAILURE() << "no block begins with " << beginning;
  return {};
}

Page read_page(const std::string& name) {
  Page page;
  std::istringstream text(read_source(std::filesystem::path("docs") / name));
  bool in_block = false;
  std::string table;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("```")) {
      in_block = !in_block;
      if (in_block) page.blocks.push_back({line.substr(3), {}});
    } else if (in_block) {
      page.blocks.back().text += line + '\n';
    } else if (!line.starts_with('|')) {
      table.clear();
    } else if (table.empty()) {
      table = cells_of(line).front();
    } else if (!line.starts_with("|---")) {
      page.rows.push_back({table, cells_of(line)});
    }
  }
  EXPECT_FALSE(in_block) << name << ": a code block does not end";
  return page;
}

std::string lines_before(const std::string& change) {
  std::istringstream lines(change);
  std::string before;
  std::string line;
  std::getline(lines, line);  // the file's name
  while (std::getline(lines, line)) {
    if (!line.starts_with('+')) before += line.substr(std::min<std::size_t>(1, line.size())) + '\n';
  }
  return before;
}

}  // namespace meridian::docs
