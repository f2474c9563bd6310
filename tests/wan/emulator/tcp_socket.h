// A blocking loopback TCP socket for tests, whose every wait ends after a deadline.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace meridian::wan::emulator {

/// Throws when the system refuses what every test takes for granted.
class TcpSocket {
 public:
  TcpSocket() : TcpSocket(::socket(AF_INET, SOCK_STREAM, 0)) {}
  TcpSocket(TcpSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  TcpSocket& operator=(TcpSocket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~TcpSocket() { close(); }

  /// Bound to a port of its own, but it refuses connections until listen().
  static TcpSocket bound() {
    TcpSocket socket;
    const sockaddr_in address = loopback(0);
    check(::bind(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
    return socket;
  }
  static TcpSocket listening() {
    TcpSocket socket = bound();
    socket.listen();
    return socket;
  }
  static TcpSocket connected(std::uint16_t port) {
    TcpSocket socket;
    socket.connect(port);
    return socket;
  }

  void listen() const { check(::listen(fd_, 64), "listen"); }
  void connect(std::uint16_t port) const {
    const sockaddr_in address = loopback(port);
    check(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  }
  TcpSocket accept() const { return TcpSocket(::accept(fd_, nullptr, nullptr)); }

  std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    check(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    return ntohs(address.sin_port);
  }

  void set_deadline(std::chrono::microseconds deadline) {
    timeval time{};
    time.tv_sec = deadline.count() / 1'000'000;
    time.tv_usec = deadline.count() % 1'000'000;
    set_option(SOL_SOCKET, SO_RCVTIMEO, time);
    set_option(SOL_SOCKET, SO_SNDTIMEO, time);
  }

  template <typename Value>
  void set_option(int level, int name, const Value& value) {
    check(::setsockopt(fd_, level, name, &value, sizeof value), "setsockopt");
  }

  /// How many bytes went into the kernel before an error or the deadline.
  std::size_t send(std::span<const char> data) const {
    std::size_t sent = 0;
    while (sent < data.size()) {
      const ssize_t result = ::send(fd_, data.data() + sent, data.size() - sent, MSG_NOSIGNAL);
      if (result <= 0) break;
      sent += static_cast<std::size_t>(result);
    }
    return sent;
  }

  /// As recv(2): 0 at the end of the stream, below 0 with errno on an error or when the deadline has passed.
  ssize_t receive(std::span<char> data) const { return ::recv(fd_, data.data(), data.size(), 0); }

  /// Everything up to the end of the stream, or until `most` bytes are there; stops at an error.
  std::string receive_all(std::size_t most = SIZE_MAX) const {
    std::string all;
    char buffer[64 * 1024];
    while (all.size() < most) {
      const ssize_t got = receive({buffer, std::min(sizeof buffer, most - all.size())});
      if (got <= 0) break;
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }

  void end_sending() const { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  /// Closes so that the other side sees a reset.
  void reset() {
    set_option(SOL_SOCKET, SO_LINGER, linger{1, 0});
    close();
  }

  int fd() const { return fd_; }

 private:
  explicit TcpSocket(int fd) : fd_(fd) {
    check(fd, "socket or accept");
    set_deadline(std::chrono::seconds(30));
    set_option(IPPROTO_TCP, TCP_NODELAY, 1);
  }

  static int check(int result, const char* what) {
    if (result < 0) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
    return result;
  }

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  int fd_ = -1;
};

}  // namespace meridian::wan::emulator
