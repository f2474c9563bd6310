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

Result<std::unique_ptr<Endpoint>> Endpoint::create(const std::string& address, Labels common) {
  auto gate = ScrapeGate::create(std::move(common));
  if (!gate) return gate.error();
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(std::vector<std::string>{
        "listening_ports", address, "num_threads", kThreads, "request_timeout_ms", kRequestTimeoutMs});
    const std::vector<int> ports = exposer->GetListeningPorts();
    if (ports.empty()) return Error{fmt::format("metrics cannot be served at {}", address)};
    exposer->RegisterCollectable(gate.value());
    const std::string host_and_colon = address.substr(0, address.rfind(':') + 1);
    return std::unique_ptr<Endpoint>(new Endpoint(std::move(gate).value(), std::move(exposer),
                                                  host_and_colon + std::to_string(ports.front())));
  } catch (const std::exception& error) {
    return Error{
        fmt::format("metrics cannot be served at {} (metrics.address): {}; expected a free port and an "
                    "address of this machine",
                    address, error.what())};
  }
}

}  // namespace meridian::monitoring
