#include "src/runtime/simulated/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/check.h"
#include "src/wire/codec.h"

namespace meridian {

struct Simulation::Process {
  ProcessId id;
  Machine* machine = nullptr;
  std::unique_ptr<ProcessActions> actions;
  std::array<std::uint64_t, kTimerIds> timer_generation{};
  std::optional<ComputationKind> computing;
  std::future<void> computation;
  bool ended = false;
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

  void end() {
    if (process().ended) return;
    process().ended = true;
    --simulation_.running_;
  }

  Simulation& simulation_;
  std::size_t index_;
};

Simulation::Simulation(Options options) : options_(std::move(options)), pool_(options_.threads) {}

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

std::size_t Simulation::link_between(std::size_t from, std::size_t to) {
  const ProcessId sender = processes_[from]->id;
  const ProcessId receiver = processes_[to]->id;
  const bool local = sender.datacenter == receiver.datacenter;
  // Keys of the two kinds of link never meet: a local one ends at no datacenter.
  constexpr std::uint32_t kLocal = 1U << 31;
  const auto key = local
                       ? std::make_pair(kLocal | static_cast<std::uint32_t>(from), kLocal)
                       : std::make_pair(std::uint32_t{sender.datacenter}, std::uint32_t{receiver.datacenter});
  const auto [found, is_new] = link_index_.emplace(key, links_.size());
  if (is_new) {
    links_.push_back(
        {SharedLink(local ? options_.lan : options_.link(sender.datacenter, receiver.datacenter)), {}, {}});
  }
  return found->second;
}

std::size_t Simulation::send(std::size_t from, ProcessId to, Channel channel, Message message) {
  const auto receiver = process_index_.find(to);
  MERIDIAN_CHECK(receiver != process_index_.end(), "a message to datacenter {}, {} {}, which is not there",
                 to.datacenter, to_string(to.role), to.index);
  std::vector<std::byte> header = encode_header(message.body);
  const std::size_t bytes = wire_bytes(header.size(), message.payloads);
  const std::size_t index = link_between(from, receiver->second);
  Link& link = links_[index];
  const auto next_id = static_cast<SharedLink::ConnectionId>(2 * link.connections.size());
  const SharedLink::ConnectionId connection =
      link.connections.emplace(std::make_pair(from, receiver->second), next_id).first->second;
  const std::uint64_t cookie = next_cookie_++;
  in_flight_.emplace(
      cookie, InFlight{from, receiver->second, channel, std::move(header), std::move(message.payloads)});
  link.link.enqueue(now_, connection + static_cast<SharedLink::ConnectionId>(channel), bytes, cookie);
  wake_link(index);
  return bytes;
}

void Simulation::wake_link(std::size_t index) {
  Link& link = links_[index];
  const std::optional<Time> next = link.link.next_event();
  if (!next || (link.wake && *link.wake <= *next)) return;
  link.wake = next;
  schedule({.at = *next, .kind = EventKind::link, .index = index});
}

void Simulation::on_link(std::size_t index) {
  Link& link = links_[index];
  if (!link.wake || *link.wake > now_) return;  // an earlier wake-up made this one idle
  link.wake.reset();
  deliveries_.clear();
  link.link.advance(now_, deliveries_);
  std::vector<SharedLink::Delivery> due;
  due.swap(deliveries_);
  for (const SharedLink::Delivery& delivery : due) {
    const auto found = in_flight_.find(delivery.cookie);
    InFlight message = std::move(found->second);
    in_flight_.erase(found);
    deliver(std::move(message));
  }
  deliveries_.swap(due);
  wake_link(index);
}

void Simulation::deliver(InFlight message) {
  Process& receiver = *processes_[message.to];
  if (receiver.ended || fault_) return;
  const ProcessId from = processes_[message.from]->id;
  if (message.channel == Channel::data) last_progress_ = now_;
  Result<Body> body = decode_header(message.header, message.payloads);
  if (!body) return receiver.machine->on_malformed(now_, from, body.error().message, *receiver.actions);
  receiver.machine->on_message(now_, from, message.channel,
                               {std::move(body).value(), std::move(message.payloads)}, *receiver.actions);
}

void Simulation::handle(const Event& event) {
  if (event.kind == EventKind::link) return on_link(event.index);
  Process& process = *processes_[event.index];
  if (process.ended) return;
  if (event.kind == EventKind::start) return process.machine->start(now_, *process.actions);
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

Simulation::Outcome Simulation::run() {
  std::uint64_t events = 0;
  bool interrupted = false;
  while (running_ > 0 && !fault_ && !events_.empty()) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    ++events;
    handle(event);
    if (!interrupted && options_.interrupted()) {
      interrupted = true;
      for (const auto& process : processes_) {
        if (!process->ended && !fault_) process->machine->on_interrupt(now_, *process->actions);
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
  return {now_, fault_, events};
}

}  // namespace meridian
