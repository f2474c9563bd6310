#include "src/config/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "src/config/choices.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

using Kind = YamlNode::Kind;

void refuse(const YamlNode& value, const std::string& path, const std::string& expected, Problems& problems) {
  if (value.kind == Kind::broken) return;
  problems.add(value.place, fmt::format("{} is {}", path, describe_value(value)), expected);
}

/// The whole text as a number of type T: no sign before an unsigned one, no space, nothing left over.
template <typename T>
std::optional<T> parse_whole(const std::string& text) {
  T number{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// YAML 1.1 reads 010 as eight and others as ten: neither is guessed here.
bool has_leading_zero(const std::string& text) { return text.size() > 1 && text[0] == '0'; }

}  // namespace

std::string Range::describe() const {
  return fmt::format("a number {} {}{}{}", least_open ? "above" : "from", least,
                     most_open ? ", below " : (least_open ? ", at most " : " to "), most);
}

bool Range::holds(double value) const {
  return std::isfinite(value) && (least_open ? value > least : value >= least) &&
         (most_open ? value < most : value <= most);
}

std::string describe_value(const YamlNode& value) {
  switch (value.kind) {
    case Kind::null:
      return "without a value";
    case Kind::scalar:
      return value.quoted ? fmt::format("the quoted text {}", in_quotes(value.text)) : in_quotes(value.text);
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
    case Kind::broken:
      break;
  }
  return "unreadable";
}

std::optional<double> read_number(const YamlNode& value, const std::string& path, Range range,
                                  Problems& problems) {
  if (value.kind == Kind::scalar && !value.quoted) {
    const auto number = parse_whole<double>(value.text);
    // Adding zero turns -0 into 0, which prints otherwise and would give another run id.
    if (number && range.holds(*number)) return *number + 0.0;
  }
  refuse(value, path, range.describe(), problems);
  return std::nullopt;
}

std::optional<std::uint64_t> read_integer(const YamlNode& value, const std::string& path, std::uint64_t least,
                                          std::uint64_t most, Problems& problems, std::string_view others) {
  if (value.kind == Kind::scalar && !value.quoted && !has_leading_zero(value.text)) {
    const auto number = parse_whole<std::uint64_t>(value.text);
    if (number && *number >= least && *number <= most) return number;
  }
  refuse(value, path, fmt::format("a whole number from {} to {}{}", least, most, others), problems);
  return std::nullopt;
}

std::optional<std::string> read_text(const YamlNode& value, const std::string& path,
                                     const std::string& expected, Problems& problems) {
  if (value.kind == Kind::scalar && !value.text.empty()) return value.text;
  refuse(value, path, expected, problems);
  return std::nullopt;
}

std::optional<std::string> read_choice(const YamlNode& value, const std::string& path,
                                       std::span<const std::string_view> words, Problems& problems) {
  if (value.kind == Kind::broken) return std::nullopt;
  if (value.kind == Kind::scalar) {
    if (std::find(words.begin(), words.end(), value.text) != words.end()) return value.text;
    problems.add(value.place,
                 fmt::format("{} is {}{}", path, in_quotes(value.text), perhaps(value.text, words)),
                 one_of(words));
    return std::nullopt;
  }
  refuse(value, path, one_of(words), problems);
  return std::nullopt;
}

Fields::Fields(Problems& problems, const YamlNode* node, std::string path)
    : problems_(problems), node_(node), path_(std::move(path)) {
  if (node_ == nullptr || node_->kind == Kind::map) return;
  refuse(*node_, path_.empty() ? "the configuration" : path_, "a map of keys and values", problems_);
  node_ = nullptr;
}

const YamlNode* Fields::find(std::string_view key, Presence presence) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  if (node_ == nullptr) return nullptr;
  const YamlNode* value = node_->find(key);
  // A null in a --set takes the key out; a null in the file is a value that was forgotten.
  if (value != nullptr && value->kind == Kind::null && value->place.source == 0) {
    problems_.add(place_of(key), fmt::format("{} has no value", path_of(key)),
                  presence == Presence::required ? "a value" : "a value, or no such key for the default");
    return nullptr;
  }
  if (value != nullptr && value->kind != Kind::null) return value;
  if (presence == Presence::required) {
    problems_.add(place(), fmt::format("{} is missing", path_of(key)),
                  fmt::format("the key '{}' in {}", key, path_.empty() ? "the configuration" : path_));
  }
  return nullptr;
}

bool Fields::number(std::string_view key, double& out, Range range, Presence presence) {
  const YamlNode* value = find(key, presence);
  if (value == nullptr) return false;
  const auto read = read_number(*value, path_of(key), range, problems_);
  if (read) out = *read;
  return read.has_value();
}

bool Fields::text(std::string_view key, std::string& out, const std::string& expected, Presence presence) {
  const YamlNode* value = find(key, presence);
  if (value == nullptr) return false;
  const auto read = read_text(*value, path_of(key), expected, problems_);
  if (read) out = *read;
  return read.has_value();
}

bool Fields::choice(std::string_view key, std::string& out, std::span<const std::string_view> words,
                    Presence presence) {
  const YamlNode* value = find(key, presence);
  if (value == nullptr) return false;
  const auto read = read_choice(*value, path_of(key), words, problems_);
  if (read) out = *read;
  return read.has_value();
}

bool Fields::truth(std::string_view key, bool& out, Presence presence) {
  std::string word;
  if (!choice(key, word, kTruths, presence)) return false;
  out = word == "true";
  return true;
}

Fields Fields::map(std::string_view key, Presence presence) {
  return Fields(problems_, find(key, presence), path_of(key));
}

std::span<const YamlNode> Fields::list(std::string_view key, const std::string& expected, Presence presence) {
  const YamlNode* value = find(key, presence);
  if (value == nullptr) return {};
  if (value->kind != Kind::list) {
    refuse(*value, path_of(key), expected, problems_);
    return {};
  }
  return value->children;
}

void Fields::refuse_unknown() {
  if (node_ == nullptr) return;
  for (const YamlNode::Key& key : node_->keys) {
    if (std::find(known_.begin(), known_.end(), key.text) != known_.end()) continue;
    const auto meant = nearest(key.text, known_);
    problems_.add(key.place,
                  fmt::format("unknown key {}{}", in_quotes(path_of(key.text)),
                              meant ? fmt::format(", perhaps '{}'", path_of(*meant)) : ""),
                  one_of(known_));
  }
}

Place Fields::place_of(std::string_view key) const {
  if (node_ == nullptr) return Place{};
  for (std::size_t i = 0; i < node_->keys.size(); ++i) {
    if (node_->keys[i].text != key) continue;
    // Where a value is missing the parser points at what comes next, so the key is the better place.
    return node_->children[i].kind == Kind::null ? node_->keys[i].place : node_->children[i].place;
  }
  return node_->place;
}

std::string Fields::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

}  // namespace meridian
