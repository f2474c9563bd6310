#include "src/config/read_host_port.h"

#include <fmt/format.h>

#include "src/config/spelling.h"

namespace meridian {

bool read_host_port(Fields& fields, std::string_view key, HostPort& out, std::uint16_t least_port,
                    Presence presence) {
  std::string text;
  if (!fields.text(key, text, kHostPortExpected, presence)) return false;
  const auto address = parse_host_port(text);
  if (!address || address->port < least_port) {
    fields.problems().add(fields.place_of(key), fmt::format("{} is {}", fields.path_of(key), in_quotes(text)),
                          kHostPortExpected);
    return false;
  }
  out = *address;
  return true;
}

}  // namespace meridian
