// Raw bytes that travel beside a message's header. A payload shares the ownership of the memory that it
// points into (a tensor, a received frame), so nothing is copied on the way from one to the other, and that
// memory lives until the last reader, a socket's I/O thread included, has let go of it. The bytes must not
// change meanwhile.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace meridian {

class Payload {
 public:
  Payload() = default;
  Payload(std::shared_ptr<const void> owner, std::span<const std::byte> bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}

  std::span<const std::byte> bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
};

}  // namespace meridian
