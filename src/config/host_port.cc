#include "src/config/host_port.h"

#include <fmt/format.h>

#include <charconv>

namespace meridian {

std::optional<HostPort> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  HostPort address;
  std::string_view host = text.substr(0, colon);
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  if (!in_brackets && host.find(':') != std::string_view::npos) return std::nullopt;
  address.host = host;
  const char* const end = text.data() + text.size();
  const auto [read, failure] = std::from_chars(text.data() + colon + 1, end, address.port);
  if (failure != std::errc() || read != end) return std::nullopt;
  return address;
}

std::string to_string(const HostPort& address) {
  const bool version_6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", version_6 ? "[" : "", address.host, version_6 ? "]" : "", address.port);
}

}  // namespace meridian
