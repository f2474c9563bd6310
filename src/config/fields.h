// One map of the configuration, read key by key: each read says what it expects, and what was not read is
// unknown.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/config/problems.h"
#include "src/config/yaml_tree.h"

namespace meridian {

/// Which numbers a key takes. `open` ends are not part of it.
struct Range {
  double least = 0.0;
  double most = 0.0;
  bool least_open = false;
  bool most_open = false;

  static Range from_to(double least, double most) { return {least, most, false, false}; }
  static Range above(double least, double most) { return {least, most, true, false}; }
  static Range below(double least, double most) { return {least, most, false, true}; }

  /// "a number from 0 to 1", "a number above 0, at most 1000", "a number from 0, below 1".
  std::string describe() const;
  bool holds(double value) const;
};

enum class Presence : std::uint8_t { optional, required };

/// What a value is, in words: "'fast'", "a list", "nothing".
std::string describe_value(const YamlNode& value);

/// The number in a scalar, when it is one that `range` holds; otherwise a problem is noted under `path`.
std::optional<double> read_number(const YamlNode& value, const std::string& path, Range range,
                                  Problems& problems);
/// `others` says in the problem what else may stand there: ", or auto".
std::optional<std::uint64_t> read_integer(const YamlNode& value, const std::string& path, std::uint64_t least,
                                          std::uint64_t most, Problems& problems,
                                          std::string_view others = {});
std::optional<std::string> read_text(const YamlNode& value, const std::string& path,
                                     const std::string& expected, Problems& problems);
/// A scalar that is one of `words`.
std::optional<std::string> read_choice(const YamlNode& value, const std::string& path,
                                       std::span<const std::string_view> words, Problems& problems);

class Fields {
 public:
  /// Reads `node`, which must be a map, at `path` ("" for the whole configuration). All of a null pointer's
  /// keys are absent and none is missing: whoever has no map has said so already or does not need one.
  Fields(Problems& problems, const YamlNode* node, std::string path);

  /// The value of `key`, or nothing when it is not there (a problem if it is required) or has no value. From
  /// now on the key is a known one.
  const YamlNode* find(std::string_view key, Presence presence = Presence::optional);

  /// Each of these leaves `out` as it is when the key is absent or its value is refused, and says whether it
  /// was set.
  bool number(std::string_view key, double& out, Range range, Presence presence = Presence::optional);
  bool text(std::string_view key, std::string& out, const std::string& expected,
            Presence presence = Presence::optional);
  bool choice(std::string_view key, std::string& out, std::span<const std::string_view> words,
              Presence presence = Presence::optional);
  /// true or false.
  bool truth(std::string_view key, bool& out, Presence presence = Presence::optional);
  template <std::unsigned_integral T>
  bool integer(std::string_view key, T& out, std::uint64_t least, std::uint64_t most,
               Presence presence = Presence::optional) {
    const YamlNode* value = find(key, presence);
    if (value == nullptr) return false;
    const auto read = read_integer(*value, path_of(key), least, most, problems_);
    if (read) out = static_cast<T>(*read);
    return read.has_value();
  }
  Fields map(std::string_view key, Presence presence = Presence::optional);
  /// The elements of a list; none when it is absent or no list.
  std::span<const YamlNode> list(std::string_view key, const std::string& expected,
                                 Presence presence = Presence::optional);

  /// Notes every key that no read asked for.
  void refuse_unknown();

  bool has_map() const { return node_ != nullptr; }
  bool has(std::string_view key) const { return node_ != nullptr && node_->find(key) != nullptr; }
  /// The same, and it is not null.
  bool has_value(std::string_view key) const {
    return has(key) && node_->find(key)->kind != YamlNode::Kind::null;
  }
  /// Where the key's value stands, or the map if there is no such key.
  Place place_of(std::string_view key) const;
  Place place() const { return node_ == nullptr ? Place{} : node_->place; }
  std::string path_of(std::string_view key) const;
  const std::string& path() const { return path_; }
  Problems& problems() { return problems_; }

 private:
  Problems& problems_;
  const YamlNode* node_;
  std::string path_;
  std::vector<std::string_view> known_;
};

}  // namespace meridian
