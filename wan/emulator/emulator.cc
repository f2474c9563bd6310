#include "wan/emulator/emulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <asio/dispatch.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <future>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <utility>

#include "src/base/check.h"
#include "wan/emulator/network_shaper.h"
#include "wan/emulator/relay.h"

namespace meridian::wan::emulator {

namespace {

std::string relay_name(const Description& description, std::size_t index) {
  const RelayDescription& relay = description.relays[index];
  return fmt::format("relay {} (listening at {}:{}, to {}:{})", index, relay.listen.host, relay.listen.port,
                     relay.target.host, relay.target.port);
}

Failure check_links(const Description& description) {
  for (const LinkDescription& link : description.links) {
    if (!(link.rate_bytes_per_s > 0)) {
      return Error{fmt::format("link {} -> {}: rate is {} bytes/s; expected more than 0", link.from, link.to,
                               link.rate_bytes_per_s)};
    }
    if (link.delay < Time{0}) {
      return Error{fmt::format("link {} -> {}: delay is {} s; expected at least 0", link.from, link.to,
                               to_seconds(link.delay))};
    }
    if (!(link.loss >= 0 && link.loss < 1)) {
      return Error{fmt::format("link {} -> {}: loss is {}; expected at least 0 and below 1", link.from,
                               link.to, link.loss)};
    }
  }
  for (std::size_t i = 0; i < description.relays.size(); ++i) {
    for (const std::size_t link : {description.relays[i].forward_link, description.relays[i].backward_link}) {
      if (link < description.links.size()) continue;
      return Error{fmt::format("{}: link {} is not there; expected one of {} links",
                               relay_name(description, i), link, description.links.size())};
    }
  }
  return std::nullopt;
}

}  // namespace

// How long a call from another thread waits for run()'s.
constexpr auto kLongestCall = std::chrono::seconds(1);

// In this order, because whoever holds sockets and timers must go before the context they belong to.
struct Emulator::Parts {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  NetworkShaper shaper{io};
  Description description;
  std::list<asio::steady_timer> timers;  // of events to come
  std::uint64_t next_event = 0;          // tells cuts and degradations apart
  bool begun = false;
  std::vector<std::unique_ptr<Relay>> relays;

  struct Watch {
    asio::posix::stream_descriptor descriptor;
    std::function<bool()> on_readable;

    Watch(asio::io_context& io, std::function<bool()> callback)
        : descriptor(io), on_readable(std::move(callback)) {}
    ~Watch() {
      if (descriptor.is_open()) descriptor.release();  // it is the caller's
    }
    void wait() {
      descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
        if (error != asio::error::operation_aborted && on_readable()) wait();
      });
    }
  };
  std::vector<std::unique_ptr<Watch>> watches;

  void add_links();
  void begin();
  std::vector<LinkState> states();
  /// At once where there is nothing to wait for.
  void after(Time wait, std::function<void()> what);
  void happen(const LinkEvent& event);
  void reset_connections(std::size_t link);
};

void Emulator::Parts::add_links() {
  constexpr double kNoCap = std::numeric_limits<double>::infinity();
  std::map<std::string, Network::CapId> egress;
  std::map<std::string, Network::CapId> ingress;
  std::map<std::string, const CapDescription*> caps;
  for (const CapDescription& cap : description.caps) {
    caps[cap.place] = &cap;
    if (cap.egress_bytes_per_s) egress[cap.place] = shaper.add_cap(*cap.egress_bytes_per_s);
    if (cap.ingress_bytes_per_s) ingress[cap.place] = shaper.add_cap(*cap.ingress_bytes_per_s);
  }
  const auto found = [](const auto& ids, const std::string& place) -> std::optional<Network::CapId> {
    const auto own = ids.find(place);
    if (own == ids.end()) return std::nullopt;
    return own->second;
  };
  for (const LinkDescription& link : description.links) {
    double cap = kNoCap;
    if (caps.contains(link.from)) cap = std::min(cap, caps[link.from]->egress_bytes_per_s.value_or(kNoCap));
    if (caps.contains(link.to)) cap = std::min(cap, caps[link.to]->ingress_bytes_per_s.value_or(kNoCap));
    const WideAreaLink::Options options{
        .link = {.rate_bytes_per_s = link.rate_bytes_per_s, .delay = link.delay},
        .variation = link.variation,
        .loss = link.loss,
        .return_delay = link.return_delay,
        .trace = link.trace};
    shaper.add_link(options, link.seed, found(egress, link.from), found(ingress, link.to), cap);
  }
}

void Emulator::Parts::begin() {
  if (begun) return;
  begun = true;
  shaper.change([](Network& network, Time now) { network.start_traces(now); });
  for (const LinkEvent& event : description.events) after(event.at, [this, event] { happen(event); });
}

std::vector<LinkState> Emulator::Parts::states() {
  shaper.catch_up();
  std::vector<LinkState> states;
  for (std::size_t i = 0; i < description.links.size(); ++i) {
    const LinkShaper& own = shaper.link(i);
    const WideAreaLink& link = shaper.network().link(own.id());
    states.push_back({.from = description.links[i].from,
                      .to = description.links[i].to,
                      .rate_bytes_per_s = link.rate_bytes_per_s(),
                      .delay = link.delay(),
                      .variation = link.variation(),
                      .loss = link.loss(),
                      .cut = link.cut(),
                      .degraded = link.degraded(),
                      .counters = {.bytes = own.bytes(), .connections = own.connections()},
                      .open_connections = own.open_connections(),
                      .waiting_bytes = shaper.network().waiting_bytes(own.id()),
                      .losses = link.losses(),
                      .busy = link.busy_time()});
  }
  return states;
}

void Emulator::Parts::after(Time wait, std::function<void()> what) {
  if (wait <= Time{0}) return what();
  const auto timer = timers.emplace(timers.end(), io);
  timer->expires_after(wait);
  timer->async_wait([this, timer, what = std::move(what)](const asio::error_code& error) {
    if (error) return;
    timers.erase(timer);
    what();
  });
}

void Emulator::Parts::happen(const LinkEvent& event) {
  const auto link = static_cast<Network::LinkId>(event.link);
  const std::uint64_t number = next_event++;
  using Kind = LinkEvent::Kind;
  if (event.kind == Kind::reset) return reset_connections(event.link);
  shaper.change([&](Network& network, Time now) {
    if (event.kind == Kind::cut) network.begin_cut(now, link, number);
    if (event.kind == Kind::degrade) network.begin_degradation(now, link, number, event.values);
    if (event.kind == Kind::restore) network.restore(now, link);
  });
  if (event.kind == Kind::restore || !event.lasts) return;
  after(*event.lasts, [this, link, number, kind = event.kind] {
    shaper.change([&](Network& network, Time now) {
      if (kind == Kind::cut) {
        network.end_cut(now, link, number);
      } else {
        network.end_degradation(now, link, number);
      }
    });
  });
}

void Emulator::Parts::reset_connections(std::size_t link) {
  for (const auto& relay : relays) {
    if (relay->uses(shaper.link(link))) relay->reset_connections();
  }
}

Emulator::Emulator(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Emulator::~Emulator() = default;

Result<std::unique_ptr<Emulator>> Emulator::create(const Description& description) {
  if (Failure failure = check_links(description)) return *failure;
  auto parts = std::make_unique<Parts>();
  parts->description = description;
  parts->add_links();
  for (std::size_t i = 0; i < description.relays.size(); ++i) {
    const RelayDescription& relay = description.relays[i];
    parts->relays.push_back(std::make_unique<Relay>(parts->io, parts->shaper.link(relay.forward_link),
                                                    parts->shaper.link(relay.backward_link),
                                                    description.connect_deadline));
    if (Failure failure = parts->relays.back()->listen(relay.listen, relay.target)) {
      return Error{relay_name(description, i) + ": " + failure->message};
    }
  }
  return std::unique_ptr<Emulator>(new Emulator(std::move(parts)));
}

void Emulator::run() {
  for (const auto& relay : parts_->relays) relay->accept_next();
  parts_->io.run();
}

void Emulator::stop() { parts_->io.stop(); }

std::optional<std::size_t> Emulator::find_link(const std::string& from, const std::string& to) const {
  const auto& links = parts_->description.links;
  const auto found = std::ranges::find_if(
      links, [&](const LinkDescription& link) { return link.from == from && link.to == to; });
  if (found == links.end()) return std::nullopt;
  return static_cast<std::size_t>(found - links.begin());
}

namespace {

/// Does it in the thread that runs `io`, and waits until it is done.
template <typename Work>
auto in_loop(asio::io_context& io, Work work) -> Result<decltype(work())> {
  using Outcome = decltype(work());
  auto task = std::make_shared<std::packaged_task<Outcome()>>(std::move(work));
  std::future<Outcome> outcome = task->get_future();
  asio::dispatch(io, [task] { (*task)(); });
  if (outcome.wait_for(kLongestCall) != std::future_status::ready)
    return Error{"the emulator does not answer; is it running?"};
  return outcome.get();
}

}  // namespace

Failure Emulator::begin() {
  const auto done = in_loop(parts_->io, [parts = parts_.get()] {
    parts->begin();
    return true;
  });
  return done ? Failure{} : Failure(done.error());
}

void Emulator::begin_when_running() {
  asio::post(parts_->io, [parts = parts_.get()] { parts->begin(); });
}

Result<std::vector<LinkState>> Emulator::states() {
  return in_loop(parts_->io, [parts = parts_.get()] { return parts->states(); });
}

Failure Emulator::change(std::size_t link, const LinkChange& change) {
  if (link >= parts_->description.links.size()) return Error{fmt::format("there is no link {}", link)};
  const auto done = in_loop(parts_->io, [parts = parts_.get(), link, change] {
    parts->shaper.change(
        [&](Network& network, Time now) { network.change(now, static_cast<Network::LinkId>(link), change); });
    return true;
  });
  return done ? Failure{} : Failure(done.error());
}

Failure Emulator::apply(const LinkEvent& event) {
  if (event.link >= parts_->description.links.size())
    return Error{fmt::format("there is no link {}", event.link)};
  const auto done = in_loop(parts_->io, [parts = parts_.get(), event] {
    parts->after(event.at, [parts, event] { parts->happen(event); });
    return true;
  });
  return done ? Failure{} : Failure(done.error());
}

Failure Emulator::watch_fd(int fd, std::function<bool()> on_readable) {
  auto watch = std::make_unique<Parts::Watch>(parts_->io, std::move(on_readable));
  asio::error_code error;
  watch->descriptor.assign(fd, error);
  if (error) return Error{fmt::format("descriptor {} cannot be watched: {}", fd, error.message())};
  watch->wait();
  parts_->watches.push_back(std::move(watch));
  return std::nullopt;
}

std::uint16_t Emulator::port(std::size_t relay) const { return parts_->relays.at(relay)->port(); }

LinkCounters Emulator::counters(std::size_t link) const {
  const LinkShaper& shaper = parts_->shaper.link(link);
  return {.bytes = shaper.bytes(), .connections = shaper.connections()};
}

}  // namespace meridian::wan::emulator
