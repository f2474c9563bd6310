// The emulator's HTTP API: lists the links, changes one, applies an event, and gives Prometheus its metrics.
// docs/emulator.md has every path, with curl lines.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "src/base/result.h"
#include "src/config/emulation_config.h"
#include "src/program/link_parts.h"
#include "wan/emulator/emulator.h"

namespace meridian::program {

/// Answers on threads of its own, which end with it. The emulator must outlive it.
class EmulatorApi {
 public:
  /// Listens at `address` (port 0: one that is free), or says why it cannot. `links` are the emulator's.
  static Result<std::unique_ptr<EmulatorApi>> create(const HostPort& address, EmulatedLinks links,
                                                     wan::emulator::Emulator& emulator);
  ~EmulatorApi();
  EmulatorApi(const EmulatorApi&) = delete;
  EmulatorApi& operator=(const EmulatorApi&) = delete;

  /// "http://127.0.0.1:8474".
  const std::string& url() const { return url_; }

 private:
  class Server;
  EmulatorApi(std::unique_ptr<Server> server, std::string url);

  std::unique_ptr<Server> server_;
  std::string url_;
};

}  // namespace meridian::program
