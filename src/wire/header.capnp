# The header of every message between Meridian's processes. It travels as the first frame, packed; raw payload
# frames follow it and never sit in here. What is constant for a connection is said once, in its hello.
# docs/protocol.md tells who sends what when.

@0xb1f4a6c7d2e3f801;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("meridian::schema");

struct Process {
  datacenter @0 :UInt16;
  server @1 :Bool;          # a worker otherwise
  index @2 :UInt16;
}

struct Hello {
  version @0 :UInt16;
  runDigest @1 :UInt64;
  sender @2 :Process;
  incarnation @3 :UInt64;   # drawn anew each time a process starts
  data @4 :Bool;            # this connection carries data; control otherwise
}

struct Refusal {
  text @0 :Text;            # the refusing side's configuration, key=value lines without hosts, ports and paths
}

struct Goodbye {
  failed @0 :Bool;          # the sender stops because of a fault, and so must the run
  reason @1 :Text;
}

# A contiguous range of one table's entries. Its bytes are in the message's payload.
struct Segment {
  table @0 :UInt16;
  first @1 :UInt64;         # flat index of the first entry
  count @2 :UInt64;         # entries spanned
  sparse @3 :UInt64;        # 0: dense, count floats; n > 0: n pairs, n UInt32 offsets from first, then n floats
}

struct Pull {
  clock @0 :UInt32;         # clocks that the reader has finished
  final @1 :Bool;           # the parameters after the drain
  segments @2 :List(Segment); # the ranges to read; none: all that the server owns
  whole @3 :Bool;           # read all rows of every table, not only the ones below
  rows @4 :List(RowList);   # of tables that are read by row, the rows that the reader's next push updates
}

# Rows of one table. Their numbers are a payload of their own: count UInt32, rising.
struct RowList {
  table @0 :UInt16;
  count @1 :UInt32;
}

struct PullReply {
  clock @0 :UInt32;
  part @1 :UInt16;          # parts of one reply, from 0
  last @2 :Bool;
  stop @3 :Bool;            # no more clocks: finish
  localWaitNs @4 :UInt64;   # how long this read was held back, by cause
  selectiveWaitNs @5 :UInt64;
  mirrorWaitNs @6 :UInt64;
  segments @7 :List(Segment);
  pushWaitNs @8 :UInt64;
}

struct Push {
  clock @0 :UInt32;
  samples @1 :UInt64;       # summed over in this clock's gradient
  segments @2 :List(Segment);
  pulls @3 :Bool;           # asks for all of the model after this clock too; in one message of a push at most
}

struct Finished {
  clock @0 :UInt32;
}

struct EvaluationPart {
  clock @0 :UInt32;
  metricSum @1 :Float64;
  lossSum @2 :Float64;
  samples @3 :UInt64;
  final @4 :Bool;
  localWaitNs @5 :UInt64;   # the worker's sums so far
  selectiveWaitNs @6 :UInt64;
  mirrorWaitNs @7 :UInt64;
  more @8 :List(Float64);
  trainLossSum @9 :Float64; # since the evaluation before
  trainSamples @10 :UInt64;
  pushWaitNs @11 :UInt64;   # the worker's sums so far
  computeNs @12 :UInt64;
  evaluationNs @13 :UInt64;
  pullNs @14 :UInt64;
}

struct LinkBytes {
  datacenter @0 :UInt16;    # to
  data @1 :UInt64;
  control @2 :UInt64;
  payload @3 :UInt64;       # of data: updates without headers and framing
}

struct ServerSample {
  clock @0 :UInt32;
  final @1 :Bool;
  entriesConsidered @2 :UInt64;
  entriesSent @3 :UInt64;
  differenceBound @4 :Float64;
  links @5 :List(LinkBytes);
}

struct Update {
  number @0 :UInt64;        # of this chunk in its session, from 1
  clock @1 :UInt32;
  segments @2 :List(Segment); # none where the payload begins with them
  released @3 :UInt64;      # once this chunk is applied, what announcements up to this number announced is there
  report @4 :ClockReport;   # with the last chunk of an exchange; none otherwise
}

struct ClockReport {
  clock @0 :UInt32;         # closed by the sender
  completeClock @1 :UInt32; # every update of clocks up to this one ...
  completeNumber @2 :UInt64; # ... is in chunks up to this number
  ackEpoch @3 :UInt32;      # cumulative acknowledgement of the other direction's chunks
  ackNumber @4 :UInt64;
}

struct Acknowledgement {
  epoch @0 :UInt32;         # of the chunks that are acknowledged
  number @1 :UInt64;
}

struct Evaluation {
  clock @0 :UInt32;
  objective @1 :Float64;
  datacenter @2 :UInt16;    # whose replica was measured; hubs pass it on
}

struct StopProposal {
  clock @0 :UInt32;         # the sender can stop at this clock or later
  reason @1 :UInt8;
  datacenter @2 :UInt16;    # whose proposal it is; hubs pass it on
}

struct DrainDone {
  number @0 :UInt64;        # nothing follows this chunk
}

# A hole was found in what the receiver of this message has sent: it goes on in a new epoch.
struct Resume {
  epoch @0 :UInt32;         # in which it is to go on
  number @1 :UInt64;        # the last chunk that was applied; whatever came later is lost
}

# On the data channel: so many chunks went before. Whoever has fewer has found a hole.
struct Probe {
  number @0 :UInt64;
}

# Significant updates that the data channel will bring later: reads of these entries wait for them.
struct Announcement {
  number @0 :UInt64;        # of this announcement, from 1
  clock @1 :UInt32;
  segments @2 :List(Segment); # which entries; their indexes are encoded in the payload
}

# A datacenter went silent and is left out, or takes part again.
struct Departure {
  datacenter @0 :UInt16;
  returned @1 :Bool;
}

struct Header {
  # Where in its session a message between datacenters stands; 0 inside a datacenter.
  epoch @20 :UInt32;
  sequence @21 :UInt32;     # of a control message within its epoch, from 1
  union {
    heartbeat @0 :Void;
    hello @1 :Hello;
    refusal @2 :Refusal;
    goodbye @3 :Goodbye;
    pull @4 :Pull;
    pullReply @5 :PullReply;
    push @6 :Push;
    finished @7 :Finished;
    evaluationPart @8 :EvaluationPart;
    serverSample @9 :ServerSample;
    update @10 :Update;
    clockReport @11 :ClockReport;
    acknowledgement @12 :Acknowledgement;
    evaluation @13 :Evaluation;
    stopProposal @14 :StopProposal;
    drainDone @15 :DrainDone;
    resume @16 :Resume;
    probe @17 :Probe;
    announcement @18 :Announcement;
    departure @19 :Departure;
  }
}
