// Messages to ZeroMQ frames and back, without copying payloads: a sent frame shares the payload's memory
// until the socket's I/O thread has let go of it, a received frame becomes a payload's memory.
#pragma once

#include <cstddef>
#include <span>
#include <vector>
#include <zmq.hpp>

#include "src/wire/payload.h"

namespace meridian {

/// A frame over the payload's own memory.
zmq::message_t frame_of(const Payload& payload);

/// A payload over a received frame's memory.
Payload payload_of(zmq::message_t frame);

/// Receives the rest of a message of which `last` was read last into `frames`, whose memory is used again.
/// Frames beyond `limit` are dropped and `limit` + 1 are left, which no well-formed message has.
void receive_rest(zmq::socket_t& socket, const zmq::message_t& last, std::size_t limit,
                  std::vector<zmq::message_t>& frames);

}  // namespace meridian
