// Where a process serves its metrics: http://HOST:PORT/metrics, in Prometheus' text format.
#pragma once

#include <memory>
#include <string>

#include "src/base/result.h"
#include "src/monitoring/scrape_gate.h"

namespace prometheus {
class Exposer;
}  // namespace prometheus

namespace meridian::monitoring {

/// Serves from threads of its own until it is destroyed. To be made after any fork.
class Endpoint {
 public:
  /// `address` as "127.0.0.1:9400" or "[::1]:9400"; port 0: one that is free. An error names it.
  static Result<std::unique_ptr<Endpoint>> create(const std::string& address, Labels common);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  /// "127.0.0.1:43210": where it listens.
  const std::string& address() const { return address_; }
  ScrapeGate& gate() { return *gate_; }

 private:
  Endpoint(std::shared_ptr<ScrapeGate> gate, std::unique_ptr<prometheus::Exposer> exposer,
           std::string address);

  std::shared_ptr<ScrapeGate> gate_;
  std::unique_ptr<prometheus::Exposer> exposer_;
  std::string address_;
};

}  // namespace meridian::monitoring
