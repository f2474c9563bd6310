// What a map says of one link: bandwidth, delay, jitter, loss, a trace of bandwidth. Files that it names are
// read here.
#pragma once

#include <filesystem>
#include <optional>

#include "src/config/config.h"
#include "src/config/fields.h"

namespace meridian {

/// Where relative paths begin; empty where no file may be named, as in a request.
using Folder = std::filesystem::path;

inline constexpr double kLongestDelayMs = 60'000;
inline const Range kBandwidthsMbps = Range::above(0, 1e6);
inline const Range kLosses = Range::from_to(0, 0.5);

/// The one-way delay in ms, from delay_ms or rtt_ms. Nothing when neither is there (a problem if it is
/// required) or it is refused.
std::optional<double> read_delay(Fields& fields, Presence presence);

/// `jitter`; nothing when it is not there or refused.
std::optional<JitterConfig> read_jitter(Fields& fields, const Folder& folder);

/// A link between datacenters; nothing when bandwidth or delay are missing or anything is refused.
std::optional<LinkConfig> read_link(Fields& fields, const Folder& folder);

/// The network inside a datacenter: bandwidth and delay.
std::optional<LinkConfig> read_lan(Fields& fields);

}  // namespace meridian
