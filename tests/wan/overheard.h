// A machine with listeners on what it sends and on what comes to it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "src/runtime/machine.h"
#include "tests/src/runtime/forwarded_actions.h"

namespace meridian::wan {

class Overheard final : public Machine {
 public:
  using Listener = std::function<void(Time now, ProcessId other, const Message& message)>;

  /// `machine` must outlive it. `on_send` is called when a message goes out, `on_arrival` before one is
  /// taken.
  explicit Overheard(Machine& machine, Listener on_send, Listener on_arrival = {})
      : machine_(machine), on_send_(std::move(on_send)), on_arrival_(std::move(on_arrival)) {}

  void start(Time now, Actions& actions) override { machine_.start(now, *out(now, actions)); }
  void on_message(Time now, ProcessId from, Channel channel, Message message, Actions& actions) override {
    if (on_arrival_) on_arrival_(now, from, message);
    machine_.on_message(now, from, channel, std::move(message), *out(now, actions));
  }
  void on_timer(Time now, TimerId id, Actions& actions) override {
    machine_.on_timer(now, id, *out(now, actions));
  }
  void on_computed(Time now, ComputationKind kind, Actions& actions) override {
    machine_.on_computed(now, kind, *out(now, actions));
  }
  void on_malformed(Time now, ProcessId from, const std::string& why, Actions& actions) override {
    machine_.on_malformed(now, from, why, actions);
  }
  void on_fault(Time now, const std::string& reason, Actions& actions) override {
    machine_.on_fault(now, reason, actions);
  }
  void on_interrupt(Time now, Actions& actions) override { machine_.on_interrupt(now, *out(now, actions)); }

 private:
  class Out final : public ForwardedActions {
   public:
    Out(Overheard& machine, Time now, Actions& actions)
        : ForwardedActions(actions), machine_(machine), now_(now) {}

    std::size_t send(ProcessId to, Channel channel, Message message) override {
      if (machine_.on_send_) machine_.on_send_(now_, to, message);
      return ForwardedActions::send(to, channel, std::move(message));
    }

   private:
    Overheard& machine_;
    Time now_;
  };

  std::unique_ptr<Out> out(Time now, Actions& actions) { return std::make_unique<Out>(*this, now, actions); }

  Machine& machine_;
  Listener on_send_;
  Listener on_arrival_;
};

}  // namespace meridian::wan
