#include "experiments/precision/message_delays.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace meridian::precision {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kKibibyte = 1024;
constexpr Time kLeastInterval = std::chrono::microseconds(500);

double milliseconds_between(Steady::time_point start, Steady::time_point end) {
  return std::chrono::duration<double, std::milli>(end - start).count();
}

bool receive_whole(const TcpSocket& socket, std::span<char> message) {
  std::size_t got = 0;
  while (got < message.size()) {
    const ssize_t part = socket.receive(message.subspan(got));
    if (part <= 0) return false;
    got += static_cast<std::size_t>(part);
  }
  return true;
}

}  // namespace

std::vector<double> beyond_at_half_load_ms(Connection& connection, double rate_bytes_per_s, Time delay,
                                           Time lasting) {
  const Time interval =
      std::max(from_seconds(2.0 * static_cast<double>(kKibibyte) / rate_bytes_per_s), kLeastInterval);
  const auto bytes =
      std::max(kKibibyte, static_cast<std::size_t>(rate_bytes_per_s / 2 * to_seconds(interval)));
  const auto count = static_cast<std::size_t>(lasting / interval);
  std::vector<Steady::time_point> sent(count);
  std::jthread sender([&] {
    const std::vector<char> message(bytes);
    auto next = Steady::now();
    for (std::size_t i = 0; i < count; ++i) {
      std::this_thread::sleep_until(next);
      next += interval;
      sent[i] = Steady::now();  // before the send, so that the receiver's look at it comes after
      if (connection.sender.send(message) < bytes) return;
    }
  });
  const double expected_ms = 1e3 * (static_cast<double>(bytes) / rate_bytes_per_s + to_seconds(delay));
  std::vector<char> message(bytes);
  std::vector<Steady::time_point> arrived;
  while (arrived.size() < count && receive_whole(connection.receiver, message))
    arrived.push_back(Steady::now());
  connection.sender.close();
  sender.join();
  std::vector<double> beyond_ms;
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    beyond_ms.push_back(milliseconds_between(sent[i], arrived[i]) - expected_ms);
  }
  return beyond_ms;
}

std::vector<double> delays_ms(std::vector<Connection>& connections, std::size_t count, Time apart) {
  // A message is the number of nanoseconds at which it was sent.
  using Message = std::array<char, sizeof(Steady::rep)>;
  std::jthread sender([&] {
    auto next = Steady::now();
    for (std::size_t i = 0; i < count; ++i) {
      std::this_thread::sleep_until(next);
      next += apart;
      const Steady::rep now = Steady::now().time_since_epoch().count();
      Message message{};
      std::memcpy(message.data(), &now, sizeof now);
      if (connections[i % connections.size()].sender.send(message) < message.size()) return;
    }
  });
  std::vector<pollfd> waiting;
  for (const Connection& connection : connections) waiting.push_back({connection.receiver.fd(), POLLIN, 0});
  std::vector<double> delays;
  while (delays.size() < count) {
    if (::poll(waiting.data(), waiting.size(), 10'000) <= 0) throw std::runtime_error("no message for 10 s");
    const auto now = Steady::now();
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      Message message{};
      if (!receive_whole(connections[i].receiver, message)) throw std::runtime_error("a connection broke");
      Steady::rep sent = 0;
      std::memcpy(&sent, message.data(), sizeof sent);
      delays.push_back(milliseconds_between(Steady::time_point(Steady::duration(sent)), now));
    }
  }
  return delays;
}

}  // namespace meridian::precision
