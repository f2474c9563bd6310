#include "src/runtime/real/zmq_frames.h"

#include <atomic>
#include <memory>
#include <utility>

namespace meridian {
namespace {

/// What keeps a sent payload's memory until the socket's I/O thread lets go of it. The atomic orders the two
/// threads in a way that ThreadSanitizer sees; libzmq's own hand-over, which does the same, it does not.
struct SentOwner {
  std::shared_ptr<const void> memory;
  std::atomic<bool> handed_over = false;
};

}  // namespace

zmq::message_t frame_of(const Payload& payload) {
  // Sharing costs an allocation and a reference across threads; a small copy costs less.
  constexpr std::size_t kWorthSharing = 4096;
  const std::span<const std::byte> bytes = payload.bytes();
  if (bytes.size() < kWorthSharing) return zmq::message_t(bytes.data(), bytes.size());
  auto owner = std::make_unique<SentOwner>();
  owner->memory = payload.owner();
  owner->handed_over.store(true, std::memory_order_release);
  // The socket only reads; the interface has no const.
  zmq::message_t frame(
      const_cast<std::byte*>(bytes.data()), bytes.size(),
      [](void* /*data*/, void* hint) {
        auto* const sent = static_cast<SentOwner*>(hint);
        (void)sent->handed_over.load(std::memory_order_acquire);
        delete sent;
      },
      owner.get());
  (void)owner.release();
  return frame;
}

Payload payload_of(zmq::message_t frame) {
  auto owner = std::make_shared<zmq::message_t>(std::move(frame));
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(owner->data()), owner->size());
  return {std::move(owner), bytes};
}

void receive_rest(zmq::socket_t& socket, const zmq::message_t& last, std::size_t limit,
                  std::vector<zmq::message_t>& frames) {
  frames.clear();
  for (bool more = last.more(); more;) {
    zmq::message_t frame;
    if (!socket.recv(frame, zmq::recv_flags::dontwait)) break;
    more = frame.more();
    if (frames.size() <= limit) frames.push_back(std::move(frame));
  }
}

}  // namespace meridian
