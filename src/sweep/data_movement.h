// How long it takes to bring data from several places to one.
#pragma once

#include <optional>
#include <vector>

namespace meridian::sweep {

/// What one place sends.
struct Movement {
  double bytes = 0.0;        ///< at least 0
  double bytes_per_s = 0.0;  ///< above 0: what its link and its own cap let it send
  double delay_s = 0.0;      ///< one way
};

/// Seconds until the last byte of all movements, begun together, is there. The receiver's cap, where there is
/// one (bytes/s, above 0), is divided max-min fairly at every moment: nobody gets less than another but who
/// cannot use more (Bertsekas & Gallager, Data Networks, 2nd edition 1992, section 6.5.2). Data flow as a
/// fluid: no handshakes, loss or jitter. 0 where nothing moves.
double moving_time_s(const std::vector<Movement>& movements, std::optional<double> ingress_bytes_per_s);

}  // namespace meridian::sweep
