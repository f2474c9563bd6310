// Two network namespaces of the kernel's, joined by a pair of virtual Ethernet interfaces. They have no
// name, so they are gone with this program's last descriptor of them, however the program ends.
#pragma once

#include <functional>
#include <string>

#include "src/base/result.h"

namespace meridian::precision {

class NetworkNamespace {
 public:
  /// Needs root.
  static Result<NetworkNamespace> create();

  NetworkNamespace(NetworkNamespace&& other) noexcept;
  NetworkNamespace& operator=(NetworkNamespace&& other) = delete;
  ~NetworkNamespace();

  /// Calls `what` in a thread inside: sockets that it opens stay inside for good. What it throws comes out.
  void inside(const std::function<void()>& what) const;

  /// A shell command inside; its message where it fails.
  Failure command(const std::string& line) const;

  /// How a command of another namespace calls this one while this program lives.
  std::string path() const;

 private:
  explicit NetworkNamespace(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace meridian::precision
