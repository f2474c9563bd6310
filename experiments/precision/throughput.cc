#include "experiments/precision/throughput.h"

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

namespace meridian::precision {

namespace {

using Steady = std::chrono::steady_clock;

struct Arrived {
  Steady::time_point at;
  std::size_t bytes = 0;
};

// Of each connection, up to the end of the common window.
std::vector<std::vector<Arrived>> receive(std::vector<Connection>& connections, Time lasting, Time after) {
  std::vector<std::vector<Arrived>> arrived(connections.size());
  std::atomic<std::size_t> receiving{0};
  std::atomic<Steady::time_point> all_receive{Steady::time_point::max()};
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < connections.size(); ++i) {
    threads.emplace_back([&sender = connections[i].sender] {
      const std::vector<char> data(64 * 1024);
      while (sender.send(data) == data.size()) {
      }
    });
    threads.emplace_back([&, i] {
      std::vector<char> buffer(256 * 1024);
      for (;;) {
        const ssize_t got = connections[i].receiver.receive(buffer);
        if (got <= 0) break;
        const auto now = Steady::now();
        arrived[i].push_back({now, static_cast<std::size_t>(got)});
        if (arrived[i].size() == 1 && ++receiving == connections.size()) all_receive = now;
        if (all_receive.load() < now && now - all_receive.load() >= lasting + after) break;
      }
      ::shutdown(connections[i].receiver.fd(), SHUT_RDWR);
      ::shutdown(connections[i].sender.fd(), SHUT_RDWR);
    });
  }
  threads.clear();  // joined
  return arrived;
}

double rate_in(const std::vector<Arrived>& arrived, Steady::time_point start, Steady::time_point end) {
  double bytes = 0;
  for (const Arrived& one : arrived) {
    if (one.at > start && one.at <= end) bytes += static_cast<double>(one.bytes);
  }
  return bytes / std::chrono::duration<double>(end - start).count();
}

// The first arrival at or after `start`.
Steady::time_point first_from(const std::vector<Arrived>& arrived, Steady::time_point start) {
  const auto first =
      std::find_if(arrived.begin(), arrived.end(), [start](const Arrived& one) { return one.at >= start; });
  return first == arrived.end() ? Steady::time_point::max() : first->at;
}

}  // namespace

double throughput(std::vector<Connection>& connections, Time lasting, Time after) {
  const auto arrived = receive(connections, lasting, after);
  auto start = Steady::time_point::min();
  auto end = Steady::time_point::max();
  for (const auto& one : arrived) {
    if (one.empty()) return 0;
    start = std::max(start, one.front().at);
    end = std::min(end, one.back().at);
  }
  auto first = Steady::time_point::max();
  for (const auto& one : arrived) first = std::min(first, first_from(one, start + after));
  double sum = 0;
  for (const auto& one : arrived) sum += rate_in(one, first, end);
  return sum;
}

std::vector<double> throughputs(std::vector<Connection>& connections, Time lasting, Time after) {
  std::vector<double> rates;
  for (const auto& one : receive(connections, lasting, after)) {
    if (one.empty()) {
      rates.push_back(0);
      continue;
    }
    rates.push_back(rate_in(one, first_from(one, one.front().at + after), one.back().at));
  }
  return rates;
}

}  // namespace meridian::precision
