// The mirror: the part of a server that keeps its shards in step with their counterparts in other
// datacenters. It takes each clock's own step, lets the four choices decide what goes out, when, who waits
// and how updates merge, and keeps one session with every counterpart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datacenter/parameter_store.h"
#include "datacenter/replication.h"
#include "datacenter/shard_map.h"
#include "src/optimizer/learning_rate.h"
#include "src/runtime/machine.h"
#include "src/runtime/membership.h"
#include "wan/absence.h"
#include "wan/auto_staleness.h"
#include "wan/mirror_figures.h"
#include "wan/mode.h"
#include "wan/relation.h"
#include "wan/session.h"
#include "wan/soft_threshold.h"
#include "wan/stop_agreement.h"

namespace meridian::wan {

/// What a mirror knows of a datacenter that it exchanges updates with.
struct Neighbour {
  std::string name;
  std::size_t datacenter = 0;  ///< its position in the configuration
  std::size_t servers = 1;
  double bytes_per_s = 0.0;  ///< of the link to it, as configured
  Time round_trip{0};
  Relation relation = Relation::peer;
  std::vector<std::size_t> behind;  ///< datacenters whose updates come over this one, itself included
  std::size_t sources = 1;          ///< datacenters whose updates go over the link to it, this one included
};

/// What happens to a read that a selective barrier has held for too long.
enum class BarrierPolicy : std::uint8_t { stop, open };

struct MirrorOptions {
  ProcessId self;
  std::string datacenter_name;
  std::vector<std::string> table_names;
  std::vector<Neighbour> neighbours;
  StopAgreement::Options stop;
  Absences::Options absence;
  BarrierPolicy on_barrier = BarrierPolicy::stop;
  Time barrier_deadline{std::chrono::seconds(30)};
  Time drain_deadline{std::chrono::seconds(60)};
  LearningRate learning_rate = {};  ///< for thresholds that follow it, as they are shown
};

class Mirror final : public datacenter::Replication {
 public:
  /// `membership` and `store` must outlive the mirror.
  Mirror(MirrorOptions options, Mode mode, const datacenter::ShardMap& shards, Membership& membership,
         datacenter::ParameterStore& store);

  /// The counterparts: servers of neighbouring datacenters that share entries with this one.
  std::vector<ProcessId> counterparts() const;

  /// Whether a message of a counterpart is what comes next in its session; notes what is missing. To be asked
  /// for every message but hellos and refusals, before anybody acts on it.
  bool admits(Time now, ProcessId from, Channel channel, const Message& message, Actions& actions);
  /// A message that was admitted.
  void on_message(Time now, ProcessId from, Message message, Actions& actions);
  /// A message of a counterpart was not well-formed.
  void on_malformed(Time now, ProcessId from, const std::string& why, Actions& actions);
  void on_tick(Time now, Actions& actions);
  void on_acknowledge_timer(Time now, Actions& actions);
  void on_drain_deadline(Time now, Actions& actions);
  /// A counterpart has said goodbye in good order. It may have gone on without this datacenter.
  void on_goodbye(Time now, ProcessId peer, Actions& actions);
  /// A counterpart is gone for good. False where the run is to end for it.
  bool on_lost(Time now, ProcessId peer, const std::string& why, Actions& actions);

  /// Counts what goes out to another datacenter.
  void count_sent(ProcessId to, Channel channel, std::size_t bytes);
  /// The place in its session of the next message to a counterpart.
  SessionPosition next_position(ProcessId to, Channel channel, const Body& body);

  // datacenter::Replication
  float step_scale() const override { return mode_.merge->step_scale(); }
  void merge_own_step(Clock clock, std::size_t table, std::size_t first, std::span<float> values,
                      std::span<const float> step) override;
  bool own_steps_merge_at_once() const override { return mode_.merge->own_steps_merge_at_once(); }
  bool steps_every_entry() const override { return mode_.what->steps_every_entry(); }
  void clock_closed(Time now, Clock clock, Actions& actions) override;
  std::uint64_t read_asked() override { return announcements_seen_; }
  datacenter::ReadDecision may_read(const datacenter::Read& read) const override;
  void read_served(Time now, Clock clock, Actions& actions) override;
  void evaluated(Time now, Clock clock, double objective, Actions& actions) override;
  void wish_to_stop(Time now, StopReason reason, Actions& actions) override;
  void drain(Time now, Clock clock, Actions& actions) override;
  bool drained() const override;
  bool may_leave() const override;
  datacenter::ReplicationCounters counters() const override;
  double measure_difference() override;
  StopReason stop_reason() const override { return stop_.reason(); }

  std::size_t datacenter() const { return options_.self.datacenter; }
  /// What holds now, for those who watch.
  MirrorFigures figures(Time now) const;
  /// max over tables of max(|residual| + |unacknowledged|) / max|value|, over all links. Passes over the
  /// model.
  double difference_bound() const;

  // For tests of conservation: what this server still owes to a counterpart that has applied chunk `applied`,
  // added to `sums` (one buffer for each table over the owned range).
  void add_owed_to(ProcessId counterpart, std::uint64_t applied, std::vector<FloatBuffer>& sums) const;
  /// The number of the last chunk of `counterpart` that was applied here.
  std::uint64_t applied_number(ProcessId counterpart) const;
  /// The session with a counterpart, for those who watch. Requires that there is one.
  const Session& session_with(ProcessId counterpart) const;
  Clock staleness_bound() const { return mode_.wait->bound(auto_ds()); }
  const Merge& merge() const { return *mode_.merge; }
  bool has_left(std::size_t datacenter) const { return stop_.has_left(datacenter); }

 private:
  class Links;
  /// What this replica has and a counterpart may not have yet.
  struct Difference {
    double bound = 0.0;
    std::vector<double> residual_norms;  // of each table
  };

  bool leads() const { return options_.self.index == 0; }
  Clock auto_ds() const { return staleness_ ? staleness_->ds() : 0; }
  Session* find(ProcessId id);
  const Session* find(ProcessId id) const;
  const Neighbour& neighbour_of(const Session& session) const {
    return options_.neighbours[session.neighbour];
  }
  bool takes_part(const Session& session) const;
  bool relays_to(std::size_t from, std::size_t to) const;
  std::optional<std::size_t> neighbour_before(std::size_t datacenter) const;
  bool comes_over(const Session& session, std::size_t datacenter) const;

  void send(Time now, Session& session, Channel channel, Message message, Actions& actions);
  void send_chunks(Time now, Session& session, std::vector<UpdateChunk> chunks, Actions& actions);
  ClockReport tell_report(Session& session);
  void send_report(Time now, Session& session, Actions& actions);
  void report_news(Time now, Actions& actions);
  void acknowledge(Time now, Session& session, Actions& actions);
  void send_to_leads(Time now, std::optional<std::size_t> from, const Body& body, Actions& actions);
  Clock reported_to(std::size_t neighbour) const;

  void offer(Time now, std::size_t neighbour, Clock clock, const Selection& selection, bool due,
             Actions& actions);
  void update_measurements(Time now, Actions& actions);
  void announce_if_slow(Time now, Session& session, Actions& actions);
  void announce(Time now, Session& session, const OutgoingBarrier::Open& open, Actions& actions);
  Selection selection_of(const AnnouncedEntries& entries) const;
  void on_release(Time now, Session& session, std::uint64_t number, Actions& actions);
  void pass_on_release(Time now, const Session& session, std::uint64_t number, Actions& actions);
  void open_barrier(Time now, Session& session, Actions& actions);
  void expire_barriers(Time now, Actions& actions);

  void on_update(Time now, Session& session, std::uint32_t epoch, const Update& update,
                 const std::vector<Payload>& payloads, Actions& actions);
  void on_probe(Time now, Session& session, std::uint32_t epoch, const Probe& probe, Actions& actions);
  void on_report(Time now, Session& session, const ClockReport& report, Actions& actions);
  void on_acknowledged(Time now, Session& session, std::uint32_t epoch, std::uint64_t number,
                       Actions& actions);
  void on_announcement(Time now, Session& session, const Announcement& announcement, const Payload& payload,
                       Actions& actions);
  void on_evaluation(Time now, Session& session, const Evaluation& evaluation, Actions& actions);
  void on_proposal(Time now, Session& session, const StopProposal& proposal, Actions& actions);
  void on_departure(Time now, Session& session, const Departure& departure, Actions& actions);

  void open_epoch(Time now, Session& session, Actions& actions);
  void on_resume(Time now, Session& session, const Resume& resume, Actions& actions);
  void send_state(Time now, Session& session, Actions& actions);

  bool nobody_is_heard(Time now) const;
  void look_for_absence(Time now, std::size_t neighbour, Actions& actions);
  void set_left(Time now, std::size_t neighbour, bool left, Actions& actions);
  void part_from(Time now, std::size_t neighbour, Actions& actions);
  std::string parting_words() const;
  void part_again(Time now, Session& session, const Resume& resume, Actions& actions);
  void lose_for_good(Time now, std::size_t neighbour, const std::string& why, Actions& actions);
  void broken(Time now, const Session& session, const std::string& what, Actions& actions);

  bool others_progressed(Time now, Actions& actions);
  bool end_run_for(Time now, const Failure& failure, Actions& actions);
  void report_progress(Actions& actions) const;
  void say_who_is_waited_for(Time now, Actions& actions);
  PeerFigures peer_figures(Time now, std::size_t neighbour) const;
  Difference difference() const;
  void propose_if_due(Time now, Actions& actions);
  void finish_drain_where_possible(Time now, Actions& actions);

  MirrorOptions options_;
  Mode mode_;
  Membership& membership_;
  datacenter::ParameterStore& store_;
  std::vector<Session> sessions_;
  std::vector<PeerClock> peer_clocks_;  // of each neighbour
  StopAgreement stop_;
  Absences absences_;
  std::optional<AutoStaleness> staleness_;
  std::vector<SoftThreshold> soft_thresholds_;  // of each neighbour's link; none where there is no soft one
  std::vector<double> threshold_scales_;
  std::vector<bool> said_left_;  // of each datacenter, by the neighbour over which its updates come

  Clock closed_ = 0;
  Time closed_at_{0};
  Time said_waiting_at_{0};
  std::optional<Clock> served_;
  double clock_seconds_ = 0.0;     // of own computation, smoothed
  std::optional<Time> served_at_;  // when the workers began the clock that is open
  std::uint64_t announcements_seen_ = 0;
  bool draining_ = false;
  bool lingering_ = false;
  bool linger_over_ = false;
  bool acknowledge_timer_set_ = false;
  std::uint64_t entries_considered_ = 0;
  std::uint64_t entries_sent_ = 0;
  std::vector<LinkBytes> bytes_;              // to each neighbour
  std::vector<double> data_bytes_per_clock_;  // to each neighbour, smoothed
  std::vector<std::uint64_t> data_bytes_at_clock_;
  std::vector<MessageCounts> sent_messages_;      // to each neighbour
  std::vector<MessageCounts> received_messages_;  // from each neighbour
  std::uint64_t violations_ = 0;
  Difference difference_;  // as measured last
};

}  // namespace meridian::wan
