// An address to listen at or to call: a host and a port, written "127.0.0.1:5001" or "[::1]:5001".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meridian {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  bool operator==(const HostPort&) const = default;
};

/// "HOST:PORT", the host in brackets where it is an IPv6 address. Nothing where the text is not that.
std::optional<HostPort> parse_host_port(std::string_view text);
std::string to_string(const HostPort& address);

}  // namespace meridian
