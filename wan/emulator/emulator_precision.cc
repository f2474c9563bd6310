// How precise the emulator is on this machine: the delay it adds to small messages at half load, and the
// throughput of one and of eight connections. Prints a table; asserts nothing, because a busy machine is not
// a fault.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include "wan/emulator/emulator.h"

namespace {

using meridian::wan::emulator::Emulator;
using Steady = std::chrono::steady_clock;
using std::chrono::duration;
using std::chrono::milliseconds;

constexpr auto kDelay = milliseconds(20);
constexpr double kSeconds = 3;

int checked(int result, const char* what) {
  if (result < 0) throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
  return result;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

class Socket {
 public:
  Socket() : fd_(checked(::socket(AF_INET, SOCK_STREAM, 0), "socket")) {
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Listens, and pairs each connection through the emulator with the one that arrives at the target.
class Bench {
 public:
  explicit Bench(double rate_bytes_per_s) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    checked(::bind(listener_.fd(), reinterpret_cast<sockaddr*>(&address), size), "bind");
    checked(::listen(listener_.fd(), 16), "listen");
    ::getsockname(listener_.fd(), reinterpret_cast<sockaddr*>(&address), &size);
    auto created = Emulator::create(
        {.links = {{"here", "there", rate_bytes_per_s, kDelay}, {"there", "here", rate_bytes_per_s, kDelay}},
         .relays = {{{"127.0.0.1", 0}, {"127.0.0.1", ntohs(address.sin_port)}, 0, 1}}});
    if (!created) throw std::runtime_error(created.error().message);
    emulator_ = std::move(created).value();
    thread_ = std::jthread([this] { emulator_->run(); });
  }
  ~Bench() { emulator_->stop(); }

  std::pair<Socket, Socket> connect() {
    Socket near;
    const sockaddr_in address = loopback(emulator_->port(0));
    checked(::connect(near.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
    return {std::move(near), Socket(checked(::accept(listener_.fd(), nullptr, nullptr), "accept"))};
  }

 private:
  Socket listener_;
  std::unique_ptr<Emulator> emulator_;
  std::jthread thread_;
};

// Bytes per second at the receivers, from the first arrival to the last one in the window.
double throughput(double rate_bytes_per_s, int connections) {
  Bench bench(rate_bytes_per_s);
  std::vector<std::pair<Socket, Socket>> pairs;
  for (int i = 0; i < connections; ++i) pairs.push_back(bench.connect());
  std::vector<double> rates(pairs.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      threads.emplace_back([&, i] {
        const std::vector<char> data(64 * 1024);
        while (::send(pairs[i].first.fd(), data.data(), data.size(), MSG_NOSIGNAL) > 0) {
        }
      });
      threads.emplace_back([&, i] {
        std::vector<char> buffer(256 * 1024);
        double bytes = 0;
        Steady::time_point first{};
        Steady::time_point last{};
        for (;;) {
          const ssize_t got = ::recv(pairs[i].second.fd(), buffer.data(), buffer.size(), 0);
          if (got <= 0) break;
          last = Steady::now();
          if (first == Steady::time_point{}) {
            first = last;  // the bytes that came with it belong to the time before
          } else {
            bytes += static_cast<double>(got);
          }
          if (last - first >= duration<double>(kSeconds)) break;
        }
        rates[i] = bytes / duration<double>(last - first).count();
        ::shutdown(pairs[i].second.fd(), SHUT_RDWR);
        ::shutdown(pairs[i].first.fd(), SHUT_RDWR);
      });
    }
  }
  double sum = 0;
  for (const double rate : rates) sum += rate;
  return sum;
}

struct Added {
  double median_ms;
  double p99_ms;
};

// Messages of 1 KiB at half the rate, at most 2000 a second; how much later than serialisation + delay each
// is.
Added added_delay(double rate_bytes_per_s) {
  constexpr std::size_t kMessage = 1024;
  Bench bench(rate_bytes_per_s);
  const auto pair = bench.connect();
  const auto interval = std::max(
      std::chrono::duration_cast<Steady::duration>(duration<double>(2.0 * kMessage / rate_bytes_per_s)),
      Steady::duration(std::chrono::microseconds(500)));
  // Where the rate allows more than one message each interval, they go together, half the link's rate in all.
  const auto burst = std::max<std::size_t>(
      1, static_cast<std::size_t>(rate_bytes_per_s / 2 * duration<double>(interval).count() / kMessage));
  const auto count = static_cast<std::size_t>(kSeconds / duration<double>(interval).count());
  std::vector<Steady::time_point> sent(count);
  std::vector<double> added;
  std::jthread sender([&] {
    std::vector<char> message(kMessage * burst);
    auto next = Steady::now();
    for (std::size_t i = 0; i < count; ++i) {
      std::this_thread::sleep_until(next);
      next += interval;
      sent[i] = Steady::now();
      ::send(pair.first.fd(), message.data(), message.size(), MSG_NOSIGNAL);
    }
  });
  std::vector<char> buffer(kMessage * burst);
  const double expected_s =
      static_cast<double>(buffer.size()) / rate_bytes_per_s + duration<double>(kDelay).count();
  for (std::size_t i = 0; i < count; ++i) {
    if (::recv(pair.second.fd(), buffer.data(), buffer.size(), MSG_WAITALL) <= 0) break;
    added.push_back((duration<double>(Steady::now() - sent[i]).count() - expected_s) * 1e3);
  }
  std::sort(added.begin(), added.end());
  return {added[added.size() / 2], added[added.size() * 99 / 100]};
}

// What a thread that asks to sleep for a moment gets instead: the floor below which no delay can be judged
// here.
Added timer_error() {
  std::vector<double> errors;
  for (int i = 0; i < 1000; ++i) {
    const auto until = Steady::now() + std::chrono::microseconds(500);
    std::this_thread::sleep_until(until);
    errors.push_back(duration<double>(Steady::now() - until).count() * 1e3);
  }
  std::sort(errors.begin(), errors.end());
  return {errors[500], errors[990]};
}

}  // namespace

int main() {
  const Added timer = timer_error();
  fmt::print("timer error of this machine: median {:.3f} ms, p99 {:.3f} ms\n\n", timer.median_ms,
             timer.p99_ms);
  fmt::print("rate       beyond delay + serialisation at half load   throughput / rate\n");
  fmt::print("Mb/s       median ms      p99 ms                       1 connection   8 connections\n");
  for (const double mbit : {1.0, 58.0, 500.0, 1000.0}) {
    const double rate = mbit * 1e6 / 8;
    const Added delay = added_delay(rate);
    const double one = throughput(rate, 1) / rate;
    const double eight = throughput(rate, 8) / rate;
    fmt::print("{:<10} {:<14.3f} {:<28.3f} {:<14.3f} {:.3f}\n", mbit, delay.median_ms, delay.p99_ms, one,
               eight);
  }
}
