// A Markdown table, its columns as wide as their widest cell.
#pragma once

#include <string>
#include <vector>

namespace meridian::precision {

class Table {
 public:
  explicit Table(std::vector<std::string> header);

  /// Requires as many cells as the header has.
  void add(std::vector<std::string> row);

  /// Ends with a line break.
  std::string markdown() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the header first
};

}  // namespace meridian::precision
