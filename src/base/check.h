// Checks of what cannot happen. A failed check is a fault in Meridian itself, never in its input: it throws
// BrokenInvariant with the place and the values, and the process that hosts the failed machine stops.
// What a peer, a file or a user can get wrong is a Result or a named error instead.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace meridian {

class BrokenInvariant : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] inline void fail_check(const char* file, int line, const char* condition,
                                    const std::string& values) {
  throw BrokenInvariant(fmt::format("{}:{}: broken invariant: {} ({})", file, line, condition, values));
}

}  // namespace meridian

/// MERIDIAN_CHECK(condition, format, values...): the values explain the failure.
#define MERIDIAN_CHECK(condition, ...)                                                                  \
  do {                                                                                                  \
    if (!(condition)) ::meridian::fail_check(__FILE__, __LINE__, #condition, fmt::format(__VA_ARGS__)); \
  } while (false)
