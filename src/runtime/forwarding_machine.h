// A machine that passes all events on to another one: what stands before a machine overrides what it is
// about.
#pragma once

#include <string>
#include <utility>

#include "src/runtime/machine.h"

namespace meridian {

class ForwardingMachine : public Machine {
 public:
  /// `machine` must outlive it.
  explicit ForwardingMachine(Machine& machine) : machine_(machine) {}

  void start(Time now, Actions& actions) override { machine_.start(now, actions); }
  void on_message(Time now, ProcessId from, Channel channel, Message message, Actions& actions) override {
    machine_.on_message(now, from, channel, std::move(message), actions);
  }
  void on_timer(Time now, TimerId id, Actions& actions) override { machine_.on_timer(now, id, actions); }
  void on_computed(Time now, ComputationKind kind, Actions& actions) override {
    machine_.on_computed(now, kind, actions);
  }
  void on_malformed(Time now, ProcessId from, const std::string& why, Actions& actions) override {
    machine_.on_malformed(now, from, why, actions);
  }
  void on_fault(Time now, const std::string& reason, Actions& actions) override {
    machine_.on_fault(now, reason, actions);
  }
  void on_interrupt(Time now, Actions& actions) override { machine_.on_interrupt(now, actions); }

 private:
  Machine& machine_;
};

}  // namespace meridian
