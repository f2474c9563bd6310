// A parameter server inside one datacenter: it holds its shards' values, sums the workers' gradients as they
// arrive, lets the optimizer turn each clock's sum into a step, and serves reads. What lies beyond the
// datacenter is behind the Replication seam.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "datacenter/bsp_clock.h"
#include "datacenter/dense_sums.h"
#include "datacenter/parameter_store.h"
#include "datacenter/pulled_model.h"
#include "datacenter/replication.h"
#include "datacenter/row_selection.h"
#include "datacenter/row_sums.h"
#include "datacenter/scoreboard.h"
#include "datacenter/shard_map.h"
#include "datacenter/transfer.h"
#include "src/base/check.h"
#include "src/optimizer/optimizer.h"
#include "src/runtime/machine.h"
#include "src/runtime/membership.h"
#include "src/workload/workload.h"

namespace meridian::datacenter {

struct ServerOptions {
  ProcessId self;
  std::string datacenter_name;
  std::size_t workers = 1;
  std::size_t servers = 1;
  std::uint32_t evaluate_every = 25;
  std::optional<Time> stop_time;  ///< end training this long after its start
  OptimizerOptions optimizer;
  std::size_t part_bytes = kMaxTransferBytes;  ///< payload of a message of a pull's reply at most
  bool serves_ahead = true;  ///< parts of the next model before the clock is closed, where they are final
};

/// The machine that hosts a server (wan::MirroredServer) feeds it messages of its own datacenter's processes,
/// once they have greeted, and the events below. The first server of a datacenter (index 0) also collects
/// evaluations and, at the end, the whole model.
class Server {
 public:
  /// What a read waits for. Waits for the start and for the drain count nowhere.
  enum class WaitingFor : std::uint8_t { push, local_barrier, selective_barrier, mirror_clock, start, drain };
  static constexpr std::size_t kWaitingFor = 6;
  /// "push", "local_barrier", ...
  static const char* to_string(WaitingFor cause);

  /// `workload` must outlive the server; `membership`, `replication` and `store` too.
  Server(ServerOptions options, const Workload& workload, ShardMap shards, Membership& membership,
         ParameterStore& store, Replication& replication);

  bool leads() const { return options_.self.index == 0; }
  Clock closed() const { return clock_.closed(); }
  /// How many clocks' own steps an entry of a table has had: those that are closed, and the open one's where
  /// all workers' updates of the entry are here. `entry` counts from the table's beginning.
  Clock stepped(std::size_t table, std::size_t entry) const;
  /// From the first model that was served until everybody had stopped.
  bool training() const { return started_ && !draining_; }

  /// Everybody is there: reads may be served from now on.
  void open(Time now, Actions& actions);
  void on_message(Time now, ProcessId from, const Message& message, Actions& actions);
  void on_stop_time(Time now, Actions& actions);
  void on_interrupt(Time now, Actions& actions);

  /// Something that reads wait for may have changed: serves what may be served, moves on what may move on.
  void resume(Time now, Actions& actions);

  /// How many reads are held back, by cause.
  std::array<std::size_t, kWaitingFor> held_reads() const;
  /// How long reads have been held back until `now`, summed, by cause; those that still are included.
  std::array<Time, kWaitingFor> held_time(Time now) const;

  /// All tables after the drain; on the first server, once it has finished. Valid as long as the server is.
  TablesView final_tables() const {
    MERIDIAN_CHECK(!final_tables_.empty(), "server {} has no final model", options_.self.index);
    return final_tables_;
  }

 private:
  /// A read that is held back, and the wait it has gathered by cause.
  struct HeldRead {
    ProcessId reader;
    Clock clock = 0;
    bool final = false;
    std::vector<Segment> ranges;       // none: all that is owned
    std::optional<RowSelection> rows;  // of its reader's next push, where it listed any
    bool by_row = false;               // of the tables that are read by row, only those
    std::uint64_t stamp = 0;           // what the replication knew when it was asked
    Time asked{0};
    WaitingFor cause = WaitingFor::local_barrier;
    Time since{0};
    Waits waits;
    std::size_t parts_sent = 0;  // before all of it may be served
    std::uint64_t copies = 0;    // of the values, when the first of them was sent
  };

  /// Where a step or a value was not finite.
  struct NotFinite {
    Clock clock = 0;
    std::size_t table = 0;
  };

  void dispatch(Time now, ProcessId from, const Message& message, Actions& actions);
  void on_push(Time now, ProcessId from, const Push& push, std::span<const Payload> payloads,
               Actions& actions);
  void on_pull(Time now, ProcessId from, const Pull& pull, std::span<const Payload> payloads,
               Actions& actions);
  void on_finished(Time now, ProcessId from, const Finished& finished, Actions& actions);
  void on_pull_reply(Time now, ProcessId from, const PullReply& reply, std::span<const Payload> payloads,
                     Actions& actions);
  void sum_and_step(std::size_t worker, const Segment& segment, std::span<const std::byte> bytes);
  std::span<float> make_step(Clock clock, std::size_t table, std::size_t first, std::span<float> sums);
  void step(Clock clock, std::size_t table, std::size_t first, std::span<float> sums);
  void step_rows(Clock clock, std::size_t table, RowSums& rows);
  void check_finite(Clock clock, std::size_t table, std::span<const float> values);
  void stop_for_step(Time now, Actions& actions);
  void close_clock(Time now, Actions& actions);
  bool is_summed(const Segment& segment) const;
  void serve_ahead(Time now, Actions& actions);
  void serve_held_reads(Time now, Actions& actions);
  ReadDecision decide(const HeldRead& read, WaitingFor& cause) const;
  std::vector<Payload> read_values(const std::vector<Segment>& segments);
  std::vector<std::vector<Segment>> plan_of(const HeldRead& read) const;
  std::vector<Payload> gather(const RowSelection& rows, const std::vector<Segment>& segments);
  void send_part(Time now, const HeldRead& read, std::size_t part, Actions& actions);
  void serve(Time now, HeldRead read, bool stop, Actions& actions);
  void drain_when_all_finished(Time now, Actions& actions);
  void finish_up(Time now, Actions& actions);
  void collect_final_model(Time now, Actions& actions);
  bool readers_departed() const;
  void leave_if_possible(Time now, Actions& actions);
  void collect_measurements(Time now, Actions& actions);
  void add_own_sample(Time now, Clock clock, bool final, Actions& actions);
  void violation(Time now, ProcessId from, const std::string& what, Actions& actions);

  ServerOptions options_;
  const Workload& workload_;
  ShardMap shards_;
  Membership& membership_;
  ParameterStore& store_;
  Replication& replication_;

  BspClock clock_;
  std::vector<std::vector<Segment>> plan_;
  std::vector<RowSelection> rows_;                 // of each worker's push, since its read was served
  std::vector<std::optional<Clock>> rows_listed_;  // of each worker: the pull that listed rows last
  std::vector<TransferCursor> pushes_;             // one for each worker
  // Of each table, one of them, by whether it is read by row.
  std::vector<std::variant<DenseSums, RowSums>> sums_;
  std::uint64_t samples_ = 0;  // of a clock, by all workers
  std::vector<std::unique_ptr<Optimizer>> optimizers_;
  std::optional<NotFinite> not_finite_;

  bool opened_ = false;
  bool started_ = false;
  std::vector<HeldRead> held_;
  std::array<Time, kWaitingFor> held_time_{};  // as far as it was counted
  std::optional<Clock> sampled_;
  std::optional<Clock> served_;

  std::vector<bool> worker_finished_;
  std::optional<Clock> finished_clock_;
  bool draining_ = false;
  std::size_t final_reads_served_ = 0;
  bool final_sample_sent_ = false;
  bool final_measured_ = false;  // of the whole datacenter, by the first server
  bool done_ = false;

  Scoreboard scoreboard_;
  // Of the first server, once it is drained.
  bool collecting_ = false;
  std::optional<PulledModel> final_model_;  // where others hold parts of it
  std::vector<std::span<const float>> final_tables_;
};

}  // namespace meridian::datacenter
