#include "src/program/free_ports.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>

namespace meridian::program {
namespace {

constexpr unsigned kBlockSize = 64;

bool is_free(std::uint16_t port) {
  const Descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return ::bind(probe.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

/// A name in the system's abstract name space, which is of this network and no other: who binds it has it,
/// and the system takes it back from a process that ends. Empty where another has it.
Descriptor claim(unsigned first_port) {
  Descriptor holder(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!holder) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = fmt::format("meridian-ports-{}", first_port);
  std::copy(name.begin(), name.end(), address.sun_path + 1);  // after the zero byte that makes it abstract
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(holder.number(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return {};
  return holder;
}

}  // namespace

bool FreePorts::claim_block() {
  const unsigned blocks = (past_ - lowest_) / kBlockSize;
  const unsigned first = std::random_device{}() % blocks;
  for (unsigned i = 0; i < blocks; ++i) {
    const unsigned port = lowest_ + (first + i) % blocks * kBlockSize;
    Descriptor holder = claim(port);
    if (!holder) continue;
    claims_.push_back(std::move(holder));
    next_ = port;
    block_end_ = port + kBlockSize;
    return true;
  }
  return false;
}

std::optional<std::uint16_t> FreePorts::take() {
  do {
    while (next_ < block_end_) {
      const auto port = static_cast<std::uint16_t>(next_++);
      if (is_free(port)) return port;
    }
  } while (claim_block());
  return std::nullopt;
}

}  // namespace meridian::program
