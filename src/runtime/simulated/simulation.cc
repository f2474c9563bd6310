#include "src/runtime/simulated/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/check.h"
#include "src/wire/codec.h"

namespace meridian {

namespace {

// Keys of the two kinds of link never meet: a local one ends at no datacenter.
constexpr std::uint32_t kLocal = 1U << 31;

}  // namespace

struct Simulation::Process {
  ProcessId id;
  Machine* machine = nullptr;
  std::unique_ptr<ProcessActions> actions;
  std::array<std::uint64_t, kTimerIds> timer_generation{};
  std::optional<ComputationKind> computing;
  std::future<void> computation;
  bool ended = false;
  std::size_t pauses = 0;
  /// While paused: what has come meanwhile, in order.
  std::deque<std::variant<Event, InFlight>> waiting;
};

/// What a machine asks for, carried out in virtual time. After its end a machine's wishes are no longer
/// heard.
class Simulation::ProcessActions final : public Actions {
 public:
  ProcessActions(Simulation& simulation, std::size_t index) : simulation_(simulation), index_(index) {}

  std::size_t send(ProcessId to, Channel channel, Message message) override {
    return process().ended ? 0 : simulation_.send(index_, to, channel, std::move(message));
  }

  void set_timer(TimerId id, Time at) override {
    if (process().ended) return;
    const std::uint64_t generation = ++process().timer_generation.at(static_cast<std::size_t>(id));
    simulation_.schedule({.at = std::max(at, simulation_.now_),
                          .kind = EventKind::timer,
                          .index = index_,
                          .timer = id,
                          .generation = generation});
  }

  void cancel_timer(TimerId id) override { ++process().timer_generation.at(static_cast<std::size_t>(id)); }

  void compute(Computation computation) override {
    if (process().ended) return;
    MERIDIAN_CHECK(!process().computing, "two computations at once in process {}", index_);
    process().computing = computation.kind;
    process().computation = simulation_.pool_.submit(std::move(computation.work));
    simulation_.schedule(
        {.at = simulation_.now_ + computation.at_least, .kind = EventKind::computed, .index = index_});
  }

  void report(Report report) override {
    simulation_.last_progress_ = simulation_.now_;
    simulation_.options_.observe(simulation_.now_, process().id, report);
  }

  void finish() override { end(); }

  void fail(FaultKind kind, std::string reason) override {
    if (!process().ended && !simulation_.fault_)
      simulation_.fault_ = Fault{process().id, kind, std::move(reason)};
    end();
  }

 private:
  Process& process() { return *simulation_.processes_[index_]; }

  void end() { simulation_.end(process()); }

  Simulation& simulation_;
  std::size_t index_;
};

Simulation::Simulation(Options options) : options_(std::move(options)), pool_(options_.threads) {
  for (std::size_t i = 0; i < options_.faults.size(); ++i) schedule_fault(i);
}

Simulation::~Simulation() = default;

void Simulation::add(ProcessId id, Machine& machine) {
  const std::size_t index = processes_.size();
  MERIDIAN_CHECK(process_index_.emplace(id, index).second, "process added twice: datacenter {}, {}",
                 id.datacenter, id.index);
  auto process = std::make_unique<Process>();
  process->id = id;
  process->machine = &machine;
  process->actions = std::make_unique<ProcessActions>(*this, index);
  processes_.push_back(std::move(process));
  ++running_;
  schedule({.kind = EventKind::start, .index = index});
}

void Simulation::schedule(Event event) {
  event.order = next_order_++;
  events_.push(event);
}

/// Begins and ends a scheduled fault, whatever its kind.
class Simulation::FaultInjector {
 public:
  FaultInjector(Simulation& simulation, std::size_t index, bool begins)
      : simulation_(simulation), index_(index), begins_(begins) {}

  void operator()(const LinkCut& cut) const {
    on_link(cut.from, cut.to, [this](Network& network, Network::LinkId link) {
      if (begins_) {
        network.begin_cut(simulation_.now_, link, index_);
      } else {
        network.end_cut(simulation_.now_, link, index_);
      }
    });
  }

  void operator()(const LinkDegradation& degradation) const {
    on_link(degradation.from, degradation.to, [&](Network& network, Network::LinkId link) {
      if (begins_) {
        network.begin_degradation(simulation_.now_, link, index_, degradation.values);
      } else {
        network.end_degradation(simulation_.now_, link, index_);
      }
    });
  }

  void operator()(const ConnectionReset& reset) const { simulation_.reset_connections(reset); }

  void operator()(const ProcessPause& pause) const {
    on_each(pause.processes, [this](Process& process) {
      if (begins_) {
        ++process.pauses;
      } else {
        simulation_.resume(process);
      }
    });
  }

  void operator()(const ProcessKill& kill) const {
    on_each(kill.processes, [this](Process& process) { simulation_.end(process); });
  }

 private:
  template <typename Change>
  void on_link(std::uint16_t from, std::uint16_t to, Change change) const {
    const std::size_t index = simulation_.wan_link(from, to);
    simulation_.carry();
    change(simulation_.network_, simulation_.links_[index].id);
    simulation_.wake_network();
  }

  template <typename Change>
  void on_each(const ProcessGroup& group, Change change) const {
    for (const auto& process : simulation_.processes_) {
      if (group.contains(process->id)) change(*process);
    }
  }

  Simulation& simulation_;
  std::size_t index_;
  bool begins_;
};

namespace {

/// When a fault begins and how long it lasts; nullopt: it is done at once.
std::pair<Time, std::optional<Time>> span_of(const ScheduledFault& fault) {
  return std::visit(
      [](const auto& one) -> std::pair<Time, std::optional<Time>> {
        if constexpr (requires { one.lasts; }) {
          return {one.at, one.lasts};
        } else {
          return {one.at, std::nullopt};
        }
      },
      fault);
}

}  // namespace

void Simulation::schedule_fault(std::size_t index) {
  const auto [at, lasts] = span_of(options_.faults[index]);
  MERIDIAN_CHECK(at >= now_ && lasts.value_or(Time{0}) >= Time{0}, "fault {} at {} ns for {} ns", index,
                 at.count(), lasts.value_or(Time{0}).count());
  schedule({.at = at, .kind = EventKind::fault_begins, .index = index});
  if (lasts && *lasts < Time::max() - at) {
    schedule({.at = at + *lasts, .kind = EventKind::fault_ends, .index = index});
  }
}

void Simulation::inject(const ScheduledFault& fault) {
  options_.faults.push_back(fault);
  schedule_fault(options_.faults.size() - 1);
}

void Simulation::start_traces() {
  if (traces_started_) return;
  traces_started_ = now_;
  network_.start_traces(now_);
  wake_network();
}

std::size_t Simulation::link_between(std::size_t from, std::size_t to) {
  const ProcessId sender = processes_[from]->id;
  const ProcessId receiver = processes_[to]->id;
  if (sender.datacenter != receiver.datacenter) return wan_link(sender.datacenter, receiver.datacenter);
  const auto [found, is_new] =
      link_index_.emplace(std::make_pair(kLocal | static_cast<std::uint32_t>(from), kLocal), links_.size());
  if (is_new) links_.push_back({network_.add_link({.link = options_.lan}, /*seed=*/0), {}});
  return found->second;
}

std::size_t Simulation::wan_link(std::uint16_t from, std::uint16_t to) {
  MERIDIAN_CHECK(from != to, "a wide-area link from datacenter {} to itself", from);
  const auto [found, is_new] =
      link_index_.emplace(std::make_pair(std::uint32_t{from}, std::uint32_t{to}), links_.size());
  if (is_new) {
    const std::uint64_t seed = link_seed(options_.link_seed, from, to);
    links_.push_back(
        {network_.add_link(options_.link(from, to), seed, cap_of(from, egress_, options_.egress(from)),
                           cap_of(to, ingress_, options_.ingress(to))),
         {}});
    if (traces_started_) network_.start_trace(*traces_started_, now_, links_.back().id);
  }
  return found->second;
}

std::optional<Network::CapId> Simulation::cap_of(std::uint16_t datacenter,
                                                 std::map<std::uint16_t, Network::CapId>& caps,
                                                 const std::optional<double>& rate) {
  if (!rate) return std::nullopt;
  const auto known = caps.find(datacenter);
  if (known != caps.end()) return known->second;
  return caps.emplace(datacenter, network_.add_cap(*rate)).first->second;
}

std::size_t Simulation::send(std::size_t from, ProcessId to, Channel channel, Message message) {
  const auto receiver = process_index_.find(to);
  if (receiver == process_index_.end()) {
    const auto& absent = options_.absent;
    MERIDIAN_CHECK(std::find(absent.begin(), absent.end(), to) != absent.end(),
                   "a message to datacenter {}, {} {}, which is not there", to.datacenter, to_string(to.role),
                   to.index);
    return 0;
  }
  std::vector<std::byte> header = encode_header(message.body, message.position);
  const std::size_t bytes = wire_bytes(header.size(), message.payloads);
  const std::size_t link = link_between(from, receiver->second);
  Connections& between = connections(link, from, receiver->second);
  const std::uint64_t cookie = next_cookie_++;
  in_flight_.emplace(
      cookie, InFlight{from, receiver->second, channel, std::move(header), std::move(message.payloads), bytes,
                       /*may_repeat=*/!std::holds_alternative<Hello>(message.body)});
  if (between.made) {
    enter_link(link, between, cookie);
    wake_network();
  } else {
    between.waiting.push_back(cookie);
  }
  return bytes;
}

/// The connections from one process to another; the first time they are asked for they are to be made.
Simulation::Connections& Simulation::connections(std::size_t link, std::size_t from, std::size_t to) {
  auto& known = links_[link].connections;
  const auto first = static_cast<Network::ConnectionId>(2 * known.size());
  const auto [found, is_new] = known.try_emplace({from, to}, Connections{.first = first, .waiting = {}});
  const std::uint16_t here = processes_[from]->id.datacenter;
  const std::uint16_t there = processes_[to]->id.datacenter;
  if (is_new && here != there && options_.handshake_round_trips > 0) {
    const Time round_trip = options_.link(here, there).link.delay + options_.link(there, here).link.delay;
    found->second.made = false;
    schedule({.at = now_ + from_seconds(options_.handshake_round_trips * to_seconds(round_trip)),
              .kind = EventKind::connected,
              .index = handshakes_.size()});
    handshakes_.push_back({link, {from, to}});
  }
  return found->second;
}

void Simulation::enter_link(std::size_t link, const Connections& connections, std::uint64_t cookie) {
  const InFlight& message = in_flight_.at(cookie);
  network_.send(now_, links_[link].id,
                connections.first + static_cast<Network::ConnectionId>(message.channel), message.bytes,
                cookie, message.may_repeat);
}

void Simulation::on_connected(const Handshake& handshake) {
  Connections& between = links_[handshake.link].connections.at(handshake.ends);
  between.made = true;
  for (const std::uint64_t cookie : between.waiting) enter_link(handshake.link, between, cookie);
  between.waiting.clear();
  wake_network();
}

void Simulation::wake_network() {
  const std::optional<Time> next = network_.next_event();
  if (!next || (network_wake_ && *network_wake_ <= *next)) return;
  network_wake_ = next;
  schedule({.at = std::max(*next, now_), .kind = EventKind::network});
}

void Simulation::on_network() {
  if (!network_wake_ || *network_wake_ > now_) return;  // an earlier wake-up made this one idle
  network_wake_.reset();
  carry();
  wake_network();
}

void Simulation::carry() {
  arrivals_.clear();
  network_.advance(now_, arrivals_);
  std::vector<Network::Arrival> due;
  due.swap(arrivals_);
  for (const Network::Arrival& arrival : due) {
    const auto found = in_flight_.find(arrival.cookie);
    if (!arrival.last) {
      deliver(found->second);
      continue;
    }
    InFlight message = std::move(found->second);
    in_flight_.erase(found);
    deliver(std::move(message));
  }
  arrivals_.swap(due);
}

void Simulation::reset_connections(const ConnectionReset& reset) {
  const std::size_t index = wan_link(reset.from, reset.to);
  carry();
  std::vector<std::uint64_t> lost;
  for (const auto& [ends, connections] : links_[index].connections) {
    const ProcessId sender = processes_[ends.first]->id;
    const ProcessId receiver = processes_[ends.second]->id;
    if (sender != reset.sender.value_or(sender) || receiver != reset.receiver.value_or(receiver)) continue;
    for (const Channel channel : {Channel::control, Channel::data}) {
      if (!(channel == Channel::control ? reset.control : reset.data)) continue;
      network_.reset(now_, links_[index].id, connections.first + static_cast<Network::ConnectionId>(channel),
                     lost);
    }
  }
  for (const std::uint64_t cookie : lost) in_flight_.erase(cookie);
  wake_network();
}

void Simulation::deliver(InFlight message) {
  Process& receiver = *processes_[message.to];
  if (receiver.ended || fault_) return;
  if (receiver.pauses > 0) {
    receiver.waiting.emplace_back(std::move(message));
  } else {
    hand_over(std::move(message));
  }
}

void Simulation::hand_over(InFlight message) {
  Process& receiver = *processes_[message.to];
  const ProcessId from = processes_[message.from]->id;
  Result<Header> decoded = decode_header(message.header, message.payloads);
  if (!decoded) return receiver.machine->on_malformed(now_, from, decoded.error().message, *receiver.actions);
  auto [body, position] = std::move(decoded).value();
  // Whoever only asks whether its data came gets nowhere.
  if (message.channel == Channel::data && !std::holds_alternative<Probe>(body)) last_progress_ = now_;
  receiver.machine->on_message(now_, from, message.channel,
                               {std::move(body), std::move(message.payloads), position}, *receiver.actions);
}

void Simulation::handle(const Event& event) {
  switch (event.kind) {
    case EventKind::network:
      return on_network();
    case EventKind::connected:
      return on_connected(handshakes_[event.index]);
    case EventKind::fault_begins:
    case EventKind::fault_ends: {
      const bool begins = event.kind == EventKind::fault_begins;
      return std::visit(FaultInjector(*this, event.index, begins), options_.faults[event.index]);
    }
    default:
      return on_process_event(event);
  }
}

void Simulation::on_process_event(const Event& event) {
  Process& process = *processes_[event.index];
  if (process.ended || fault_) return;
  if (process.pauses > 0) {
    process.waiting.emplace_back(event);
  } else {
    hand_over(event);
  }
}

void Simulation::hand_over(const Event& event) {
  Process& process = *processes_[event.index];
  if (event.kind == EventKind::start) return process.machine->start(now_, *process.actions);
  if (event.kind == EventKind::interrupt) return process.machine->on_interrupt(now_, *process.actions);
  if (event.kind == EventKind::timer) {
    if (process.timer_generation.at(static_cast<std::size_t>(event.timer)) == event.generation) {
      process.machine->on_timer(now_, event.timer, *process.actions);
    }
    return;
  }
  process.computation.get();
  const ComputationKind kind = *process.computing;
  process.computing.reset();
  process.machine->on_computed(now_, kind, *process.actions);
}

void Simulation::resume(Process& process) {
  if (--process.pauses > 0) return;
  // What comes of these happens after them: nothing is added here meanwhile.
  std::deque<std::variant<Event, InFlight>> waiting;
  waiting.swap(process.waiting);
  for (auto& one : waiting) {
    if (process.ended || fault_) return;
    std::visit([this](auto& what) { hand_over(std::move(what)); }, one);
  }
}

void Simulation::end(Process& process) {
  if (process.ended) return;
  process.ended = true;
  process.waiting.clear();
  --running_;
}

Simulation::Outcome Simulation::run() {
  bool interrupted = false;
  while (running_ > 0 && !fault_ && !events_.empty()) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    ++events_handled_;
    handle(event);
    if (!interrupted && options_.interrupted()) {
      interrupted = true;
      for (std::size_t i = 0; i < processes_.size(); ++i) {
        on_process_event({.at = now_, .kind = EventKind::interrupt, .index = i});
      }
    }
    if (now_ - last_progress_ > options_.stalled_after && !fault_) {
      fault_ = Fault{
          processes_.front()->id, FaultKind::failed,
          fmt::format("no clock closed for {:.0f} virtual seconds", to_seconds(options_.stalled_after))};
    }
  }
  if (running_ > 0 && !fault_) {
    const auto waiting = std::find_if(processes_.begin(), processes_.end(),
                                      [](const auto& process) { return !process->ended; });
    fault_ = Fault{(*waiting)->id, FaultKind::failed,
                   fmt::format("nothing is left to happen, and {} processes have not finished", running_)};
  }
  // Computations that were still under way use machines and workload: none may outlive this call.
  for (const auto& process : processes_) {
    if (process->computation.valid()) process->computation.wait();
  }
  return {now_, fault_, events_handled_};
}

}  // namespace meridian
