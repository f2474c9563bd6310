// An emulator on a thread of its own, and pairs of sockets that are connected through it.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "src/base/random.h"
#include "tests/wan/emulator/tcp_socket.h"
#include "wan/emulator/emulator.h"

namespace meridian::wan::emulator {

inline constexpr double kMegabyte = 1e6;
inline constexpr std::size_t kKibibyte = 1024;

inline std::string seeded_bytes(std::uint64_t seed, std::size_t size) {
  Random random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

inline RelayDescription relay_to(std::uint16_t port, std::uint16_t listen_port = 0) {
  return {.listen = {"127.0.0.1", listen_port},
          .target = {"127.0.0.1", port},
          .forward_link = 0,
          .backward_link = 1};
}

inline Description two_way(double rate_bytes_per_s, Time delay, std::uint16_t target_port) {
  return {.links = {{"here", "there", rate_bytes_per_s, delay}, {"there", "here", rate_bytes_per_s, delay}},
          .relays = {relay_to(target_port)}};
}

// An emulator that runs in its own thread as long as this lives.
class Running {
 public:
  explicit Running(const Description& description) {
    auto created = Emulator::create(description);
    if (!created) throw std::runtime_error(created.error().message);
    emulator_ = std::move(created).value();
    thread_ = std::jthread([this] { emulator_->run(); });
  }
  ~Running() { emulator_->stop(); }

  Emulator* operator->() { return emulator_.get(); }

 private:
  std::unique_ptr<Emulator> emulator_;
  std::jthread thread_;
};

inline bool reset_link(Running& emulator, const std::string& from, const std::string& to) {
  return !emulator->apply({.link = emulator->find_link(from, to).value(), .kind = LinkEvent::Kind::reset});
}

struct Pair {
  TcpSocket near;
  TcpSocket far;
};

inline Pair connect_through(Running& emulator, TcpSocket& listener) {
  TcpSocket near = TcpSocket::connected(emulator->port(0));
  return {std::move(near), listener.accept()};
}

}  // namespace meridian::wan::emulator
