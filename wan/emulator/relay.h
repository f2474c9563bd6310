// One listening port of the emulator: accepts connections and relays each to the target.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "wan/emulator/emulator.h"
#include "wan/emulator/network_shaper.h"

namespace meridian::wan::emulator {

class RelayedConnection;

/// Used from the emulator's thread.
class Relay {
 public:
  Relay(asio::io_context& io, LinkShaper& forward, LinkShaper& backward, Time connect_deadline);

  /// Resolves both addresses and listens; connections wait in the kernel until accept_next(). Blocks while
  /// names are looked up.
  Failure listen(const Endpoint& listen, const Endpoint& target);

  /// Accepts one connection after the other, as long as the emulator runs.
  void accept_next();

  /// Whether any of its connections' bytes go over `link`.
  bool uses(const LinkShaper& link) const { return &link == &forward_ || &link == &backward_; }

  /// Both sides of every connection see a reset at once; what was on the way is lost.
  void reset_connections();

  std::uint16_t port() const { return port_; }

 private:
  asio::io_context& io_;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer retry_timer_;
  LinkShaper& forward_;
  LinkShaper& backward_;
  Time connect_deadline_;
  std::vector<asio::ip::tcp::endpoint> targets_;
  std::vector<std::weak_ptr<RelayedConnection>> connections_;  // some may have ended
  std::uint16_t port_ = 0;
};

}  // namespace meridian::wan::emulator
