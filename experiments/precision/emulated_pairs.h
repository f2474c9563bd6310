// An emulator in a thread of its own with links between pairs of places, and connections through it from
// this program to itself.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "src/base/time.h"
#include "src/network/delay_variation.h"
#include "tests/wan/emulator/tcp_socket.h"
#include "wan/emulator/emulator.h"

namespace meridian::precision {

using wan::emulator::TcpSocket;

/// Both directions are alike, but that only the one that is measured varies and loses.
struct EmulatedPair {
  double rate_bytes_per_s = 0;
  Time delay{0};
  DelayVariation::Options variation = {};
  double loss = 0;
  std::uint64_t seed = 1;  ///< of what varies by chance
};

/// One end sends, the other receives.
struct Connection {
  TcpSocket sender;
  TcpSocket receiver;
};

/// Throws where the system refuses what is needed.
class EmulatedPairs {
 public:
  explicit EmulatedPairs(const std::vector<EmulatedPair>& pairs);
  ~EmulatedPairs();
  EmulatedPairs(const EmulatedPairs&) = delete;
  EmulatedPairs& operator=(const EmulatedPairs&) = delete;

  /// Over the links of pair `pair`.
  Connection connect(std::size_t pair = 0);
  std::vector<Connection> connect_many(std::size_t count, std::size_t pair = 0);

 private:
  std::vector<TcpSocket> targets_;
  std::unique_ptr<wan::emulator::Emulator> emulator_;
  std::jthread thread_;
};

}  // namespace meridian::precision
