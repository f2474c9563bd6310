// One relayed TCP connection: the accepted socket, the one to the target, and a flow of bytes in each
// direction over that direction's link.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "wan/emulator/network_shaper.h"

namespace meridian::wan::emulator {

class RelayedConnection;

/// One direction: reads from the source, holds the bytes while they are on the link, writes them to the
/// destination. The source's end and its failure travel over the link behind the bytes. Used from the
/// emulator's thread.
class Flow : public LinkReceiver {
 public:
  Flow(RelayedConnection& connection, asio::ip::tcp::socket& source, asio::ip::tcp::socket& destination,
       LinkShaper& link);

  /// Both sockets are connected. The flow lives as long as the connection, which `self` keeps alive.
  void start(const std::shared_ptr<Flow>& self);

  /// Nothing more is read, and after what is on the way the destination learns that the source has failed.
  void pass_on_reset();

  /// Ends without another word to the destination.
  void stop();

  /// The source's end has been passed on to the destination.
  bool ended() const { return ended_; }

  void on_released(Unit unit) override;

 private:
  void wait_until_readable();
  void read();
  bool read_chunk();
  void wait_until_writable();
  void write();
  bool write_chunks();
  std::size_t room() const {
    const std::size_t most = link_.most_bytes_on_the_way();
    return most > held_bytes_ ? most - held_bytes_ : 0;
  }

  RelayedConnection& connection_;
  asio::ip::tcp::socket& source_;
  asio::ip::tcp::socket& destination_;
  LinkShaper& link_;
  LinkShaper::ConnectionId id_ = 0;

  // The chunks read and not yet written, oldest first; the first `released_` of them have come out of the
  // link.
  std::deque<std::vector<std::byte>> chunks_;
  std::size_t released_ = 0;
  std::size_t written_of_first_ = 0;
  std::size_t held_bytes_ = 0;

  bool running_ = false;
  bool source_ended_ = false;  // its end or its failure is on the link
  bool reset_sent_ = false;
  bool end_released_ = false;
  bool ended_ = false;
  bool waits_for_room_ = false;
  bool waits_until_writable_ = false;
};

/// Keeps itself alive until both directions have ended, one side has failed, or the target cannot be reached.
class RelayedConnection : public std::enable_shared_from_this<RelayedConnection> {
 public:
  RelayedConnection(asio::io_context& io, asio::ip::tcp::socket accepted, LinkShaper& forward,
                    LinkShaper& backward);

  /// Connects to the first of the targets that accepts, trying again until the deadline, then relays.
  void start(std::vector<asio::ip::tcp::endpoint> targets, Time connect_deadline);

  // For the flows.
  std::shared_ptr<Flow> share(Flow& flow) { return {shared_from_this(), &flow}; }
  void on_flow_ended();
  void on_destination_failed(const Flow& flow);

  /// Both sides see a reset, and what is on the way is lost.
  void abort();

 private:
  void connect();
  void on_connect_failed();
  void on_connected();
  void close();

  asio::ip::tcp::socket accepted_;
  asio::ip::tcp::socket target_;
  asio::steady_timer retry_timer_;
  std::vector<asio::ip::tcp::endpoint> targets_;
  std::size_t attempts_ = 0;
  std::chrono::steady_clock::time_point connect_deadline_;
  LinkShaper& forward_link_;
  LinkShaper& backward_link_;
  Flow forward_;
  Flow backward_;
};

}  // namespace meridian::wan::emulator
