#include "wan/emulator/relay.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "wan/emulator/relayed_connection.h"

namespace meridian::wan::emulator {

namespace {

using asio::ip::tcp;

// Out of descriptors, most likely: some connection has to end first.
constexpr std::chrono::milliseconds kAcceptRetryPause{50};

Result<std::vector<tcp::endpoint>> resolve(asio::io_context& io, const Endpoint& endpoint) {
  tcp::resolver resolver(io);
  asio::error_code error;
  const auto found =
      resolver.resolve(endpoint.host, std::to_string(endpoint.port), tcp::resolver::numeric_service, error);
  if (error || found.empty()) {
    return Error{fmt::format("\"{}\" is not an address ({}); expected an IP address or the name of a host",
                             endpoint.host, error.message())};
  }
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  return endpoints;
}

}  // namespace

Relay::Relay(asio::io_context& io, LinkShaper& forward, LinkShaper& backward, Time connect_deadline)
    : io_(io),
      acceptor_(io),
      retry_timer_(io),
      forward_(forward),
      backward_(backward),
      connect_deadline_(connect_deadline) {}

Failure Relay::listen(const Endpoint& listen, const Endpoint& target) {
  if (target.port == 0) return Error{"its target has port 0; expected 1 to 65535"};
  auto targets = resolve(io_, target);
  if (!targets) return Error{"its target: " + targets.error().message};
  targets_ = std::move(targets).value();
  const auto own = resolve(io_, listen);
  if (!own) return own.error();

  const tcp::endpoint& endpoint = own.value().front();
  asio::error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  // Accepted sockets inherit these; set later, they would not bound the window any more.
  if (!error)
    acceptor_.set_option(asio::socket_base::receive_buffer_size(forward_.socket_buffer_bytes()), error);
  if (!error)
    acceptor_.set_option(asio::socket_base::send_buffer_size(backward_.socket_buffer_bytes()), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return Error{fmt::format("cannot listen there: {}; expected a free port and an address of this machine",
                             error.message())};
  }
  port_ = acceptor_.local_endpoint(error).port();
  return std::nullopt;
}

void Relay::accept_next() {
  acceptor_.async_accept(io_, [this](const asio::error_code& error, tcp::socket accepted) {
    if (error == asio::error::operation_aborted) return;
    if (error) {
      retry_timer_.expires_after(kAcceptRetryPause);
      retry_timer_.async_wait([this](const asio::error_code& cancelled) {
        if (!cancelled) accept_next();
      });
      return;
    }
    auto connection = std::make_shared<RelayedConnection>(io_, std::move(accepted), forward_, backward_);
    std::erase_if(connections_, [](const auto& earlier) { return earlier.expired(); });
    connections_.push_back(connection);
    connection->start(targets_, connect_deadline_);
    accept_next();
  });
}

void Relay::reset_connections() {
  for (const std::weak_ptr<RelayedConnection>& connection : std::exchange(connections_, {})) {
    if (const auto living = connection.lock()) living->abort();
  }
}

}  // namespace meridian::wan::emulator
