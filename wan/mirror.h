// The mirror: the part of a server that keeps its shards in step with their counterparts in other
// datacenters. It takes each clock's own step, lets the four choices decide what goes out, when, who waits
// and how updates merge, and keeps one session with every counterpart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datacenter/parameter_store.h"
#include "datacenter/replication.h"
#include "datacenter/shard_map.h"
#include "src/runtime/machine.h"
#include "src/runtime/membership.h"
#include "wan/incoming_link.h"
#include "wan/mode.h"
#include "wan/outgoing_link.h"
#include "wan/stop_agreement.h"

namespace meridian::wan {

/// What a mirror knows of another datacenter.
struct Neighbour {
  std::string name;
  std::size_t datacenter = 0;  ///< its position in the configuration
  std::size_t servers = 1;
  double bytes_per_s = 0.0;  ///< of the link to it
  Time round_trip{0};
};

struct MirrorOptions {
  ProcessId self;
  std::string datacenter_name;
  std::vector<std::string> table_names;
  double weight = 1.0;  ///< its datacenter's samples per clock / all datacenters' samples per clock
  std::vector<Neighbour> neighbours;
  StopAgreement::Options stop;
  Time drain_deadline{std::chrono::seconds(60)};
};

class Mirror final : public datacenter::Replication {
 public:
  /// `membership` and `store` must outlive the mirror.
  Mirror(MirrorOptions options, Mode mode, const datacenter::ShardMap& shards, Membership& membership,
         datacenter::ParameterStore& store);

  /// The counterparts: servers of other datacenters that share entries with this one.
  std::vector<ProcessId> counterparts() const;

  /// A message of a counterpart that has greeted on its channel.
  void on_message(Time now, ProcessId from, Message message, Actions& actions);
  void on_acknowledge_timer(Time now, Actions& actions);
  void on_drain_deadline(Time now, Actions& actions);
  /// Counts what goes out to another datacenter.
  void count_sent(ProcessId to, Channel channel, std::size_t bytes);

  // datacenter::Replication
  float step_scale() const override { return static_cast<float>(options_.weight); }
  void merge_own_step(Clock clock, std::size_t table, std::span<float> values,
                      std::span<const float> step) override;
  void clock_closed(Time now, Clock clock, Actions& actions) override;
  datacenter::ReadDecision may_read(Clock clock) const override;
  void read_served(Time now, Clock clock, Actions& actions) override;
  void evaluated(Time now, Clock clock, double objective, Actions& actions) override;
  void wish_to_stop(Time now, StopReason reason, Actions& actions) override;
  void drain(Time now, Clock clock, Actions& actions) override;
  bool drained() const override;
  datacenter::ReplicationCounters counters() const override;
  double difference_bound() const override;
  StopReason stop_reason() const override { return stop_.reason(); }

  // For tests of conservation: what this server's own steps still owe to a counterpart that has applied chunk
  // `applied`, added to `sums` (one buffer for each table over the owned range).
  void add_owed_to(ProcessId counterpart, std::uint64_t applied, std::vector<FloatBuffer>& sums) const;
  /// The number of the last chunk of `counterpart` that was applied here.
  std::uint64_t applied_number(ProcessId counterpart) const;

 private:
  /// The session with one counterpart.
  struct Session {
    ProcessId id;
    std::size_t neighbour = 0;  // position in options_.neighbours
    std::vector<datacenter::TableRange> shared;
    OutgoingLink out;
    IncomingLink in;
    Clock announced_complete = 0;  // of ours, in our last report
    bool drain_done_sent = false;
    std::optional<Time> drain_announced_at = {};
  };

  bool leads() const { return options_.self.index == 0; }
  bool any_backlog() const;
  Session* find(ProcessId id);
  const Session* find(ProcessId id) const;
  bool select_into(Time now, const What& what, Clock clock, Actions& actions);
  void send_chunks(Time now, Session& session, std::vector<UpdateChunk> chunks, Actions& actions);
  void send_report(Time now, Session& session, Actions& actions);
  void send_to_leads(Time now, const Body& body, Actions& actions);
  void propose_if_due(Time now, Actions& actions);
  void on_update(Time now, Session& session, const Update& update, std::vector<Payload> payloads,
                 Actions& actions);
  void on_acknowledged(Time now, Session& session, std::uint32_t epoch, std::uint64_t number,
                       Actions& actions);
  void refresh_peer_clocks();
  void report_progress(Actions& actions) const;
  void finish_drain_where_possible(Time now, Actions& actions);
  void broken(Time now, const Session& session, const std::string& what, Actions& actions);

  MirrorOptions options_;
  Mode mode_;
  Membership& membership_;
  datacenter::ParameterStore& store_;
  std::vector<Session> sessions_;
  std::vector<FloatBuffer> residual_;  // own updates that went to nobody yet: one for all links
  Selection selection_;
  Selection nothing_;
  std::vector<PeerClock> peer_clocks_;  // of each neighbour
  StopAgreement stop_;

  Clock closed_ = 0;
  std::optional<Clock> served_;
  bool draining_ = false;
  bool acknowledge_timer_set_ = false;
  std::uint64_t entries_considered_ = 0;
  std::uint64_t entries_sent_ = 0;
  std::vector<LinkBytes> bytes_;  // to each neighbour
};

}  // namespace meridian::wan
