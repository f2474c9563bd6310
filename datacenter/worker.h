// A worker: pulls the model from its datacenter's servers, computes an update on its own data, pushes it,
// and begins anew. Of tables that are read by row it pulls and pushes only the rows that its batch touches;
// which these are at the next clock it finds out with the update, so that the next pull leaves with the push.
// At evaluation clocks it also measures its part of the held-out data. It knows no other datacenter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datacenter/pulled_model.h"
#include "datacenter/row_selection.h"
#include "datacenter/shard_map.h"
#include "datacenter/transfer.h"
#include "src/runtime/machine.h"
#include "src/runtime/membership.h"
#include "src/wire/buffer_pool.h"
#include "src/workload/compute_time.h"
#include "src/workload/workload.h"

namespace meridian::datacenter {

struct WorkerOptions {
  std::string datacenter_name;
  std::size_t servers = 1;
  std::uint32_t evaluate_every = 25;
  ComputeTime compute_time;
  std::optional<double> clip_norm = {};        ///< the largest norm of an own gradient; any without it
  std::size_t part_bytes = kMaxTransferBytes;  ///< payload of a message of a push at most
};

/// What a worker has done so far, for those who watch.
struct WorkerFigures {
  Clock clocks = 0;           ///< finished
  std::uint64_t samples = 0;  ///< in all updates
  Waits waits;
  WorkTime work;
};

class Worker final : public Machine {
 public:
  /// `workload` must outlive the worker; computations read it from other threads.
  Worker(WorkerOptions options, Identity identity, PeerWatch::Deadlines deadlines, const Workload& workload,
         const ShardMap& shards);

  void start(Time now, Actions& actions) override;
  void on_message(Time now, ProcessId from, Channel channel, Message message, Actions& actions) override;
  void on_timer(Time now, TimerId id, Actions& actions) override;
  void on_computed(Time now, ComputationKind kind, Actions& actions) override;
  void on_malformed(Time now, ProcessId from, const std::string& why, Actions& actions) override;
  void on_fault(Time now, const std::string& reason, Actions& actions) override;
  void on_interrupt(Time now, Actions& actions) override;

  WorkerFigures figures() const { return {clock_, samples_, waits_, work_}; }

 private:
  enum class State : std::uint8_t { joining, pulling, evaluating, computing, pulling_final, done };

  void pull(Time now, bool final, Actions& actions);
  void on_pull_reply(Time now, ProcessId from, const PullReply& reply, std::span<const Payload> payloads,
                     Actions& actions);
  void evaluate(Time now, Actions& actions);
  void compute_or_finish(Time now, Actions& actions);
  void push(Time now, Actions& actions);
  void plan_push();
  void list_rows(Clock clock);
  void place_update();
  void compute(Clock clock);
  void clip(TablesSpan update) const;
  ProcessId server(std::size_t index) const;

  WorkerOptions options_;
  Membership membership_;
  WorkerPlace place_;
  std::unique_ptr<Learner> learner_;
  std::vector<TableSpec> tables_;
  bool by_row_ = false;                         // any table is
  std::vector<std::vector<TableRange>> owned_;  // by each server
  using Plan = std::vector<std::vector<Segment>>;
  std::vector<Plan> plans_;           // of the push to each server
  bool pulled_along_ = false;         // the last push asked for the next model too
  std::vector<std::size_t> offsets_;  // of each table in an update
  std::vector<std::size_t> sizes_;

  State state_ = State::joining;
  Clock clock_ = 0;  // finished
  bool stop_ = false;
  Waits waits_;
  WorkTime work_;
  Time since_{0};  // when the current pull or computation began
  std::uint64_t samples_ = 0;
  RowSelection rows_;       // of the clock that was pulled for
  RowSelection next_rows_;  // of the one after it
  PulledModel model_;
  BufferPool update_buffers_;
  std::size_t update_floats_ = 0;  // room in each
  std::shared_ptr<FloatBuffer> update_;
  std::vector<std::span<float>> update_views_;  // of each table, in update_
  UpdateReport report_;
  UpdateReport since_evaluation_;  // summed
  EvaluationSums evaluation_;
};

}  // namespace meridian::datacenter
