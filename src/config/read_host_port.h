// Reads an address and a port from a configuration.
#pragma once

#include <cstdint>
#include <string_view>

#include "src/config/fields.h"
#include "src/config/host_port.h"

namespace meridian {

/// What messages say was expected.
inline constexpr const char* kHostPortExpected =
    R"(an address and a port, such as "127.0.0.1:5001" or "[::1]:5001")";

/// Reads an address with a port of at least `least_port`; says whether it did.
bool read_host_port(Fields& fields, std::string_view key, HostPort& out, std::uint16_t least_port,
                    Presence presence);

}  // namespace meridian
