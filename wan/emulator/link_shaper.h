// Drives one SharedLink with the monotonic clock: stamps what is sent at its arrival and releases it when the
// link says so. A timer that fires late delays only what it was to release, since the link's times do not
// depend on it.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "src/network/shared_link.h"

namespace meridian::wan::emulator {

/// What a unit on the link stands for.
enum class Unit : std::uint64_t { data, end_of_stream, reset };

class LinkReceiver {
 public:
  virtual ~LinkReceiver() = default;
  /// The unit sent first of those not yet released has come out. May close or send, on this link too.
  virtual void on_released(Unit unit) = 0;
};

/// Used from the emulator's thread, but for the counters.
class LinkShaper {
 public:
  using ConnectionId = SharedLink::ConnectionId;

  LinkShaper(asio::io_context& io, const SharedLink::Options& options);

  /// The receiver is kept alive until close().
  ConnectionId open(std::shared_ptr<LinkReceiver> receiver);

  /// What is still on the way uses up its share of the link, but is released to nobody.
  void close(ConnectionId id);

  /// Within on_released of this link the unit is stamped with the time of that release, otherwise with the
  /// present.
  void send(ConnectionId id, Unit unit, std::size_t bytes);

  /// Releases what is due and was not released yet because its timer is late. Not within on_released.
  void catch_up();

  /// The most bytes that one connection may have on the way: rate x delay + 64 KiB.
  std::size_t most_bytes_on_the_way() const { return most_bytes_on_the_way_; }

  /// What to give the kernel's buffers of sockets before and after this link: enough for its rate while the
  /// emulator waits for the processor, and not seconds of data.
  int socket_buffer_bytes() const { return socket_buffer_bytes_; }

  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  std::uint64_t connections() const { return connections_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    std::shared_ptr<LinkReceiver> receiver;
    std::size_t on_the_way = 0;  // units, not bytes
    bool open = false;
  };

  Time now() const { return std::chrono::steady_clock::now() - start_; }
  void set_timer();
  void release_until(Time time);
  void free_if_empty(ConnectionId id);

  SharedLink link_;
  asio::steady_timer timer_;
  std::chrono::steady_clock::time_point start_;
  Time link_time_{0};  // of the last call to the link; behind the present while late releases are made up for
  bool releasing_ = false;
  std::optional<Time> timer_at_;
  std::vector<SharedLink::Delivery> due_;
  std::vector<Slot> slots_;
  std::vector<ConnectionId> free_slots_;
  std::size_t most_bytes_on_the_way_;
  int socket_buffer_bytes_;
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> connections_{0};
};

}  // namespace meridian::wan::emulator
