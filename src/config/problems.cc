#include "src/config/problems.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/config/spelling.h"

namespace meridian {

Problems::Problems(const std::string& file, const std::vector<std::string>& overrides) {
  sources_.push_back(printable(file, 400));
  for (const std::string& text : overrides) sources_.push_back("--set " + printable(text));
  overrides_ = overrides.size();
}

std::size_t Problems::add_source(const std::string& file) {
  sources_.push_back(printable(file, 400));
  return sources_.size() - 1;
}

void Problems::add(Place place, const std::string& what, const std::string& expected) {
  found_.push_back({place, fmt::format("{}; expected {}", what, expected)});
}

std::string Problems::describe(Place place) const {
  const std::string& source = sources_.at(place.source);
  if (place.source > 0 && place.source <= overrides_) return source;
  return fmt::format("{}:{}:{}", source, place.line, place.column);
}

std::string Problems::text() const {
  std::vector<Problem> ordered = found_;
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const Problem& a, const Problem& b) { return a.place < b.place; });
  std::string lines;
  for (std::size_t i = 0; i < std::min(ordered.size(), kShown); ++i) {
    if (i > 0) lines += '\n';
    lines += fmt::format("{}: {}", describe(ordered[i].place), ordered[i].message);
  }
  if (ordered.size() > kShown) lines += fmt::format("\nand {} more problems", ordered.size() - kShown);
  return lines;
}

}  // namespace meridian
