// One well-formed message of every kind, each field with a value of its own, for the tests of the codec.
#pragma once

#include <memory>
#include <vector>

#include "src/base/float_buffer.h"
#include "src/wire/message.h"

namespace meridian {

/// A payload of `size` bytes that owns them.
inline Payload payload_of_size(std::size_t size) {
  const auto bytes = std::make_shared<std::vector<std::byte>>(size, std::byte{1});
  return {bytes, *bytes};
}

/// The payloads that belong to a body, with the right sizes.
inline std::vector<Payload> payloads_for(const Body& body) {
  const auto one_each = [](const std::vector<Segment>& segments) {
    std::vector<Payload> payloads;
    for (const Segment& segment : segments) payloads.push_back(payload_of_size(segment.payload_bytes()));
    return payloads;
  };
  if (const auto* reply = std::get_if<PullReply>(&body)) return one_each(reply->segments);
  if (const auto* push = std::get_if<Push>(&body)) return one_each(push->segments);
  // How long it is only who decodes it can tell.
  if (std::holds_alternative<Update>(body)) return {payload_of_size(9)};
  if (std::holds_alternative<Announcement>(body)) return {payload_of_size(5)};
  return {};
}

inline std::vector<Body> sample_bodies() {
  using std::chrono::nanoseconds;
  const Waits waits{nanoseconds(11), nanoseconds(22), nanoseconds(33)};
  const std::vector<Segment> dense{{0, 5, 7, 0}, {65535, 0, 1, 0}};
  const std::vector<Segment> sparse{{1, 1000, 100, 9}, {2, 0, 3, 0}, {3, 8, 4, 4}};
  return {
      Heartbeat{},
      Hello{7, 0x0123456789abcdefULL, ProcessId::server(3, 2), 0xfedcba9876543210ULL, Channel::data},
      Hello{7, 1, ProcessId::worker(3, 2), 2, Channel::control},
      Refusal{"seed=1\nwan.mode=gaia\n"},
      Goodbye{true, "a value that is not finite"},
      Pull{41, true},
      Pull{41, false, dense},
      PullReply{41, 3, true, true, waits, dense},
      Push{42, 64, dense},
      Push{42, 64, dense, /*pulls=*/true},
      Finished{43},
      EvaluationPart{44, {0.5, 1.25, 100}, true, waits},
      ServerSample{45, true, 1000, 10, 0.125, {{1, 100, 200}, {2, 300, 400}}},
      Update{99, 46, sparse},
      Update{100, 46, {}, 12},
      Update{101, 46, {}, 12, ClockReport{47, 46, 101, 3, 77}},
      ClockReport{47, 46, 101, 3, 77},
      Acknowledgement{3, 78},
      Evaluation{48, 0.875, 5},
      StopProposal{49, StopReason::target, 6},
      DrainDone{102},
      Resume{5, 103},
      Probe{104},
      Announcement{106, 50, sparse},
      Departure{7, true},
  };
}

}  // namespace meridian
