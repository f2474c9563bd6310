#include "src/program/repeat_filter.h"

#include <fmt/format.h>

#include <utility>

namespace meridian::program {

std::string RepeatFilter::kind_of(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string kind;
  for (const char c : text) {
    if (!is_digit(c)) {
      kind += c;
    } else if (kind.empty() || kind.back() != '#') {
      kind += '#';
    }
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
      repeats = {.since = now};
      ++entry;
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
