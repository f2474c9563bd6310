#include "src/wire/codec.h"

#include <capnp/message.h>
#include <capnp/serialize-packed.h>
#include <fmt/format.h>
#include <kj/exception.h>
#include <kj/io.h>

#include <array>
#include <cmath>
#include <cstring>

#include "header.capnp.h"

namespace meridian {
namespace {

std::uint64_t to_ns(Time time) { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count())); }
/// A wait that a peer reports, bounded so that sums of waits cannot overflow.
Time from_ns(std::uint64_t ns) {
  constexpr std::uint64_t kYearNs = 31'536'000ULL * 1'000'000'000ULL;
  return Time(static_cast<std::int64_t>(std::min(ns, kYearNs)));
}

template <typename Builder>
void write_segments(Builder builder, const std::vector<Segment>& segments) {
  auto list = builder.initSegments(static_cast<unsigned>(segments.size()));
  for (unsigned i = 0; i < segments.size(); ++i) {
    list[i].setTable(segments[i].table);
    list[i].setFirst(segments[i].first);
    list[i].setCount(segments[i].count);
    list[i].setSparse(segments[i].sparse);
  }
}

void write_report(schema::ClockReport::Builder out, const ClockReport& report) {
  out.setClock(report.clock);
  out.setCompleteClock(report.complete_clock);
  out.setCompleteNumber(report.complete_number);
  out.setAckEpoch(report.ack_epoch);
  out.setAckNumber(report.ack_number);
}

template <typename Builder>
void write_waits(Builder builder, const Waits& waits) {
  builder.setLocalWaitNs(to_ns(waits.local_barrier));
  builder.setSelectiveWaitNs(to_ns(waits.selective_barrier));
  builder.setMirrorWaitNs(to_ns(waits.mirror_clock));
  builder.setPushWaitNs(to_ns(waits.push));
}

/// Fills the union member of the header that belongs to each kind of body.
struct HeaderWriter {
  schema::Header::Builder header;

  void operator()(const Heartbeat&) { header.setHeartbeat(); }
  void operator()(const Hello& hello) {
    auto out = header.initHello();
    out.setVersion(hello.version);
    out.setRunDigest(hello.run_digest);
    auto sender = out.initSender();
    sender.setDatacenter(hello.sender.datacenter);
    sender.setServer(hello.sender.role == Role::server);
    sender.setIndex(hello.sender.index);
    out.setIncarnation(hello.incarnation);
    out.setData(hello.channel == Channel::data);
  }
  void operator()(const Refusal& refusal) { header.initRefusal().setText(refusal.identity_text); }
  void operator()(const Goodbye& goodbye) {
    auto out = header.initGoodbye();
    out.setFailed(goodbye.failed);
    out.setReason(goodbye.reason);
  }
  void operator()(const Pull& pull) {
    auto out = header.initPull();
    out.setClock(pull.clock);
    out.setFinal(pull.final);
    if (!pull.segments.empty()) write_segments(out, pull.segments);
    out.setWhole(pull.whole);
    if (pull.rows.empty()) return;
    auto rows = out.initRows(static_cast<unsigned>(pull.rows.size()));
    for (unsigned i = 0; i < pull.rows.size(); ++i) {
      rows[i].setTable(pull.rows[i].table);
      rows[i].setCount(pull.rows[i].count);
    }
  }
  void operator()(const PullReply& reply) {
    auto out = header.initPullReply();
    out.setClock(reply.clock);
    out.setPart(reply.part);
    out.setLast(reply.last);
    out.setStop(reply.stop);
    write_waits(out, reply.waits);
    write_segments(out, reply.segments);
  }
  void operator()(const Push& push) {
    auto out = header.initPush();
    out.setClock(push.clock);
    out.setSamples(push.samples);
    write_segments(out, push.segments);
    out.setPulls(push.pulls);
  }
  void operator()(const Finished& finished) { header.initFinished().setClock(finished.clock); }
  void operator()(const EvaluationPart& part) {
    auto out = header.initEvaluationPart();
    out.setClock(part.clock);
    out.setMetricSum(part.sums.metric_sum);
    out.setLossSum(part.sums.loss_sum);
    out.setSamples(part.sums.samples);
    out.setFinal(part.final);
    write_waits(out, part.waits);
    out.setComputeNs(to_ns(part.work.compute));
    out.setEvaluationNs(to_ns(part.work.evaluation));
    out.setPullNs(to_ns(part.work.pull));
    out.setTrainLossSum(part.train_loss_sum);
    out.setTrainSamples(part.train_samples);
    if (part.sums.more.empty()) return;
    auto more = out.initMore(static_cast<unsigned>(part.sums.more.size()));
    for (unsigned i = 0; i < part.sums.more.size(); ++i) more.set(i, part.sums.more[i]);
  }
  void operator()(const ServerSample& sample) {
    auto out = header.initServerSample();
    out.setClock(sample.clock);
    out.setFinal(sample.final);
    out.setEntriesConsidered(sample.entries_considered);
    out.setEntriesSent(sample.entries_sent);
    out.setDifferenceBound(sample.difference_bound);
    auto links = out.initLinks(static_cast<unsigned>(sample.links.size()));
    for (unsigned i = 0; i < sample.links.size(); ++i) {
      links[i].setDatacenter(sample.links[i].datacenter);
      links[i].setData(sample.links[i].data);
      links[i].setControl(sample.links[i].control);
      links[i].setPayload(sample.links[i].payload);
    }
  }
  void operator()(const Update& update) {
    auto out = header.initUpdate();
    out.setNumber(update.number);
    out.setClock(update.clock);
    if (!update.segments.empty()) write_segments(out, update.segments);
    out.setReleased(update.released);
    if (update.report) write_report(out.initReport(), *update.report);
  }
  void operator()(const ClockReport& report) { write_report(header.initClockReport(), report); }
  void operator()(const Acknowledgement& ack) {
    auto out = header.initAcknowledgement();
    out.setEpoch(ack.epoch);
    out.setNumber(ack.number);
  }
  void operator()(const Evaluation& evaluation) {
    auto out = header.initEvaluation();
    out.setClock(evaluation.clock);
    out.setObjective(evaluation.objective);
    out.setDatacenter(evaluation.datacenter);
  }
  void operator()(const StopProposal& proposal) {
    auto out = header.initStopProposal();
    out.setClock(proposal.clock);
    out.setReason(static_cast<std::uint8_t>(proposal.reason));
    out.setDatacenter(proposal.datacenter);
  }
  void operator()(const DrainDone& done) { header.initDrainDone().setNumber(done.number); }
  void operator()(const Resume& resume) {
    auto out = header.initResume();
    out.setEpoch(resume.epoch);
    out.setNumber(resume.number);
  }
  void operator()(const Probe& probe) { header.initProbe().setNumber(probe.number); }
  void operator()(const Announcement& announcement) {
    auto out = header.initAnnouncement();
    out.setNumber(announcement.number);
    out.setClock(announcement.clock);
    write_segments(out, announcement.segments);
  }
  void operator()(const Departure& departure) {
    auto out = header.initDeparture();
    out.setDatacenter(departure.datacenter);
    out.setReturned(departure.returned);
  }
};

ClockReport read_report(schema::ClockReport::Reader in) {
  return {in.getClock(), in.getCompleteClock(), in.getCompleteNumber(), in.getAckEpoch(), in.getAckNumber()};
}

template <typename Reader>
Waits read_waits(Reader reader) {
  return {from_ns(reader.getLocalWaitNs()), from_ns(reader.getSelectiveWaitNs()),
          from_ns(reader.getMirrorWaitNs()), from_ns(reader.getPushWaitNs())};
}

/// A malformed header: thrown and caught within this file only.
struct Malformed {
  std::string why;
};

/// Segments whose sizes are consistent in themselves. `dense_only` messages never carry sparse ones.
template <typename Reader>
std::vector<Segment> read_segments(Reader reader, bool dense_only) {
  // A payload cannot be larger than memory; the bound keeps every later size computation far from overflow.
  constexpr std::uint64_t kMaxEntries = std::uint64_t{1} << 40;
  const auto list = reader.getSegments();
  if (list.size() > kMaxSegments) throw Malformed{fmt::format("{} segments", list.size())};
  std::vector<Segment> segments;
  segments.reserve(list.size());
  for (const auto in : list) {
    const Segment segment{in.getTable(), in.getFirst(), in.getCount(), in.getSparse()};
    if (segment.count == 0 || segment.count > kMaxEntries || segment.first > kMaxEntries) {
      throw Malformed{fmt::format("a segment of {} entries from {}", segment.count, segment.first)};
    }
    if (segment.sparse > segment.count || (dense_only && segment.sparse != 0)) {
      throw Malformed{fmt::format("{} sparse entries in a segment of {}", segment.sparse, segment.count)};
    }
    if (segment.sparse != 0 && segment.count > (std::uint64_t{1} << 32)) {
      throw Malformed{fmt::format("a sparse segment of {} entries", segment.count)};
    }
    segments.push_back(segment);
  }
  return segments;
}

/// Keeps Cap'n Proto from writing to stderr about a header that ends early while another fault of it is
/// being thrown: what a peer sends must not be able to fill a log.
class Silence final : public kj::ExceptionCallback {
 public:
  void logMessage(kj::LogSeverity /*severity*/, const char* /*file*/, int /*line*/, int /*context_depth*/,
                  kj::String&& /*text*/) override {}
};

std::string read_text(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

Body read_body(schema::Header::Reader header) {
  switch (header.which()) {
    case schema::Header::HEARTBEAT:
      return Heartbeat{};
    case schema::Header::HELLO: {
      const auto in = header.getHello();
      const auto sender = in.getSender();
      return Hello{in.getVersion(), in.getRunDigest(),
                   ProcessId{sender.getDatacenter(), sender.getServer() ? Role::server : Role::worker,
                             sender.getIndex()},
                   in.getIncarnation(), in.getData() ? Channel::data : Channel::control};
    }
    case schema::Header::REFUSAL:
      return Refusal{read_text(header.getRefusal().getText())};
    case schema::Header::GOODBYE:
      return Goodbye{header.getGoodbye().getFailed(), read_text(header.getGoodbye().getReason())};
    case schema::Header::PULL: {
      const auto in = header.getPull();
      Pull pull{in.getClock(), in.getFinal(), read_segments(in, /*dense_only=*/true), in.getWhole()};
      if (in.getRows().size() > kMaxSegments)
        throw Malformed{fmt::format("{} lists of rows", in.getRows().size())};
      for (const auto list : in.getRows()) pull.rows.push_back({list.getTable(), list.getCount()});
      return pull;
    }
    case schema::Header::PULL_REPLY: {
      const auto in = header.getPullReply();
      return PullReply{in.getClock(), in.getPart(),   in.getLast(),
                       in.getStop(),  read_waits(in), read_segments(in, /*dense_only=*/true)};
    }
    case schema::Header::PUSH: {
      const auto in = header.getPush();
      return Push{in.getClock(), in.getSamples(), read_segments(in, /*dense_only=*/true), in.getPulls()};
    }
    case schema::Header::FINISHED:
      return Finished{header.getFinished().getClock()};
    case schema::Header::EVALUATION_PART: {
      const auto in = header.getEvaluationPart();
      EvaluationSums sums{in.getMetricSum(), in.getLossSum(), in.getSamples()};
      if (in.getMore().size() > kMaxFurtherSums)
        throw Malformed{fmt::format("{} further sums", in.getMore().size())};
      for (const double sum : in.getMore()) sums.more.push_back(sum);
      return EvaluationPart{
          in.getClock(),
          std::move(sums),
          in.getFinal(),
          read_waits(in),
          in.getTrainLossSum(),
          in.getTrainSamples(),
          {from_ns(in.getComputeNs()), from_ns(in.getEvaluationNs()), from_ns(in.getPullNs())}};
    }
    case schema::Header::SERVER_SAMPLE: {
      const auto in = header.getServerSample();
      ServerSample sample{in.getClock(),       in.getFinal(),           in.getEntriesConsidered(),
                          in.getEntriesSent(), in.getDifferenceBound(), {}};
      if (in.getLinks().size() > kMaxSegments) throw Malformed{fmt::format("{} links", in.getLinks().size())};
      for (const auto link : in.getLinks()) {
        sample.links.push_back({link.getDatacenter(), link.getData(), link.getControl(), link.getPayload()});
      }
      return sample;
    }
    case schema::Header::UPDATE: {
      const auto in = header.getUpdate();
      Update update{in.getNumber(), in.getClock(), read_segments(in, /*dense_only=*/false), in.getReleased()};
      if (in.hasReport()) update.report = read_report(in.getReport());
      return update;
    }
    case schema::Header::CLOCK_REPORT:
      return read_report(header.getClockReport());
    case schema::Header::ACKNOWLEDGEMENT:
      return Acknowledgement{header.getAcknowledgement().getEpoch(), header.getAcknowledgement().getNumber()};
    case schema::Header::EVALUATION: {
      const auto in = header.getEvaluation();
      return Evaluation{in.getClock(), in.getObjective(), in.getDatacenter()};
    }
    case schema::Header::STOP_PROPOSAL: {
      const auto in = header.getStopProposal();
      if (in.getReason() > static_cast<std::uint8_t>(StopReason::target)) {
        throw Malformed{fmt::format("stop reason {}", in.getReason())};
      }
      return StopProposal{in.getClock(), static_cast<StopReason>(in.getReason()), in.getDatacenter()};
    }
    case schema::Header::DRAIN_DONE:
      return DrainDone{header.getDrainDone().getNumber()};
    case schema::Header::RESUME:
      return Resume{header.getResume().getEpoch(), header.getResume().getNumber()};
    case schema::Header::PROBE:
      return Probe{header.getProbe().getNumber()};
    case schema::Header::ANNOUNCEMENT: {
      const auto in = header.getAnnouncement();
      return Announcement{in.getNumber(), in.getClock(), read_segments(in, /*dense_only=*/false)};
    }
    case schema::Header::DEPARTURE:
      return Departure{header.getDeparture().getDatacenter(), header.getDeparture().getReturned()};
  }
  throw Malformed{fmt::format("unknown kind {}", static_cast<unsigned>(header.which()))};
}

/// Payload frames must be exactly what the segments say: one each for pushes and pull replies. All of an
/// update's segments share one.
void check_payloads(const Body& body, std::span<const Payload> payloads) {
  const auto one_each = [&](const std::vector<Segment>& segments) {
    if (payloads.size() != segments.size()) {
      throw Malformed{fmt::format("{} payloads for {} segments", payloads.size(), segments.size())};
    }
    for (std::size_t i = 0; i < segments.size(); ++i) {
      if (payloads[i].size() != segments[i].payload_bytes()) {
        throw Malformed{fmt::format("a payload of {} bytes for a segment of {}", payloads[i].size(),
                                    segments[i].payload_bytes())};
      }
    }
  };
  if (const auto* reply = std::get_if<PullReply>(&body)) return one_each(reply->segments);
  if (const auto* push = std::get_if<Push>(&body)) return one_each(push->segments);
  if (const auto* pull = std::get_if<Pull>(&body)) {
    bool fits = payloads.size() == pull->rows.size();
    for (std::size_t i = 0; fits && i < payloads.size(); ++i)
      fits = payloads[i].size() == std::size_t{pull->rows[i].count} * sizeof(std::uint32_t);
    if (!fits)
      throw Malformed{fmt::format("{} payloads with {} lists of rows", payloads.size(), pull->rows.size())};
    return;
  }
  if (const auto* update = std::get_if<Update>(&body)) {
    // How long its indexes and values are only who decodes them can tell, and what they are about where no
    // segments stand in the header.
    const std::size_t got = payloads.empty() ? 0 : payloads.front().size();
    if (payloads.size() > 1 || (got == 0 && !update->segments.empty())) {
      throw Malformed{fmt::format("{} payloads of {} bytes with an update of {} segments", payloads.size(),
                                  got, update->segments.size())};
    }
    return;
  }
  if (std::holds_alternative<Announcement>(body)) {
    // How long its indexes are only who decodes them can tell.
    if (payloads.size() != 1)
      throw Malformed{fmt::format("{} payloads with an announcement", payloads.size())};
    return;
  }
  if (!payloads.empty())
    throw Malformed{fmt::format("{} payloads with a {}", payloads.size(), kind_name(body))};
}

/// Memory for a header on the stack: enough for all but refusals and long lists, for which Cap'n Proto takes
/// more.
using Scratch = std::array<capnp::word, 64>;

kj::ArrayPtr<capnp::word> words_of(Scratch& scratch) { return kj::arrayPtr(scratch.data(), scratch.size()); }

}  // namespace

std::vector<std::byte> encode_header(const Body& body, SessionPosition position) {
  std::vector<std::byte> header;
  encode_header(body, position, header);
  return header;
}

void encode_header(const Body& body, SessionPosition position, std::vector<std::byte>& header) {
  Scratch scratch{};
  capnp::MallocMessageBuilder builder(words_of(scratch));
  auto root = builder.initRoot<schema::Header>();
  root.setEpoch(position.epoch);
  root.setSequence(position.sequence);
  std::visit(HeaderWriter{root}, body);
  // Packing makes of a word at most ten bytes: a tag, the word, and a count of words.
  constexpr std::size_t kMostBytesOfWord = 10;
  header.resize(capnp::computeSerializedSizeInWords(builder) * kMostBytesOfWord);
  kj::ArrayOutputStream stream(kj::arrayPtr(reinterpret_cast<kj::byte*>(header.data()), header.size()));
  capnp::writePackedMessage(stream, builder);
  header.resize(stream.getArray().size());
}

Result<Header> decode_header(std::span<const std::byte> header, std::span<const Payload> payloads) {
  if (header.size() > kMaxHeaderBytes) return Error{fmt::format("a header of {} bytes", header.size())};
  const Silence silence;
  try {
    kj::ArrayInputStream stream(
        kj::arrayPtr(reinterpret_cast<const kj::byte*>(header.data()), header.size()));
    capnp::ReaderOptions options;
    options.traversalLimitInWords = kMaxHeaderBytes;
    options.nestingLimit = 8;
    Scratch scratch;
    capnp::PackedMessageReader reader(stream, options, words_of(scratch));
    const auto root = reader.getRoot<schema::Header>();
    Header decoded{read_body(root), {root.getEpoch(), root.getSequence()}};
    check_payloads(decoded.body, payloads);
    return decoded;
  } catch (const Malformed& malformed) {
    return Error{malformed.why};
  } catch (const kj::Exception& exception) {
    return Error{fmt::format("not a header: {}", exception.getDescription().cStr())};
  }
}

std::size_t wire_bytes(std::size_t header_bytes, std::span<const Payload> payloads) {
  const auto frame = [](std::size_t bytes) { return bytes + (bytes <= 255 ? 2 : 9); };
  std::size_t total = frame(header_bytes);
  for (const Payload& payload : payloads) total += frame(payload.size());
  return total;
}

}  // namespace meridian
