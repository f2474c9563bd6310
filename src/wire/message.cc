#include "src/wire/message.h"

#include <array>

namespace meridian {

const char* to_string(Channel channel) { return channel == Channel::control ? "control" : "data"; }

const char* to_string(StopReason reason) {
  switch (reason) {
    case StopReason::none:
      return "none";
    case StopReason::clocks:
      return "clocks";
    case StopReason::time:
      return "time";
    case StopReason::interrupted:
      return "interrupted";
    case StopReason::target:
      return "target";
  }
  return "unknown";
}

const char* kind_name(const Body& body) {
  static constexpr std::array<const char*, std::variant_size_v<Body>> kNames = {
      "heartbeat",  "hello",        "refusal",         "goodbye",         "pull",
      "pull reply", "push",         "finished",        "evaluation part", "server sample",
      "update",     "clock report", "acknowledgement", "evaluation",      "stop proposal",
      "drain done", "resume",       "probe",           "announcement",    "departure"};
  return kNames.at(body.index());
}

}  // namespace meridian
