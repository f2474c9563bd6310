// Whether two processes belong to the same run: a digest of everything that must agree between them, and
// which key does not when it differs. Hosts, ports, paths and the output folder may differ from machine to
// machine; what was read at the paths may not, unless each datacenter has data of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/config/config.h"

namespace meridian {

/// The resolved configuration as sorted (path, value) pairs, without what may differ between machines. The
/// datacenters' order counts: processes are numbered by it. `contents` says what data a process has read
/// (MadeWorkload::contents); without it nothing has been, and only configurations are compared.
std::vector<std::pair<std::string, std::string>> identity_keys(const Config& config,
                                                               std::string_view contents = {});

/// identity_keys as text: one "path=value" line for each, in their order.
std::string identity_text(const Config& config, std::string_view contents = {});

/// "NAME-0123456789abcdef": the name and the digest (FNV-1a, 64 bits) of identity_text, without contents.
std::string run_id(const Config& config);

/// The first key that differs between two identity texts, with both values, as one printable line; nothing
/// when they say the same. `theirs` may hold anything a peer can send: it is compared by line and never
/// trusted.
std::optional<std::string> first_difference(std::string_view ours, std::string_view theirs);

}  // namespace meridian
