// The messages between Meridian's processes as the state machines see them: one plain struct for each kind.
// codec.h turns a message's header into bytes and back; docs/protocol.md tells who sends what when.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "src/base/process_id.h"
#include "src/base/time.h"
#include "src/wire/payload.h"
#include "src/workload/learner.h"

namespace meridian {

/// Control always overtakes data: the two travel on connections of their own.
enum class Channel : std::uint8_t { control = 0, data = 1 };

/// "control" or "data".
const char* to_string(Channel channel);

/// The version of the messages below; a process refuses peers of other versions.
inline constexpr std::uint16_t kProtocolVersion = 5;

/// What a reader waited for. Waits of different causes never overlap.
struct Waits {
  Time local_barrier{0};      ///< for the updates of the other workers of its own datacenter
  Time selective_barrier{0};  ///< for announced values still on the way
  Time mirror_clock{0};       ///< for other datacenters' clocks
  Time push{0};               ///< for the waiting worker's own update to arrive

  Waits& operator+=(const Waits& other) {
    local_barrier += other.local_barrier;
    selective_barrier += other.selective_barrier;
    mirror_clock += other.mirror_clock;
    push += other.push;
    return *this;
  }
  bool operator==(const Waits&) const = default;
};

inline Time total(const Waits& waits) {
  return waits.local_barrier + waits.selective_barrier + waits.mirror_clock + waits.push;
}

/// What a worker did with its time when it did not wait for anybody; with its Waits, all of its time from the
/// first model it had to its last one.
struct WorkTime {
  Time compute{0};     ///< updates
  Time evaluation{0};  ///< of the held-out data
  Time pull{0};        ///< until models were there, without the waits

  WorkTime& operator+=(const WorkTime& other) {
    compute += other.compute;
    evaluation += other.evaluation;
    pull += other.pull;
    return *this;
  }
  bool operator==(const WorkTime&) const = default;
};

struct Heartbeat {
  bool operator==(const Heartbeat&) const = default;
};

/// The first message of every connection: all that is constant for it.
struct Hello {
  std::uint16_t version = kProtocolVersion;
  std::uint64_t run_digest = 0;
  ProcessId sender;
  std::uint64_t incarnation = 0;
  Channel channel = Channel::control;
  bool operator==(const Hello&) const = default;
};

/// "Your run is not mine": carries the sender's configuration so that the other can name the key that
/// differs.
struct Refusal {
  std::string identity_text;
  bool operator==(const Refusal&) const = default;
};

struct Goodbye {
  bool failed = false;
  std::string reason;
  bool operator==(const Goodbye&) const = default;
};

/// A contiguous range of one table's entries; its values are in the message's payloads.
struct Segment {
  std::uint16_t table = 0;
  std::uint64_t first = 0;   ///< flat index of the first entry
  std::uint64_t count = 0;   ///< entries spanned
  std::uint64_t sparse = 0;  ///< 0: count floats; n: n 32-bit offsets from `first`, rising, then n floats
  bool operator==(const Segment&) const = default;

  /// How many values it carries.
  std::size_t values() const { return sparse == 0 ? count : sparse; }
  std::size_t payload_bytes() const { return sparse == 0 ? count * 4 : sparse * 8; }
};

/// Rows of one table that is read by row; their numbers (32 bits each, rising) are a payload.
struct RowList {
  std::uint16_t table = 0;
  std::uint32_t count = 0;
  bool operator==(const RowList&) const = default;
};

struct Pull {
  Clock clock = 0;  ///< clocks that the reader has finished
  bool final = false;
  std::vector<Segment> segments = {};  ///< dense ranges to read; none: all that the server owns
  bool whole = false;                  ///< all rows of every table are read, not only those of `rows`
  /// Of each table that is read by row, those of the server's rows that the reader's next push updates.
  std::vector<RowList> rows = {};
  bool operator==(const Pull&) const = default;
};

/// Of a table that is read by row a reply, and the push that follows, carry the pull's rows one after the
/// other: segments count entries among these.
struct PullReply {
  Clock clock = 0;
  std::uint16_t part = 0;
  bool last = false;
  bool stop = false;
  Waits waits;
  std::vector<Segment> segments;  ///< dense; one payload each
  bool operator==(const PullReply&) const = default;
};

struct Push {
  Clock clock = 0;
  std::uint64_t samples = 0;
  std::vector<Segment> segments;  ///< dense; one payload each
  /// Also asks for all of the model after this clock: one message of a push may, in place of a pull. Parts of
  /// the model that are final may be answered while the rest of the push is on its way.
  bool pulls = false;
  bool operator==(const Push&) const = default;
};

struct Finished {
  Clock clock = 0;
  bool operator==(const Finished&) const = default;
};

struct EvaluationPart {
  Clock clock = 0;
  EvaluationSums sums;
  bool final = false;
  Waits waits;  ///< the worker's sums so far
  /// The training loss summed over the samples since the evaluation before.
  double train_loss_sum = 0.0;
  std::uint64_t train_samples = 0;
  WorkTime work = {};  ///< the worker's sums so far
  bool operator==(const EvaluationPart&) const = default;
};

/// Bytes that a datacenter has sent to another one.
struct LinkBytes {
  std::uint16_t datacenter = 0;
  std::uint64_t data = 0;
  std::uint64_t control = 0;
  std::uint64_t payload = 0;  ///< of data: updates without headers and framing
  bool operator==(const LinkBytes&) const = default;
};

/// A server's counters when it served an evaluation clock, or at its end.
struct ServerSample {
  Clock clock = 0;
  bool final = false;
  std::uint64_t entries_considered = 0;
  std::uint64_t entries_sent = 0;
  double difference_bound = 0.0;  ///< max over tables of max(|residual| + |unacknowledged|) / max|value|
  std::vector<LinkBytes> links;
  bool operator==(const ServerSample&) const = default;
};

struct ClockReport {
  Clock clock = 0;
  Clock complete_clock = 0;
  std::uint64_t complete_number = 0;
  std::uint32_t ack_epoch = 0;
  std::uint64_t ack_number = 0;
  bool operator==(const ClockReport&) const = default;
};

/// A numbered chunk of one clock's significant updates; all segments share one payload, in order. Where the
/// payload itself begins with the segments (wan/segment_list.h) there are none here.
struct Update {
  std::uint64_t number = 0;
  Clock clock = 0;
  std::vector<Segment> segments;
  std::uint64_t released = 0;  ///< announcements up to this one are released once the chunk is applied
  std::optional<ClockReport> report = {};  ///< one that need not travel alone
  bool operator==(const Update&) const = default;
};

struct Acknowledgement {
  std::uint32_t epoch = 0;  ///< of the chunks that are acknowledged
  std::uint64_t number = 0;
  bool operator==(const Acknowledgement&) const = default;
};

struct Evaluation {
  Clock clock = 0;
  double objective = 0.0;
  std::uint16_t datacenter = 0;  ///< whose replica was measured
  bool operator==(const Evaluation&) const = default;
};

/// Why a run stops training. Where several apply at once, the largest counts.
enum class StopReason : std::uint8_t { none = 0, clocks = 1, time = 2, interrupted = 3, target = 4 };

/// "clocks", "time", "interrupted" or "target".
const char* to_string(StopReason reason);

struct StopProposal {
  Clock clock = 0;  ///< the sender can stop at this clock or any later one
  StopReason reason = StopReason::none;
  std::uint16_t datacenter = 0;  ///< whose proposal it is
  bool operator==(const StopProposal&) const = default;
};

struct DrainDone {
  std::uint64_t number = 0;
  bool operator==(const DrainDone&) const = default;
};

/// A hole was found in what the receiver of this message has sent: it is to go on in a new epoch.
struct Resume {
  std::uint32_t epoch = 0;   ///< in which it goes on
  std::uint64_t number = 0;  ///< the last chunk that was applied; whatever came later is lost
  bool operator==(const Resume&) const = default;
};

/// On the data channel: so many chunks went before. Whoever has fewer has found a hole.
struct Probe {
  std::uint64_t number = 0;
  bool operator==(const Probe&) const = default;
};

/// Significant updates that the data channel will bring later: reads of these entries wait for them.
struct Announcement {
  std::uint64_t number = 0;  ///< of this announcement, from 1
  Clock clock = 0;
  std::vector<Segment> segments;  ///< which entries; their indexes are encoded in the payload
  bool operator==(const Announcement&) const = default;
};

/// A datacenter went silent and is left out, or takes part again.
struct Departure {
  std::uint16_t datacenter = 0;
  bool returned = false;
  bool operator==(const Departure&) const = default;
};

using Body = std::variant<Heartbeat, Hello, Refusal, Goodbye, Pull, PullReply, Push, Finished, EvaluationPart,
                          ServerSample, Update, ClockReport, Acknowledgement, Evaluation, StopProposal,
                          DrainDone, Resume, Probe, Announcement, Departure>;

/// Where in its session a message between datacenters stands; zeros inside a datacenter.
struct SessionPosition {
  std::uint32_t epoch = 0;
  std::uint32_t sequence = 0;  ///< of a control message within its epoch, from 1
  bool operator==(const SessionPosition&) const = default;
};

struct Message {
  Body body;
  std::vector<Payload> payloads = {};
  SessionPosition position = {};
};

/// "clock report", "push", ...: how logs name a message.
const char* kind_name(const Body& body);

}  // namespace meridian
