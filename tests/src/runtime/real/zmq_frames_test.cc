// Goal: a payload crosses a socket without a copy, and its memory is let go of when the last frame over it
// is. Reached by comparing addresses: between sockets of one process ZeroMQ hands frames over as they are.
#include "src/runtime/real/zmq_frames.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

namespace meridian {
namespace {

constexpr std::size_t kLarge = 100'000;

struct Bytes {
  std::shared_ptr<std::vector<std::byte>> owner;
  explicit Bytes(std::size_t size) : owner(std::make_shared<std::vector<std::byte>>(size, std::byte{7})) {}
  Payload payload() const { return {owner, *owner}; }
};

TEST(ZmqFrames, ALargePayloadIsSharedWithItsFrame) {
  Bytes bytes(kLarge);
  const std::byte* const memory = bytes.owner->data();
  const std::weak_ptr<const void> alive = bytes.owner;
  std::optional<zmq::message_t> frame(frame_of(bytes.payload()));
  bytes.owner.reset();
  EXPECT_EQ(frame->data(), memory);
  EXPECT_EQ(frame->size(), kLarge);
  EXPECT_FALSE(alive.expired()) << "the frame needs it";
  frame.reset();
  EXPECT_TRUE(alive.expired()) << "nobody needs it";
}

TEST(ZmqFrames, ASmallPayloadIsCopied) {
  Bytes bytes(100);
  const std::weak_ptr<const void> alive = bytes.owner;
  const zmq::message_t frame = frame_of(bytes.payload());
  bytes.owner.reset();
  EXPECT_TRUE(alive.expired());
  EXPECT_EQ(frame.size(), 100U);
  EXPECT_EQ(*static_cast<const std::byte*>(frame.data()), std::byte{7});
}

TEST(ZmqFrames, AnEmptyPayloadIsAnEmptyFrame) { EXPECT_EQ(frame_of(Payload()).size(), 0U); }

TEST(ZmqFrames, APayloadTakesAReceivedFramesMemory) {
  Bytes bytes(kLarge);
  const std::byte* const memory = bytes.owner->data();
  const std::weak_ptr<const void> alive = bytes.owner;
  zmq::context_t context;
  zmq::socket_t sender(context, zmq::socket_type::pair);
  zmq::socket_t receiver(context, zmq::socket_type::pair);
  receiver.bind("inproc://frames");
  sender.connect("inproc://frames");
  ASSERT_TRUE(sender.send(frame_of(bytes.payload()), zmq::send_flags::none));
  bytes.owner.reset();
  zmq::message_t frame;
  ASSERT_TRUE(receiver.recv(frame));
  std::optional<Payload> payload(payload_of(std::move(frame)));
  EXPECT_EQ(payload->bytes().data(), memory);
  EXPECT_EQ(payload->size(), kLarge);
  // And on to the next one: what was received can be sent, still without a copy.
  std::optional<zmq::message_t> forwarded(frame_of(*payload));
  payload.reset();
  EXPECT_EQ(forwarded->data(), memory);
  EXPECT_FALSE(alive.expired());
  forwarded.reset();
  EXPECT_TRUE(alive.expired());
}

TEST(ZmqFrames, OfTooManyFramesOneMoreThanTheLimitIsKept) {
  zmq::context_t context;
  zmq::socket_t sender(context, zmq::socket_type::pair);
  zmq::socket_t receiver(context, zmq::socket_type::pair);
  receiver.bind("inproc://many");
  sender.connect("inproc://many");
  for (int i = 0; i < 10; ++i) {
    sender.send(zmq::message_t(1), i < 9 ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
  sender.send(zmq::message_t(3), zmq::send_flags::none);
  zmq::message_t first;
  ASSERT_TRUE(receiver.recv(first));
  std::vector<zmq::message_t> rest(9);
  receive_rest(receiver, first, 4, rest);
  EXPECT_EQ(rest.size(), 5U);
  ASSERT_TRUE(receiver.recv(first));
  EXPECT_EQ(first.size(), 3U) << "the next message begins where the next message begins";
}

}  // namespace
}  // namespace meridian
