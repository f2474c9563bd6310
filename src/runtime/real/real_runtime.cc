#include "src/runtime/real/real_runtime.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <thread>
#include <utility>
#include <zmq.hpp>

#include "src/base/check.h"
#include "src/runtime/real/computer.h"
#include "src/runtime/real/doorbells.h"
#include "src/runtime/real/lan_shaper.h"
#include "src/runtime/real/outage_log.h"
#include "src/runtime/real/wake_timer.h"
#include "src/runtime/real/zmq_frames.h"
#include "src/wire/codec.h"

namespace meridian {
namespace {

using WallClock = std::chrono::steady_clock;

// Larger than any frame that Meridian sends; a connection that announces more is closed by libzmq.
constexpr std::int64_t kMaxFrameBytes = 16 * 1024 * 1024;
// What was sent last gets this long to leave when a process ends, in good order or not.
constexpr int kLingerDoneMs = 1000;
constexpr int kLingerFailedMs = 500;
// What a shaped LAN carries at a good end keeps its time for so long; the rest leaves at once.
constexpr Time kLongestOnLanAfterEnd = std::chrono::seconds(1);
// Sent bytes that the other host has not acknowledged for so long break a connection to another datacenter.
constexpr int kLongestUnacknowledgedMs = 30'000;
// Messages of one peer that have come and were not read yet, but for parts of pushes and replies.
constexpr int kMostUnreadMessages = 1000;
// Control messages read in one turn before data and timers get theirs.
constexpr int kControlBurst = 256;
// The longest sleep; outages that had to wait are told in between.
constexpr std::chrono::milliseconds kLongestSleep{1000};
// Callers of which it is told that they did not say hello; whoever connects can make up more.
constexpr std::size_t kMostRejectedTold = 16;

void configure(zmq::socket_t& socket, Channel channel, bool wide_area) {
  socket.set(zmq::sockopt::linger, kLingerDoneMs);
  // Inside a datacenter, what is on its way is bounded in bytes by the protocol (one push, one reply), so the
  // count here must never drop or block what the protocol allows. Where a peer may be out of reach for long,
  // what is sent to it meanwhile is bounded here.
  // A connection whose state was lost on the way (in a firewall, by address translation) is made anew soon.
  if (wide_area) socket.set(zmq::sockopt::tcp_maxrt, kLongestUnacknowledgedMs);
  socket.set(zmq::sockopt::sndhwm, wide_area ? RealRuntime::kMostWaitingMessages : 0);
  // What has come and was not read yet: of the parts of a large push or reply, which come faster than they
  // can be added up, the rest waits with its sender.
  const bool large = channel == Channel::data && !wide_area;
  socket.set(zmq::sockopt::rcvhwm, large ? RealRuntime::kMostUnreadParts : kMostUnreadMessages);
  socket.set(zmq::sockopt::maxmsgsize, kMaxFrameBytes);
  socket.set(zmq::sockopt::reconnect_ivl, 100);
  socket.set(zmq::sockopt::reconnect_ivl_max, 1000);
  socket.set(zmq::sockopt::handshake_ivl, 10000);
  // A message waits for a connection that is not there yet: a process greets its peers before they are up.
  socket.set(zmq::sockopt::immediate, false);
}

/// The routing id that a process gives to its connection of one channel: the same after each reconnection, so
/// that the listener goes on with it, another one after each start of the process. Nobody can guess the one
/// of another process, because of the incarnation; who a caller is, the listener takes from its hello alone.
std::string routing_id_of(ProcessId self, std::uint64_t incarnation, Channel channel) {
  std::string id = "M";  // ids that begin with a zero are libzmq's own
  const auto append = [&](std::uint64_t value, int bytes) {
    while (bytes-- > 0) id += static_cast<char>(value >> (8 * bytes) & 0xff);
  };
  append(self.datacenter, 2);
  append(static_cast<std::uint64_t>(self.role), 1);
  append(self.index, 2);
  append(incarnation, 8);
  append(static_cast<std::uint64_t>(channel), 1);
  MERIDIAN_CHECK(id.size() == kRoutingIdBytes, "a routing id of {} bytes", id.size());
  return id;
}

/// A socket from which to read when `socket` has connected or lost its connection.
zmq::socket_t events_of(zmq::context_t& context, zmq::socket_t& socket, std::size_t index) {
  const std::string endpoint = fmt::format("inproc://events-{}", index);
  if (zmq_socket_monitor(socket.handle(), endpoint.c_str(),
                         ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) != 0) {
    throw zmq::error_t();
  }
  zmq::socket_t events(context, zmq::socket_type::pair);
  events.set(zmq::sockopt::linger, 0);
  events.connect(endpoint);
  return events;
}

}  // namespace

std::string RealRuntime::describe(ProcessId id) {
  return fmt::format("datacenter {}, {} {}", id.datacenter, to_string(id.role), id.index);
}

struct RealRuntime::Sockets {
  /// A socket that this process opened to one peer; both may send over it.
  struct Dialled {
    ProcessId peer;
    Channel channel = Channel::control;
    zmq::socket_t socket;
    zmq::socket_t events;          // tells of connections made and broken
    std::vector<std::byte> hello;  // what the machine said at first; said again after a break
    bool was_connected = false;
    bool said_more = false;     // than its hello
    bool may_have_more = true;  // to read
  };
  struct Caller {
    ProcessId id;
    std::string hello;  // as it came
  };
  /// A socket on which others call; who is behind a connection is known once it has said hello.
  struct Listening {
    Channel channel = Channel::control;
    zmq::socket_t socket;
    std::map<std::string, Caller> callers;  // by routing id
    bool may_have_more = true;              // to read
  };
  /// Where replies to a caller go.
  struct Route {
    std::size_t listener = 0;
    std::string routing_id;
  };
  struct Watched {
    int fd = -1;
    std::function<bool()> on_readable;
  };

  explicit Sockets(OutageLog log) : outages(std::move(log)) {}

  /// Whether a socket may have something to read that no descriptor tells of.
  bool any_may_have_more() const {
    const auto may = [](const auto& socket) { return socket.may_have_more; };
    return std::any_of(dialled.begin(), dialled.end(), may) ||
           std::any_of(listening.begin(), listening.end(), may);
  }

  zmq::context_t context{1};
  WakeTimer wake;
  Doorbells doorbells;
  std::vector<zmq::message_t> frames;  // of the message that is being read
  std::vector<Dialled> dialled;
  std::vector<Listening> listening;
  std::map<std::pair<ProcessId, Channel>, Route> routes;
  /// While a hello of another run is handled: its answer goes back where it came from, and is not remembered.
  std::optional<std::pair<ProcessId, Route>> answer_to;
  std::vector<Watched> watched;
  std::set<std::string> rejected_callers;  // the first ones, by routing id
  OutageLog outages;
  /// Why the run cannot go on, found where the machine could not be told.
  std::optional<std::string> loss;
};

/// Carries out what the machine asks for. Once it has finished or failed, its wishes are no longer heard.
class RealRuntime::MachineActions final : public Actions {
 public:
  explicit MachineActions(RealRuntime& runtime) : runtime_(runtime) {
    if (runtime.options_.lan) lan_.emplace(*runtime.options_.lan);
  }

  std::size_t send(ProcessId to, Channel channel, Message message) override {
    if (ended_) return 0;
    encode_header(message.body, message.position, header_);
    const std::vector<std::byte>& header = header_;
    const std::size_t bytes = wire_bytes(header.size(), message.payloads);
    Sockets& sockets = *runtime_.sockets_;
    if (sockets.answer_to && sockets.answer_to->first == to) {
      const Sockets::Route& route = sockets.answer_to->second;
      (void)send_frames(sockets.listening[route.listener], &route.routing_id, header, message.payloads);
      return bytes;
    }
    if (std::holds_alternative<Goodbye>(message.body)) sockets.outages.departed(to);
    Sockets::Dialled* const dialled = find_dialled(to, channel);
    // It has not called yet, and whoever has not called is not waiting.
    if (dialled == nullptr && !sockets.routes.contains({to, channel})) return 0;
    if (dialled != nullptr && std::holds_alternative<Hello>(message.body)) dialled->hello = header;
    if (lan_ && to.datacenter == runtime_.options_.self.datacenter) {
      lan_->enqueue(runtime_.now(), bytes, {to, channel, header, std::move(message.payloads)});
      return bytes;
    }
    return hand_over(to, channel, header, message.payloads) ? bytes : 0;
  }

  /// Sends what has crossed the LAN by `now`.
  void send_arrived(Time now) {
    if (!lan_) return;
    for (const LanShaper::Parcel& parcel : lan_->take_due(now))
      (void)hand_over(parcel.to, parcel.channel, parcel.header, parcel.payloads);
  }

  /// Sends all that is on the LAN, due or not.
  void send_all_on_lan() {
    if (!lan_) return;
    for (const LanShaper::Parcel& parcel : lan_->take_all())
      (void)hand_over(parcel.to, parcel.channel, parcel.header, parcel.payloads);
  }

  std::size_t lan_waiting_bytes() const { return lan_ ? lan_->waiting_bytes() : 0; }

  /// When send_arrived() is worth calling again, if ever.
  std::optional<Time> next_arrival() const { return lan_ ? lan_->next_event() : std::nullopt; }

  /// Says hello again after a break, in case the first was lost with it.
  void repeat_hello(Sockets::Dialled& dialled) {
    if (ended_ || dialled.hello.empty()) return;
    note(send_frames(dialled, nullptr, dialled.hello, {}), dialled.peer, dialled.channel);
  }

  void set_timer(TimerId id, Time at) override { timers_.at(static_cast<std::size_t>(id)) = at; }
  void cancel_timer(TimerId id) override { timers_.at(static_cast<std::size_t>(id)).reset(); }

  void compute(Computation computation) override {
    if (ended_) return;
    MERIDIAN_CHECK(!computing_, "two computations at once");
    computing_ = computation.kind;
    not_before_ = runtime_.now() + computation.at_least;
    runtime_.computer_->submit(std::move(computation.work));
  }

  void report(Report report) override { runtime_.options_.observe(runtime_.now(), report); }
  void finish() override { ended_ = true; }
  void fail(FaultKind kind, std::string reason) override {
    if (ended_) return;
    ended_ = true;
    fault_ = Fault{kind, std::move(reason)};
  }

  bool ended() const { return ended_; }
  const std::optional<Fault>& fault() const { return fault_; }

  /// The earliest time at which something is due, if anything is.
  std::optional<Time> next_due() const {
    std::optional<Time> next;
    for (const std::optional<Time>& timer : timers_) {
      if (timer && (!next || *timer < *next)) next = timer;
    }
    if (computed_ && (!next || not_before_ < *next)) next = not_before_;
    if (const std::optional<Time> arrival = next_arrival(); arrival && (!next || *arrival < *next))
      next = arrival;
    return next;
  }

  /// The one that was due first, as in a simulation, however late this process comes to look.
  std::optional<TimerId> take_due_timer(Time now) {
    std::optional<Time>* first = nullptr;
    for (std::optional<Time>& timer : timers_) {
      if (timer && *timer <= now && (first == nullptr || *timer < **first)) first = &timer;
    }
    if (first == nullptr) return std::nullopt;
    first->reset();
    return static_cast<TimerId>(first - timers_.data());
  }

  void note_computed() { computed_ = true; }
  std::optional<ComputationKind> take_due_computation(Time now) {
    if (!computed_ || now < not_before_) return std::nullopt;
    computed_ = false;
    return std::exchange(computing_, std::nullopt);
  }

 private:
  enum class Sent : std::uint8_t { taken, queue_full, not_connected };

  /// The socket that this process opened to the peer, if it did.
  Sockets::Dialled* find_dialled(ProcessId to, Channel channel) {
    for (Sockets::Dialled& dialled : runtime_.sockets_->dialled) {
      if (dialled.peer == to && dialled.channel == channel) return &dialled;
    }
    return nullptr;
  }

  /// Gives a message to its socket. Returns whether it was taken.
  bool hand_over(ProcessId to, Channel channel, const std::vector<std::byte>& header,
                 const std::vector<Payload>& payloads) {
    Sockets& sockets = *runtime_.sockets_;
    if (Sockets::Dialled* const dialled = find_dialled(to, channel)) {
      dialled->said_more = dialled->said_more || header != dialled->hello;
      return note(send_frames(*dialled, nullptr, header, payloads), to, channel);
    }
    const Sockets::Route& route = sockets.routes.at({to, channel});
    return note(send_frames(sockets.listening[route.listener], &route.routing_id, header, payloads), to,
                channel);
  }

  /// All frames or none: libzmq looks at the high-water mark and at the connection with the first one only.
  template <typename From>
  static Sent send_frames(From& from, const std::string* routing_id, const std::vector<std::byte>& header,
                          const std::vector<Payload>& payloads) {
    using zmq::send_flags;
    zmq::socket_t& socket = from.socket;
    from.may_have_more = true;  // sending may take note of what came in, and quiet the descriptor
    const auto flags = [](bool last) {
      return (last ? send_flags::none : send_flags::sndmore) | send_flags::dontwait;
    };
    try {
      if (routing_id != nullptr && !socket.send(zmq::buffer(*routing_id), flags(false)))
        return Sent::queue_full;
      if (!socket.send(zmq::buffer(header), flags(payloads.empty()))) return Sent::queue_full;
      // Where a connection's end comes between two frames, libzmq drops the message, and wants to see its
      // last frame before it takes the next message.
      for (std::size_t i = 0; i < payloads.size(); ++i)
        (void)socket.send(frame_of(payloads[i]), flags(i + 1 == payloads.size()));
    } catch (const zmq::error_t& error) {
      // The caller has gone (ROUTER_MANDATORY). Unless it returns, its silence will be noticed and named.
      if (error.num() != EHOSTUNREACH) throw;
      return Sent::not_connected;
    }
    return Sent::taken;
  }

  /// Keeps account of what was dropped. Returns whether the message was taken.
  bool note(Sent sent, ProcessId to, Channel channel) {
    OutageLog& outages = runtime_.sockets_->outages;
    const Time now = runtime_.turn_began_;
    if (sent != Sent::taken) {
      const bool full = sent == Sent::queue_full;
      ++runtime_.figures_.dropped;
      outages.dropped(now, to, channel, full ? OutageLog::Drop::queue_full : OutageLog::Drop::not_connected);
      return false;
    }
    const std::uint64_t dropped = outages.accepted(now, to, channel);
    // Inside a datacenter nobody would miss them: the run would wait forever for what they said.
    if (dropped > 0 && to.datacenter == runtime_.options_.self.datacenter) {
      runtime_.sockets_->loss = fmt::format(
          "{} messages to {} were lost while its connection was broken; inside a datacenter "
          "nothing makes up for that",
          dropped, runtime_.options_.name_of(to));
    }
    return true;
  }

  RealRuntime& runtime_;
  std::array<std::optional<Time>, kTimerIds> timers_;
  std::optional<ComputationKind> computing_;
  Time not_before_{0};
  bool computed_ = false;
  bool ended_ = false;
  std::optional<Fault> fault_;
  std::optional<LanShaper> lan_;
  std::vector<std::byte> header_;  // of the message that is being sent
};

RealRuntime::RealRuntime(Options options, Machine& machine)
    : options_(std::move(options)),
      machine_(machine),
      started_(WallClock::now()),
      sockets_(std::make_unique<Sockets>(
          OutageLog(options_.name_of,
                    [this](Time at, const std::string& text) { options_.observe(at, Notice{text}); }))),
      computer_(std::make_unique<Computer>()),
      actions_(std::make_unique<MachineActions>(*this)) {}

Result<std::unique_ptr<RealRuntime>> RealRuntime::create(Options options, Machine& machine) {
  std::unique_ptr<RealRuntime> made(new RealRuntime(std::move(options), machine));
  if (Failure failure = made->open()) return *std::move(failure);
  return made;
}

/// Listens at `endpoint`; where that is a host name, or an address that others reach this machine by but that
/// is not its own (behind address translation), at that port of all its addresses.
Failure RealRuntime::bind(zmq::socket_t& socket, const std::string& endpoint) const {
  try {
    socket.bind(endpoint);
    return {};
  } catch (const zmq::error_t& error) {
    const bool not_own = error.num() == ENODEV || error.num() == EADDRNOTAVAIL;
    if (!not_own) return Error{fmt::format("cannot listen at {}: {}", endpoint, error.what())};
  }
  const std::string everywhere = "tcp://*" + endpoint.substr(endpoint.rfind(':'));
  try {
    socket.bind(everywhere);
  } catch (const zmq::error_t& error) {
    return Error{fmt::format("cannot listen at {}, nor at {}: {}", endpoint, everywhere, error.what())};
  }
  options_.observe(now(), Notice{fmt::format("{} is no address of this machine's own: listening at {}",
                                             endpoint, everywhere)});
  return {};
}

Failure RealRuntime::open() {
  const auto allow_address_kind = [](zmq::socket_t& socket, const std::string& endpoint) {
    if (endpoint.find('[') != std::string::npos) socket.set(zmq::sockopt::ipv6, true);
  };
  for (const Addresses::Listener& listener : options_.addresses.listeners) {
    Sockets::Listening listening{
        listener.channel, zmq::socket_t(sockets_->context, zmq::socket_type::router), {}};
    configure(listening.socket, listener.channel, listener.wide_area);
    listening.socket.set(zmq::sockopt::router_mandatory, true);
    // A caller that comes back takes over from its broken connection, of which the end may not be seen here.
    listening.socket.set(zmq::sockopt::router_handover, true);
    allow_address_kind(listening.socket, listener.endpoint);
    if (Failure failure = bind(listening.socket, listener.endpoint)) return failure;
    sockets_->listening.push_back(std::move(listening));
  }
  for (const auto& [peer, endpoints] : options_.addresses.peers) {
    for (const Channel channel : {Channel::control, Channel::data}) {
      Sockets::Dialled dialled{peer, channel, zmq::socket_t(sockets_->context, zmq::socket_type::dealer),
                               {},   {},      false};
      configure(dialled.socket, channel, peer.datacenter != options_.self.datacenter);
      dialled.socket.set(zmq::sockopt::routing_id,
                         routing_id_of(options_.self, options_.incarnation, channel));
      dialled.events = events_of(sockets_->context, dialled.socket, sockets_->dialled.size());
      const std::string& endpoint = channel == Channel::control ? endpoints.control : endpoints.data;
      allow_address_kind(dialled.socket, endpoint);
      try {
        dialled.socket.connect(endpoint);
      } catch (const zmq::error_t& error) {
        return Error{fmt::format("cannot call {}: {}", endpoint, error.what())};
      }
      sockets_->dialled.push_back(std::move(dialled));
    }
  }
  return {};
}

RealRuntime::~RealRuntime() {
  // Computation first: it may still use what the machine owns. Then the sockets, then their context.
  computer_.reset();
  const int linger = actions_->fault() ? kLingerFailedMs : kLingerDoneMs;
  for (Sockets::Dialled& dialled : sockets_->dialled) dialled.socket.set(zmq::sockopt::linger, linger);
  for (Sockets::Listening& listening : sockets_->listening)
    listening.socket.set(zmq::sockopt::linger, linger);
}

RuntimeFigures RealRuntime::figures() const {
  RuntimeFigures figures = figures_;
  figures.lan_waiting_bytes = actions_->lan_waiting_bytes();
  return figures;
}

Time RealRuntime::now() const { return std::chrono::duration_cast<Time>(WallClock::now() - started_); }

void RealRuntime::watch_fd(int fd, std::function<bool()> on_readable) {
  sockets_->watched.push_back({fd, std::move(on_readable)});
}

void RealRuntime::interrupt() {
  if (!actions_->ended()) machine_.on_interrupt(now(), *actions_);
}

void RealRuntime::abort(const std::string& reason) {
  if (actions_->ended()) return;
  machine_.on_fault(now(), reason, *actions_);
  actions_->fail(FaultKind::failed, reason);
}

/// Reads one message of a socket that this process opened. False where there is none.
bool RealRuntime::read_dialled(std::size_t index) {
  Sockets::Dialled& dialled = sockets_->dialled[index];
  if (!dialled.may_have_more) return false;
  zmq::message_t header;
  if (!dialled.socket.recv(header, zmq::recv_flags::dontwait)) return dialled.may_have_more = false;
  receive_rest(dialled.socket, header, kMaxSegments, sockets_->frames);
  deliver(dialled.peer, dialled.channel, header, sockets_->frames);
  return true;
}

/// Reads one message of a listening socket. False where there is none.
bool RealRuntime::read_listening(std::size_t index) {
  Sockets::Listening& listening = sockets_->listening[index];
  if (!listening.may_have_more) return false;
  zmq::message_t routing_id;
  if (!listening.socket.recv(routing_id, zmq::recv_flags::dontwait)) return listening.may_have_more = false;
  zmq::message_t header;
  if (!routing_id.more() || !listening.socket.recv(header, zmq::recv_flags::dontwait)) return true;
  std::vector<zmq::message_t>& frames = sockets_->frames;
  receive_rest(listening.socket, header, kMaxSegments, frames);
  const std::string caller = routing_id.to_string();
  const auto known = listening.callers.find(caller);
  if (known == listening.callers.end()) {
    read_hello(index, caller, header, !frames.empty());
  } else if (!frames.empty() || header.to_string_view() != known->second.hello) {
    deliver(known->second.id, listening.channel, header, frames);
  }  // else it said hello again after a break that we did not lose it in
  return true;
}

/// The first message of a connection says who calls; whatever else an unknown caller sends is dropped.
void RealRuntime::read_hello(std::size_t index, const std::string& caller, const zmq::message_t& header,
                             bool has_payloads) {
  Sockets::Listening& listening = sockets_->listening[index];
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(header.data()), header.size());
  const Result<Header> decoded = decode_header(bytes, {});
  const auto* const hello = decoded ? std::get_if<Hello>(&decoded.value().body) : nullptr;
  if (hello == nullptr || hello->channel != listening.channel || has_payloads) {
    ++figures_.unknown_callers;
    std::set<std::string>& told = sockets_->rejected_callers;
    if (told.size() < kMostRejectedTold && told.insert(caller).second) {
      actions_->report(
          Notice{fmt::format("rejected a message from a connection that did not say hello ({})",
                             decoded ? kind_name(decoded.value().body) : decoded.error().message)});
    }
    return;
  }
  const Sockets::Route route{index, caller};
  if (hello->run_digest == options_.run_digest) {
    // The start of that process which greeted last is the one that is heard.
    const auto [earlier, is_new] = sockets_->routes.try_emplace({hello->sender, listening.channel}, route);
    if (!is_new) {
      const Sockets::Route replaced = std::exchange(earlier->second, route);
      sockets_->listening[replaced.listener].callers.erase(replaced.routing_id);
    }
    listening.callers[caller] = {hello->sender, header.to_string()};
    sockets_->outages.joined(hello->sender, listening.channel);
  } else {
    ++figures_.other_run;
    sockets_->answer_to = {hello->sender, route};
  }
  machine_.on_message(now(), hello->sender, listening.channel, {*hello, {}}, *actions_);
  sockets_->answer_to.reset();
}

/// What happened to the connection of a socket that this process opened.
void RealRuntime::read_events(std::size_t index) {
  Sockets::Dialled& dialled = sockets_->dialled[index];
  zmq::message_t event;
  while (dialled.events.recv(event, zmq::recv_flags::dontwait)) {
    receive_rest(dialled.events, event, 1, sockets_->frames);  // the endpoint
    std::uint16_t number = 0;
    if (event.size() < sizeof number) continue;
    std::memcpy(&number, event.data(), sizeof number);
    if (number == ZMQ_EVENT_DISCONNECTED) {
      if (dialled.was_connected) sockets_->outages.disconnected(now(), dialled.peer, dialled.channel);
      continue;
    }
    sockets_->outages.connected(now(), dialled.peer, dialled.channel);
    if (!std::exchange(dialled.was_connected, true)) continue;
    if (dialled.said_more && dialled.peer.datacenter == options_.self.datacenter) {
      sockets_->loss = fmt::format(
          "the connection to {} broke; inside a datacenter nothing makes up for what was lost with it",
          options_.name_of(dialled.peer));
      continue;
    }
    actions_->repeat_hello(dialled);
  }
}

void RealRuntime::deliver(ProcessId from, Channel channel, const zmq::message_t& header,
                          std::vector<zmq::message_t>& frames) {
  std::vector<Payload> payloads;
  payloads.reserve(frames.size());
  for (zmq::message_t& frame : frames) payloads.push_back(payload_of(std::move(frame)));
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(header.data()), header.size());
  Result<Header> decoded = decode_header(bytes, payloads);
  if (!decoded) {
    ++figures_.malformed;
    return machine_.on_malformed(now(), from, decoded.error().message, *actions_);
  }
  auto [body, position] = std::move(decoded).value();
  if (std::holds_alternative<Goodbye>(body)) sockets_->outages.departed(from);
  machine_.on_message(now(), from, channel, {std::move(body), std::move(payloads), position}, *actions_);
}

/// Reads control until there is none left (or a bounded burst), then one message of each data socket.
void RealRuntime::read_sockets() {
  const auto read_channel = [&](Channel channel) {
    bool read = false;
    for (std::size_t i = 0; i < sockets_->dialled.size() && !actions_->ended(); ++i) {
      if (sockets_->dialled[i].channel == channel) read = read_dialled(i) || read;
    }
    for (std::size_t i = 0; i < sockets_->listening.size() && !actions_->ended(); ++i) {
      if (sockets_->listening[i].channel == channel) read = read_listening(i) || read;
    }
    return read;
  };
  for (int burst = 0; burst < kControlBurst && read_channel(Channel::control); ++burst) {
  }
  read_channel(Channel::data);
}

void RealRuntime::fire_due() {
  turn_began_ = now();
  while (!actions_->ended()) {
    const std::optional<TimerId> due = actions_->take_due_timer(turn_began_);
    if (!due) break;
    machine_.on_timer(now(), *due, *actions_);
  }
  if (actions_->ended()) return;
  if (const auto computed = actions_->take_due_computation(turn_began_))
    machine_.on_computed(now(), *computed, *actions_);
  if (actions_->next_arrival()) actions_->send_arrived(now());
}

/// What each descriptor that the runtime sleeps on stands for.
void RealRuntime::hang_doorbells() {
  Doorbells& doorbells = sockets_->doorbells;
  for (std::size_t i = 0; i < sockets_->dialled.size(); ++i) {
    Sockets::Dialled& dialled = sockets_->dialled[i];
    doorbells.add(dialled.socket.get(zmq::sockopt::fd), [&dialled] { dialled.may_have_more = true; });
    doorbells.add(dialled.events.get(zmq::sockopt::fd), [this, i] { read_events(i); });
    read_events(i);
  }
  for (Sockets::Listening& listening : sockets_->listening)
    doorbells.add(listening.socket.get(zmq::sockopt::fd), [&listening] { listening.may_have_more = true; });
  doorbells.add(computer_->fd(), [this] {
    if (computer_->take_done()) actions_->note_computed();
  });
  doorbells.add(sockets_->wake.fd(), [] {});
  for (Sockets::Watched& watched : sockets_->watched) {
    doorbells.add(watched.fd, [this, &watched] {
      if (!watched.on_readable()) sockets_->doorbells.remove(watched.fd);
    });
  }
}

/// Answers whatever rings: a socket, a watched descriptor, the computer or a timer. Where nothing is left to
/// do, sleeps until something does.
void RealRuntime::look() {
  std::optional<WakeTimer::TimePoint> wake_at;
  if (const std::optional<Time> due = actions_->next_due()) wake_at = started_ + *due;
  sockets_->wake.set(wake_at);
  sockets_->doorbells.answer(sockets_->any_may_have_more() ? std::chrono::milliseconds(0) : kLongestSleep);
  sockets_->outages.tell_overdue(turn_began_);
}

std::optional<RealRuntime::Fault> RealRuntime::run() {
  try {
    machine_.start(now(), *actions_);
    loop();
  } catch (const std::exception& error) {
    // A broken invariant, or what a computation threw: the peers are to know it too.
    abort(error.what());
  }
  try {
    send_what_is_left();
  } catch (const std::exception& error) {
    options_.observe(now(), Notice{fmt::format("what was said last has not been sent: {}", error.what())});
  }
  return actions_->fault();
}

/// What the machine said last may still be on the shaped LAN.
void RealRuntime::send_what_is_left() {
  const Time give_up = now() + (actions_->fault() ? Time{0} : kLongestOnLanAfterEnd);
  for (auto next = actions_->next_arrival(); next && *next <= give_up; next = actions_->next_arrival()) {
    std::this_thread::sleep_until(started_ + *next);
    actions_->send_arrived(now());
  }
  actions_->send_all_on_lan();
}

void RealRuntime::loop() {
  hang_doorbells();
  while (!actions_->ended()) {
    if (sockets_->loss) abort(*sockets_->loss);
    fire_due();
    if (actions_->ended()) break;
    read_sockets();
    if (!actions_->ended()) look();
  }
}

}  // namespace meridian
