// Everything found wrong with one configuration, each at its place, so that a user mends a file in one go.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace meridian {

/// Where something was written: source 0 is the file, with a line and a column from 1; source k is the k-th
/// --set; further ones are files that these name.
struct Place {
  std::size_t source = 0;
  int line = 1;
  int column = 1;

  auto operator<=>(const Place&) const = default;
};

class Problems {
 public:
  /// `file` as the user typed it, `overrides` the texts of the --set options.
  Problems(const std::string& file, const std::vector<std::string>& overrides);

  /// One more file; its number as a source.
  std::size_t add_source(const std::string& file);

  /// Notes `what` is wrong at `place` and what was `expected` there.
  void add(Place place, const std::string& what, const std::string& expected);

  bool empty() const { return found_.empty(); }
  std::size_t count() const { return found_.size(); }

  /// "demo.yaml:3:5" or "--set wan.mode=x".
  std::string describe(Place place) const;

  /// One line for each problem, by place, without a final newline: "PLACE: what is wrong; what was expected".
  /// At most kShown lines and one that counts the rest.
  std::string text() const;

  static constexpr std::size_t kShown = 50;

 private:
  struct Problem {
    Place place;
    std::string message;
  };

  std::vector<std::string> sources_;
  std::size_t overrides_ = 0;
  std::vector<Problem> found_;
};

}  // namespace meridian
