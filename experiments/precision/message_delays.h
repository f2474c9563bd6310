// How long messages take from one end of a connection to the other.
#pragma once

#include <vector>

#include "experiments/precision/emulated_pairs.h"
#include "src/base/time.h"

namespace meridian::precision {

/// Messages at half the rate, of 1 KiB or, where that were more than 2000 a second, larger ones: how many
/// milliseconds each took beyond its serialisation and `delay`. The receiver's waking up counts.
std::vector<double> beyond_at_half_load_ms(Connection& connection, double rate_bytes_per_s, Time delay,
                                           Time lasting);

/// `count` small messages, one each `apart`, in turn over the connections: the milliseconds each took.
std::vector<double> delays_ms(std::vector<Connection>& connections, std::size_t count, Time apart);

}  // namespace meridian::precision
