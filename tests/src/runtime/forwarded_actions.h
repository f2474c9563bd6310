// Actions that pass everything on, for tests that listen in between: override what is to be heard.
#pragma once

#include <string>
#include <utility>

#include "src/runtime/machine.h"

namespace meridian {

class ForwardedActions : public Actions {
 public:
  explicit ForwardedActions(Actions& actions) : actions_(actions) {}

  std::size_t send(ProcessId to, Channel channel, Message message) override {
    return actions_.send(to, channel, std::move(message));
  }
  void set_timer(TimerId id, Time at) override { actions_.set_timer(id, at); }
  void cancel_timer(TimerId id) override { actions_.cancel_timer(id); }
  void compute(Computation computation) override { actions_.compute(std::move(computation)); }
  void report(Report report) override { actions_.report(std::move(report)); }
  void finish() override { actions_.finish(); }
  void fail(FaultKind kind, std::string reason) override { actions_.fail(kind, std::move(reason)); }

 private:
  Actions& actions_;
};

}  // namespace meridian
