// A page of docs/ as its tests see it: its code blocks, and the rows of its tables.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace meridian::docs {

struct CodeBlock {
  std::string language;
  std::string text;
};

/// A table's row, its cells without the spaces around them and without backticks where they enclose the whole
/// cell.
struct Row {
  std::string table;  ///< the first cell of the table's heading
  std::vector<std::string> cells;
};

struct Page {
  std::vector<CodeBlock> blocks;
  std::vector<Row> rows;

  /// The first block whose text begins so; fails the test where there is none.
  std::string block(const std::string& beginning) const;
};

/// Reads docs/NAME of the source tree; an unreadable one fails the test.
Page read_page(const std::string& name);

std::string read_source(const std::filesystem::path& path_in_tree);

/// The folder of the source tree.
std::filesystem::path source_folder();

/// What a change (a diff that begins with its file's name) needs to find: the lines that stay and the lines
/// that go, in a row.
std::string lines_before(const std::string& change);

}  // namespace meridian::docs
