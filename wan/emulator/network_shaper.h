// Drives a Network with the monotonic clock: stamps what is sent at its arrival and releases it when the
// network says so. A timer that fires late delays only what it was to release, since the network's times do
// not depend on it.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "src/network/network.h"

namespace meridian::wan::emulator {

/// What a unit on a link stands for.
enum class Unit : std::uint64_t { data, end_of_stream, reset };

class LinkReceiver {
 public:
  virtual ~LinkReceiver() = default;
  /// The unit sent first of those not yet released has come out. May close or send, on this link too.
  virtual void on_released(Unit unit) = 0;
};

class NetworkShaper;

/// One link of the shaper's network, for its connections. Used from the emulator's thread, but for the
/// counters.
class LinkShaper {
 public:
  using ConnectionId = Network::ConnectionId;

  /// `cap_bytes_per_s` is the least cap on the way; infinity where there is none.
  LinkShaper(NetworkShaper& shaper, Network::LinkId link, double cap_bytes_per_s);

  /// The receiver is kept alive until close().
  ConnectionId open(std::shared_ptr<LinkReceiver> receiver);

  /// What is still on the way uses up its share of the link, but is released to nobody.
  void close(ConnectionId id);

  /// Within on_released of any link the unit is stamped with the time of that release, otherwise with the
  /// present.
  void send(ConnectionId id, Unit unit, std::size_t bytes);

  /// Releases what is due and was not released yet because its timer is late. Not within on_released.
  void catch_up();

  /// The most bytes that one connection may have on the way: rate x delay + 64 KiB, as both are now.
  std::size_t most_bytes_on_the_way() const;

  /// What to give the kernel's buffers of sockets before and after this link: enough for its rate while the
  /// emulator waits for the processor, and not seconds of data.
  int socket_buffer_bytes() const { return socket_buffer_bytes_; }

  Network::LinkId id() const { return link_; }
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  std::uint64_t connections() const { return connections_.load(std::memory_order_relaxed); }
  std::uint64_t open_connections() const { return open_; }

 private:
  friend class NetworkShaper;

  struct Slot {
    std::shared_ptr<LinkReceiver> receiver;
    std::size_t on_the_way = 0;  // units, not bytes
    bool open = false;
  };

  void release(const Network::Arrival& arrival);
  void free_if_empty(ConnectionId id);

  NetworkShaper& shaper_;
  Network::LinkId link_;
  std::vector<Slot> slots_;
  std::vector<ConnectionId> free_slots_;
  double cap_bytes_per_s_;
  int socket_buffer_bytes_;
  std::uint64_t open_ = 0;
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> connections_{0};
};

/// Used from the emulator's thread. Links are made before anything is sent.
class NetworkShaper {
 public:
  explicit NetworkShaper(asio::io_context& io);

  Network::CapId add_cap(double rate_bytes_per_s) { return network_.add_cap(rate_bytes_per_s); }

  LinkShaper& add_link(const WideAreaLink::Options& options, std::uint64_t seed,
                       std::optional<Network::CapId> egress, std::optional<Network::CapId> ingress,
                       double cap_bytes_per_s);

  LinkShaper& link(std::size_t id) { return *links_[id]; }
  const Network& network() const { return network_; }

  /// Changes the network at the present, after what is due by then was released.
  void change(const std::function<void(Network&, Time now)>& how);

  void catch_up();

  Time now() const { return std::chrono::steady_clock::now() - start_; }

 private:
  friend class LinkShaper;

  void send(Network::LinkId link, Network::ConnectionId connection, Unit unit, std::size_t bytes);
  void set_timer();
  void release_until(Time time);

  Network network_;
  asio::steady_timer timer_;
  std::chrono::steady_clock::time_point start_;
  Time network_time_{
      0};  // of the last call to the network; behind the present while late releases are made up
  bool releasing_ = false;
  std::optional<Time> timer_at_;
  std::vector<Network::Arrival> due_;
  std::vector<std::unique_ptr<LinkShaper>> links_;
};

}  // namespace meridian::wan::emulator
