// What this machine lets two processes say to each other at best: one loopback TCP stream, and ZeroMQ with
// nothing around it. Measured in the same minute and with processes placed in the same way as what is
// compared with it.
#pragma once

#include <cstddef>
#include <vector>

#include "experiments/bench/push_pull.h"
#include "src/base/result.h"

namespace meridian::bench {

/// Of one limit, after the warm-up.
struct LimitTimes {
  std::vector<double> seconds;  ///< of each block, batch or round trip
  std::size_t bytes = 0;        ///< that crossed in each, in one direction
  double warm_up = 0.0;         ///< how many came before these
  // CPU time of a whole process, its warm-up too.
  double sender_cpu_s = 0.0;
  double receiver_cpu_s = 0.0;
};

// Each forks two processes, the receiver at the placement's first core; an error says which failed and why.

/// One TCP stream over the loopback: large writes, and a receiver that reads into one buffer.
Result<LimitTimes> measure_tcp_stream(const Placement& placement, std::size_t blocks);

/// The same with what a server cannot do without: 64 MB of the sender's floats are added to the receiver's.
Result<LimitTimes> measure_added_stream(const Placement& placement, std::size_t blocks);

/// A DEALER sends a frame to a ROUTER, which sends it back.
Result<LimitTimes> measure_zmq_round_trip(const Placement& placement, std::size_t frame_bytes,
                                          std::size_t round_trips);

/// One PUSH socket to one PULL socket, frames sent from one memory without a copy.
Result<LimitTimes> measure_zmq_throughput(const Placement& placement, std::size_t frame_bytes,
                                          std::size_t batches);

}  // namespace meridian::bench
