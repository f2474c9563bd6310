// A server process as a machine: a parameter server of its datacenter, and the mirror that keeps its shards
// in step with the other datacenters, over one membership of all the processes that both talk to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "datacenter/parameter_store.h"
#include "datacenter/server.h"
#include "datacenter/shard_map.h"
#include "src/runtime/machine.h"
#include "src/runtime/membership.h"
#include "src/workload/workload.h"
#include "wan/mirror.h"
#include "wan/mode.h"

namespace meridian::wan {

class MirroredServer final : public Machine {
 public:
  struct Options {
    datacenter::ServerOptions server;
    MirrorOptions mirror;
    ModeParts mode;
    ModeParameters mode_parameters;
    Registry registry = Registry::built_in();
    double weight = 1.0;  ///< its datacenter's samples per clock / all datacenters' samples per clock
    LearningRate learning_rate;
  };

  /// `workload` must outlive the server. Errors of the mode are the configuration's.
  static Result<std::unique_ptr<MirroredServer>> create(Options options, Identity identity,
                                                        PeerWatch::Deadlines deadlines,
                                                        const Workload& workload,
                                                        const datacenter::ShardMap& shards);

  void start(Time now, Actions& actions) override;
  void on_message(Time now, ProcessId from, Channel channel, Message message, Actions& actions) override;
  void on_timer(Time now, TimerId id, Actions& actions) override;
  void on_computed(Time now, ComputationKind kind, Actions& actions) override;
  void on_malformed(Time now, ProcessId from, const std::string& why, Actions& actions) override;
  void on_fault(Time now, const std::string& reason, Actions& actions) override;
  void on_interrupt(Time now, Actions& actions) override;

  const datacenter::ParameterStore& store() const { return store_; }
  const Mirror& mirror() const { return *mirror_; }
  const datacenter::Server& server() const { return *server_; }
  /// The run is over for it.
  bool has_left() const { return membership_.has_left(); }

 private:
  MirroredServer(Options options, Identity identity, PeerWatch::Deadlines deadlines,
                 const datacenter::ShardMap& shards);

  MergePlace merge_place(const datacenter::ShardMap& shards);

  Options options_;
  Membership membership_;
  datacenter::ParameterStore store_;
  std::unique_ptr<Mirror> mirror_;
  std::unique_ptr<datacenter::Server> server_;
  bool opened_ = false;
};

}  // namespace meridian::wan
