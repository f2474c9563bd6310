#include "src/program/repeat_filter.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace meridian::program {

std::string RepeatFilter::kind_of(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string kind;
  for (std::size_t i = 0; i < text.size(); ++i) {
    // "chunk 7", "(3 of 5)": a number. "dc3", "tokyo-server-0": part of a name.
    const bool begins_number = is_digit(text[i]) && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '(');
    if (!begins_number) {
      kind += text[i];
      continue;
    }
    kind += '#';
    while (i + 1 < text.size() && is_digit(text[i + 1])) ++i;
  }
  return kind;
}

std::string RepeatFilter::summed(const Repeats& repeats) {
  if (repeats.count == 1) return repeats.latest;
  return fmt::format("{} times more within {:.0f} s, the last time: {}", repeats.count, to_seconds(kInterval),
                     repeats.latest);
}

std::vector<std::string> RepeatFilter::take(Time now, const std::string& text) {
  std::vector<std::string> told = overdue(now);
  std::string kind = kind_of(text);
  const auto known = kinds_.find(kind);
  if (known != kinds_.end()) {
    ++known->second.count;
    known->second.latest = text;
    return told;
  }
  if (kinds_.size() < kMostKinds) kinds_.emplace(std::move(kind), Repeats{.since = now});
  told.push_back(text);
  return told;
}

std::vector<std::string> RepeatFilter::overdue(Time now) {
  std::vector<std::string> told;
  for (auto entry = kinds_.begin(); entry != kinds_.end();) {
    Repeats& repeats = entry->second;
    if (now - repeats.since < kInterval) {
      ++entry;
    } else if (repeats.count == 0) {
      entry = kinds_.erase(entry);
    } else {
      told.push_back(summed(repeats));
      const bool long_ago = now - repeats.since >= 2 * kInterval;
      repeats = {.since = now};
      entry = long_ago ? kinds_.erase(entry) : std::next(entry);
    }
  }
  return told;
}

std::vector<std::string> RepeatFilter::rest() {
  std::vector<std::string> told;
  for (const auto& [kind, repeats] : kinds_) {
    if (repeats.count > 0) told.push_back(summed(repeats));
  }
  kinds_.clear();
  return told;
}

}  // namespace meridian::program
