// What a machine under test asked for, written down: the test gives it events and reads here what came of
// them.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/runtime/machine.h"
#include "src/wire/codec.h"

namespace meridian {

class RecordedActions final : public Actions {
 public:
  struct Sent {
    ProcessId to;
    Channel channel = Channel::control;
    Message message;
  };
  struct Fault {
    FaultKind kind = FaultKind::failed;
    std::string reason;
  };

  std::size_t send(ProcessId to, Channel channel, Message message) override {
    const std::size_t bytes =
        wire_bytes(encode_header(message.body, message.position).size(), message.payloads);
    sent.push_back({to, channel, std::move(message)});
    return bytes;
  }
  void set_timer(TimerId id, Time at) override { timers.at(static_cast<std::size_t>(id)) = at; }
  void cancel_timer(TimerId id) override { timers.at(static_cast<std::size_t>(id)).reset(); }
  void compute(Computation asked) override { computation = std::move(asked); }
  void report(Report report) override { reports.push_back(std::move(report)); }
  void finish() override { finished = true; }
  void fail(FaultKind kind, std::string reason) override {
    if (!fault) fault = Fault{kind, std::move(reason)};
  }

  /// All bodies of one kind that were sent, to anybody or to one process, in order.
  template <typename Kind>
  std::vector<Kind> sent_of(std::optional<ProcessId> to = std::nullopt) const {
    std::vector<Kind> bodies;
    for (const Sent& one : sent) {
      const auto* const body = std::get_if<Kind>(&one.message.body);
      if (body != nullptr && (!to || one.to == *to)) bodies.push_back(*body);
    }
    return bodies;
  }

  /// All reports of one kind, in order.
  template <typename Kind>
  std::vector<Kind> reports_of() const {
    std::vector<Kind> found;
    for (const Report& report : reports) {
      if (const auto* const one = std::get_if<Kind>(&report)) found.push_back(*one);
    }
    return found;
  }

  /// Why the run failed; "" where it did not.
  std::string failure() const { return fault ? fault->reason : ""; }

  std::vector<Sent> sent;
  std::array<std::optional<Time>, kTimerIds> timers;
  std::optional<Computation> computation;
  std::vector<Report> reports;
  bool finished = false;
  std::optional<Fault> fault;
};

}  // namespace meridian
