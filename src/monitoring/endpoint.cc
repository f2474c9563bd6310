#include "src/monitoring/endpoint.h"

#include <fmt/format.h>
#include <prometheus/exposer.h>

#include <exception>
#include <utility>

namespace meridian::monitoring {
namespace {

// One for Prometheus, one for a person.
constexpr std::size_t kThreads = 2;

std::string joined(const std::string& host, int port) {
  const bool version_6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", version_6 ? "[" : "", host, version_6 ? "]" : "", port);
}

}  // namespace

Endpoint::Endpoint(std::shared_ptr<ScrapeGate> gate, std::unique_ptr<prometheus::Exposer> exposer,
                   std::string address)
    : gate_(std::move(gate)), exposer_(std::move(exposer)), address_(std::move(address)) {}

Endpoint::~Endpoint() = default;

Result<std::unique_ptr<Endpoint>> Endpoint::create(const std::string& host, std::uint16_t port,
                                                   Labels common) {
  auto gate = ScrapeGate::create(std::move(common));
  if (!gate) return gate.error();
  const std::string wanted = joined(host, port);
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(wanted, kThreads);
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
