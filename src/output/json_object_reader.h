// Reads one JSON object that nobody vouches for, key by key. The first thing that is not as expected is kept
// as an error with the file and the key's full name; after it every read gives a default, so that a caller
// asks once. Internal to src/output: it is the only header here that shows the JSON library.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "src/base/result.h"

namespace meridian::output {

class JsonObjectReader {
 public:
  /// `where` is the file, `prefix` the object's own key ("" at the top). All three, `failure` too, must
  /// outlive this.
  JsonObjectReader(const nlohmann::json& object, std::string where, std::string prefix, Failure& failure)
      : object_(object), where_(std::move(where)), prefix_(std::move(prefix)), failure_(failure) {
    if (!object_.is_object()) fail(prefix_.empty() ? "the content" : prefix_, "an object");
  }

  std::string text(const char* key) {
    const nlohmann::json* value = find(key, true);
    if (value == nullptr) return {};
    if (value->is_string()) return value->get<std::string>();
    return fail(name(key), "a text"), std::string();
  }

  std::optional<std::string> text_or_null(const char* key) {
    const nlohmann::json* value = find(key, false);
    if (value == nullptr || value->is_null()) return std::nullopt;
    if (value->is_string()) return value->get<std::string>();
    return fail(name(key), "a text or null"), std::nullopt;
  }

  double number(const char* key) {
    const nlohmann::json* value = find(key, true);
    if (value == nullptr) return 0.0;
    if (value->is_number()) return value->get<double>();
    return fail(name(key), "a number"), 0.0;
  }

  /// Null, and with `required` unset also nothing at all, reads as empty.
  std::optional<double> number_or_null(const char* key, bool required = true) {
    const nlohmann::json* value = find(key, required);
    if (value == nullptr || value->is_null()) return std::nullopt;
    if (value->is_number()) return value->get<double>();
    return fail(name(key), "a number or null"), std::nullopt;
  }

  std::uint64_t count(const char* key) {
    const nlohmann::json* value = find(key, true);
    if (value == nullptr) return 0;
    if (value->is_number_unsigned()) return value->get<std::uint64_t>();
    return fail(name(key), "a whole number that is not negative"), 0;
  }

  /// Null, and with `required` unset also nothing at all, reads as empty.
  std::optional<std::uint64_t> count_or_null(const char* key, bool required = true) {
    const nlohmann::json* value = find(key, required);
    if (value == nullptr || value->is_null()) return std::nullopt;
    if (value->is_number_unsigned()) return value->get<std::uint64_t>();
    return fail(name(key), "a whole number that is not negative, or null"), std::nullopt;
  }

  bool flag(const char* key, bool otherwise) {
    const nlohmann::json* value = find(key, false);
    if (value == nullptr) return otherwise;
    if (value->is_boolean()) return value->get<bool>();
    return fail(name(key), "true or false"), otherwise;
  }

  /// Whether the key is there and not null.
  bool has_value(const char* key) {
    const nlohmann::json* value = find(key, false);
    return value != nullptr && !value->is_null();
  }

  JsonObjectReader object(const char* key) {
    const nlohmann::json* value = find(key, true);
    return JsonObjectReader(value == nullptr ? empty_object() : *value, where_, name(key), failure_);
  }

  /// Calls read(JsonObjectReader&) for each object of a list.
  template <typename Read>
  void each(const char* key, Read read) {
    const nlohmann::json* value = find(key, true);
    if (value == nullptr) return;
    if (!value->is_array()) return fail(name(key), "a list");
    std::size_t index = 0;
    for (const nlohmann::json& element : *value) {
      JsonObjectReader reader(element, where_, fmt::format("{}[{}]", name(key), index++), failure_);
      if (failure_) return;
      read(reader);
    }
  }

  void fail(const std::string& key, const std::string& expected) {
    if (!failure_) failure_ = Error{fmt::format("{}: {}: expected {}", where_, key, expected)};
  }

  std::string name(const char* key) const { return prefix_.empty() ? key : prefix_ + "." + key; }

 private:
  static const nlohmann::json& empty_object() {
    static const nlohmann::json empty = nlohmann::json::object();
    return empty;
  }

  const nlohmann::json* find(const char* key, bool required) {
    if (failure_) return nullptr;
    const auto found = object_.find(key);
    if (found != object_.end()) return &*found;
    if (required) failure_ = Error{fmt::format("{}: {}: is missing", where_, name(key))};
    return nullptr;
  }

  const nlohmann::json& object_;
  std::string where_;
  std::string prefix_;
  Failure& failure_;
};

}  // namespace meridian::output
