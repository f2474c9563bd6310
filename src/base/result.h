// Result<T>: either a value or the reason why there is none. For what can go wrong with input; what cannot
// happen is a check (check.h).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "src/base/check.h"

namespace meridian {

/// Why something could not be done, in words for the user: what is wrong and what was expected.
struct Error {
  std::string message;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : content_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return std::holds_alternative<T>(content_); }
  explicit operator bool() const { return ok(); }

  /// The value. Requires ok().
  T& value() & {
    MERIDIAN_CHECK(ok(), "{}", error().message);
    return std::get<T>(content_);
  }
  const T& value() const& {
    MERIDIAN_CHECK(ok(), "{}", error().message);
    return std::get<T>(content_);
  }
  T&& value() && {
    MERIDIAN_CHECK(ok(), "{}", error().message);
    return std::get<T>(std::move(content_));
  }

  /// The reason. Requires !ok().
  const Error& error() const { return std::get<Error>(content_); }

 private:
  std::variant<T, Error> content_;
};

/// Done, or the reason why not: no reason means done.
using Failure = std::optional<Error>;

}  // namespace meridian
