// A table of text, and the forms in which it is written.
#pragma once

#include <string>
#include <vector>

namespace meridian::sweep {

/// Every row has as many cells as there are headings. Cells are plain text of any content.
struct Table {
  std::vector<std::string> headings;
  std::vector<std::vector<std::string>> rows;
};

/// As RFC 4180 has it, but for lines that end with a line feed alone.
std::string to_csv(const Table& table);

/// Aligned columns for a terminal: what would steer it becomes '?'.
std::string to_text(const Table& table);

std::string to_markdown(const Table& table);

/// A <table> element.
std::string to_html(const Table& table);

/// Text as it stands in HTML, between tags or in a quoted attribute.
std::string html_escaped(const std::string& text);

/// Text as it stands in Markdown, between blanks or in a cell of a table.
std::string markdown_escaped(const std::string& text);

}  // namespace meridian::sweep
