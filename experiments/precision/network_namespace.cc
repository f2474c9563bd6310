#include "experiments/precision/network_namespace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <thread>
#include <utility>

namespace meridian::precision {

Result<NetworkNamespace> NetworkNamespace::create() {
  int fd = -1;
  int error = 0;
  // A namespace belongs to a thread; what keeps it when the thread is gone is the descriptor.
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) == 0) fd = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    error = errno;
  }).join();
  if (fd < 0) return Error{fmt::format("no network namespace can be made here: {}", std::strerror(error))};
  return NetworkNamespace(fd);
}

NetworkNamespace::NetworkNamespace(NetworkNamespace&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

NetworkNamespace::~NetworkNamespace() {
  if (fd_ >= 0) ::close(fd_);
}

void NetworkNamespace::inside(const std::function<void()>& what) const {
  std::exception_ptr thrown;
  std::thread([&] {
    try {
      if (::setns(fd_, CLONE_NEWNET) != 0) throw std::runtime_error(std::strerror(errno));
      what();
    } catch (...) {
      thrown = std::current_exception();
    }
  }).join();
  if (thrown) std::rethrow_exception(thrown);
}

Failure NetworkNamespace::command(const std::string& line) const {
  Failure failure;
  inside([&] {
    FILE* output = ::popen((line + " 2>&1").c_str(), "r");  // NOLINT(cert-env33-c): a line of ours
    if (output == nullptr) {
      failure = Error{fmt::format("{}: {}", line, std::strerror(errno))};
      return;
    }
    std::string said;
    std::array<char, 256> part{};
    while (std::fgets(part.data(), part.size(), output) != nullptr) said += part.data();
    if (::pclose(output) != 0) failure = Error{fmt::format("{}: {}", line, said)};
  });
  return failure;
}

std::string NetworkNamespace::path() const { return fmt::format("/proc/{}/fd/{}", ::getpid(), fd_); }

}  // namespace meridian::precision
