// The network inside a datacenter, where one machine's loopback stands for it: what one process sends to the
// others of its datacenter shares one link of a given rate and delay, as in a simulation, and is kept here
// until it would have arrived. So a run takes the time that its simulation says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "src/base/process_id.h"
#include "src/base/time.h"
#include "src/network/shared_link.h"
#include "src/wire/message.h"
#include "src/wire/payload.h"

namespace meridian {

/// Not thread-safe. Every call's `now` is at least that of the call before. It holds what its owner would
/// otherwise have given to the sockets at once, and sets no bound of its own.
class LanShaper {
 public:
  struct Parcel {
    ProcessId to;
    Channel channel = Channel::control;
    std::vector<std::byte> header;
    std::vector<Payload> payloads;
    std::size_t bytes = 0;  // on the wire; enqueue() sets it
  };

  explicit LanShaper(const SharedLink::Options& link) : link_(link) {}

  /// `bytes` is what the parcel takes on the wire. The two channels to a peer are two connections.
  void enqueue(Time now, std::size_t bytes, Parcel parcel);

  /// When take_due() is worth calling again; nullopt when nothing is on the way.
  std::optional<Time> next_event() const { return link_.next_event(); }

  /// What has arrived by `now`, in order.
  std::vector<Parcel> take_due(Time now);

  /// Everything that take_due() has not returned, whether due or not, in the order in which it was enqueued.
  /// Nothing may be enqueued afterwards.
  std::vector<Parcel> take_all();

  bool empty() const { return parcels_.empty(); }
  /// Given and not yet returned.
  std::size_t waiting_bytes() const { return waiting_bytes_; }

 private:
  SharedLink link_;
  std::map<std::pair<ProcessId, Channel>, SharedLink::ConnectionId> connections_;
  std::map<std::uint64_t, Parcel> parcels_;  // by cookie: in the order in which they came
  std::uint64_t next_cookie_ = 0;
  std::vector<SharedLink::Delivery> deliveries_;
  std::size_t waiting_bytes_ = 0;
};

}  // namespace meridian
