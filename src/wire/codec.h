// Headers to bytes and back: packed Cap'n Proto (header.capnp). Decoding trusts nothing: whatever the bytes,
// it returns either a well-formed body whose sizes agree with the payloads, or the reason why not.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "src/base/result.h"
#include "src/wire/message.h"

namespace meridian {

/// No header is longer than this, packed; the longest are refusals, which carry a configuration.
inline constexpr std::size_t kMaxHeaderBytes = 256 * 1024;
/// No message has more segments than this.
inline constexpr std::size_t kMaxSegments = 4096;
/// No evaluation has more further sums than this.
inline constexpr std::size_t kMaxFurtherSums = 16384;

struct Header {
  Body body;
  SessionPosition position;
};

/// The header frame of a message with this body.
std::vector<std::byte> encode_header(const Body& body, SessionPosition position = {});
/// The same, written over `header`, whose memory is used again.
void encode_header(const Body& body, SessionPosition position, std::vector<std::byte>& header);

/// What a received header frame says, checked against the sizes of the payload frames that came with it.
/// Checks form only (known kind, sizes that agree, no overflow); whether tables and ranges exist is the
/// receiver's to check.
Result<Header> decode_header(std::span<const std::byte> header, std::span<const Payload> payloads);

/// Bytes of TCP payload that a message of these frames takes: ZMTP 3.1 framing included (RFC 37: 2 bytes for
/// a frame of up to 255 bytes, 9 for a longer one).
std::size_t wire_bytes(std::size_t header_bytes, std::span<const Payload> payloads);

/// Bytes of TCP payload that opening one connection takes in each direction: the ZMTP greeting (64 bytes) and
/// the READY command of a NULL handshake between a DEALER and a ROUTER (43 bytes; RFC 37), in which the one
/// that connects also says its routing id.
inline constexpr std::size_t kRoutingIdBytes = 15;
inline constexpr std::size_t kConnectBytes = 64 + 43 + kRoutingIdBytes;
inline constexpr std::size_t kAcceptBytes = 64 + 43;

}  // namespace meridian
