// Keeps a log readable when the same thing happens again and again: the first of a kind is told at once,
// repeats are counted and told together after a while.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/time.h"

namespace meridian::program {

/// Not thread-safe; no clock of its own: `now` never goes back.
class RepeatFilter {
 public:
  /// Repeats within so long are told together.
  static constexpr Time kInterval = std::chrono::seconds(10);
  /// Of more kinds than this at once, all are told.
  static constexpr std::size_t kMostKinds = 256;

  /// Texts that differ in numbers only are of one kind; digits in names are no numbers.
  static std::string kind_of(std::string_view text);

  /// What there is to tell now of a text that comes in: itself where it is the first of its kind, nothing
  /// where it is a repeat.
  std::vector<std::string> take(Time now, const std::string& text);
  /// What there is to tell of repeats whose interval is over.
  std::vector<std::string> overdue(Time now);
  /// What there is to tell of all repeats, at the end.
  std::vector<std::string> rest();

 private:
  struct Repeats {
    Time since{0};
    std::uint64_t count = 0;
    std::string latest = {};
  };

  static std::string summed(const Repeats& repeats);

  std::map<std::string, Repeats> kinds_;
};

}  // namespace meridian::program
