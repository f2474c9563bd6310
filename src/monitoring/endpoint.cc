#include "src/monitoring/endpoint.h"

#include <fmt/format.h>
#include <netdb.h>
#include <prometheus/exposer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

namespace meridian::monitoring {
namespace {

// A connection that says nothing takes one of them, for so long.
constexpr const char* kThreads = "4";
constexpr const char* kRequestTimeoutMs = "5000";

std::string joined(const std::string& host, int port) {
  const bool version_6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", version_6 ? "[" : "", host, version_6 ? "]" : "", port);
}

/// Connects and says nothing.
void call(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  addrinfo wanted{};
  wanted.ai_flags = AI_NUMERICSERV;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), address.c_str() + colon + 1, &wanted, &found) != 0) return;
  const int fd =
      ::socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, found->ai_protocol);
  if (fd >= 0) {
    (void)!::connect(fd, found->ai_addr, found->ai_addrlen);
    ::close(fd);
  }
  ::freeaddrinfo(found);
}

}  // namespace

Endpoint::Endpoint(std::shared_ptr<ScrapeGate> gate, std::unique_ptr<prometheus::Exposer> exposer,
                   std::string address)
    : gate_(std::move(gate)), exposer_(std::move(exposer)), address_(std::move(address)) {}

/// The server's thread that accepts looks up every two seconds only, or when somebody calls.
Endpoint::~Endpoint() {
  std::atomic<bool> ended{false};
  const std::jthread caller([&] {
    while (!ended) {
      call(address_);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  exposer_.reset();
  ended = true;
}

Result<std::unique_ptr<Endpoint>> Endpoint::create(const std::string& host, std::uint16_t port,
                                                   Labels common) {
  auto gate = ScrapeGate::create(std::move(common));
  if (!gate) return gate.error();
  const std::string wanted = joined(host, port);
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(std::vector<std::string>{
        "listening_ports", wanted, "num_threads", kThreads, "request_timeout_ms", kRequestTimeoutMs});
    const std::vector<int> ports = exposer->GetListeningPorts();
    if (ports.empty()) return Error{fmt::format("metrics cannot be served at {}", wanted)};
    exposer->RegisterCollectable(gate.value());
    return std::unique_ptr<Endpoint>(
        new Endpoint(std::move(gate).value(), std::move(exposer), joined(host, ports.front())));
  } catch (const std::exception& error) {
    return Error{
        fmt::format("metrics cannot be served at {} (metrics.address): {}; expected a free port and an "
                    "address of this machine",
                    wanted, error.what())};
  }
}

}  // namespace meridian::monitoring
