// A machine that does what a test tells it to, event by event; what it is not told about, it ignores.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "src/runtime/machine.h"

namespace meridian {

class ScriptedMachine final : public Machine {
 public:
  std::function<void(Time now, Actions& actions)> at_start;
  std::function<void(Time now, ProcessId from, Channel channel, Message message, Actions& actions)>
      at_message;
  std::function<void(Time now, TimerId id, Actions& actions)> at_timer;
  std::function<void(Time now, ComputationKind kind, Actions& actions)> at_computed;
  std::function<void(Time now, ProcessId from, const std::string& why, Actions& actions)> at_malformed;
  std::function<void(const std::string& reason)> at_fault;
  std::function<void(Time now, Actions& actions)> at_interrupt;

  void start(Time now, Actions& actions) override {
    if (at_start) at_start(now, actions);
  }
  void on_message(Time now, ProcessId from, Channel channel, Message message, Actions& actions) override {
    if (at_message) at_message(now, from, channel, std::move(message), actions);
  }
  void on_timer(Time now, TimerId id, Actions& actions) override {
    if (at_timer) at_timer(now, id, actions);
  }
  void on_computed(Time now, ComputationKind kind, Actions& actions) override {
    if (at_computed) at_computed(now, kind, actions);
  }
  void on_malformed(Time now, ProcessId from, const std::string& why, Actions& actions) override {
    if (at_malformed) at_malformed(now, from, why, actions);
  }
  void on_fault(Time /*now*/, const std::string& reason, Actions& /*actions*/) override {
    if (at_fault) at_fault(reason);
  }
  void on_interrupt(Time now, Actions& actions) override {
    if (at_interrupt) at_interrupt(now, actions);
  }
};

}  // namespace meridian
