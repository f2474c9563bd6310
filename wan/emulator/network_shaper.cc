#include "wan/emulator/network_shaper.h"

#include <algorithm>
#include <utility>

#include "src/base/check.h"

namespace meridian::wan::emulator {

namespace {

// Then the sockets have their turn, even at a link without a limit whose sender is faster than we are.
constexpr int kReleasesAtOnce = 64;
constexpr double kRateThatCountsAsUnlimited = 1.25e9;  // 10 Gb/s
constexpr double kSlackBytes = 64.0 * 1024;
constexpr double kSocketBufferSeconds = 0.02;
constexpr double kLeastSocketBuffer = 64.0 * 1024;
constexpr double kLargestSocketBuffer = 512.0 * 1024;

}  // namespace

LinkShaper::LinkShaper(NetworkShaper& shaper, Network::LinkId link, double cap_bytes_per_s)
    : shaper_(shaper),
      link_(link),
      cap_bytes_per_s_(std::min(cap_bytes_per_s, kRateThatCountsAsUnlimited)),
      socket_buffer_bytes_(static_cast<int>(std::clamp(
          std::min(shaper.network().link(link).rate_bytes_per_s(), cap_bytes_per_s_) * kSocketBufferSeconds,
          kLeastSocketBuffer, kLargestSocketBuffer))) {}

std::size_t LinkShaper::most_bytes_on_the_way() const {
  const WideAreaLink& link = shaper_.network().link(link_);
  const double rate = std::min(link.rate_bytes_per_s(), cap_bytes_per_s_);
  return static_cast<std::size_t>(rate * to_seconds(link.longest_way()) + kSlackBytes);
}

LinkShaper::ConnectionId LinkShaper::open(std::shared_ptr<LinkReceiver> receiver) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<ConnectionId>(slots_.size()));
    slots_.emplace_back();
  }
  const ConnectionId id = free_slots_.back();
  free_slots_.pop_back();
  slots_[id] = {std::move(receiver), 0, true};
  ++open_;
  connections_.fetch_add(1, std::memory_order_relaxed);
  return id;
}

void LinkShaper::close(ConnectionId id) {
  Slot& slot = slots_[id];
  MERIDIAN_CHECK(slot.open, "connection {}", id);
  slot.open = false;
  slot.receiver.reset();
  --open_;
  free_if_empty(id);
}

// A number is given to a new connection only when nothing of the old one is left on the link.
void LinkShaper::free_if_empty(ConnectionId id) {
  if (slots_[id].open || slots_[id].on_the_way > 0) return;
  shaper_.network_.forget(link_, id);
  free_slots_.push_back(id);
}

void LinkShaper::send(ConnectionId id, Unit unit, std::size_t bytes) {
  MERIDIAN_CHECK(slots_[id].open, "connection {}", id);
  ++slots_[id].on_the_way;
  shaper_.send(link_, id, unit, bytes);
}

void LinkShaper::catch_up() { shaper_.catch_up(); }

void LinkShaper::release(const Network::Arrival& arrival) {
  bytes_.fetch_add(arrival.bytes, std::memory_order_relaxed);  // before a receiver can see them
  Slot& slot = slots_[arrival.connection];
  --slot.on_the_way;
  if (!slot.open) {
    free_if_empty(arrival.connection);
    return;
  }
  const std::shared_ptr<LinkReceiver> receiver = slot.receiver;
  receiver->on_released(static_cast<Unit>(arrival.cookie));
}

NetworkShaper::NetworkShaper(asio::io_context& io) : timer_(io), start_(std::chrono::steady_clock::now()) {}

LinkShaper& NetworkShaper::add_link(const WideAreaLink::Options& options, std::uint64_t seed,
                                    std::optional<Network::CapId> egress,
                                    std::optional<Network::CapId> ingress, double cap_bytes_per_s) {
  const Network::LinkId id = network_.add_link(options, seed, egress, ingress);
  return *links_.emplace_back(std::make_unique<LinkShaper>(*this, id, cap_bytes_per_s));
}

void NetworkShaper::send(Network::LinkId link, Network::ConnectionId connection, Unit unit,
                         std::size_t bytes) {
  if (!releasing_) network_time_ = now();
  network_.send(network_time_, link, connection, bytes, static_cast<std::uint64_t>(unit));
  if (!releasing_) set_timer();
}

void NetworkShaper::change(const std::function<void(Network&, Time now)>& how) {
  catch_up();
  network_time_ = std::max(network_time_, now());
  release_until(network_time_);
  how(network_, network_time_);
  set_timer();
}

void NetworkShaper::set_timer() {
  const std::optional<Time> next = network_.next_event();
  if (!next || (timer_at_ && *timer_at_ <= *next)) return;
  timer_at_ = next;
  timer_.expires_at(start_ + *next);
  timer_.async_wait([this](const asio::error_code& error) {
    if (error) return;
    timer_at_.reset();
    catch_up();
  });
}

void NetworkShaper::catch_up() {
  const Time present = now();
  for (int i = 0; i < kReleasesAtOnce; ++i) {
    const std::optional<Time> next = network_.next_event();
    if (!next || *next > present) break;
    // Something may have been sent after this was due.
    network_time_ = std::max(network_time_, *next);
    release_until(network_time_);
  }
  set_timer();
}

void NetworkShaper::release_until(Time time) {
  releasing_ = true;
  due_.clear();
  network_.advance(time, due_);
  // What is released may send, and that changes the list that is gone through here.
  std::vector<Network::Arrival> due;
  due.swap(due_);
  for (const Network::Arrival& arrival : due) links_[arrival.link]->release(arrival);
  due_.swap(due);
  releasing_ = false;
}

}  // namespace meridian::wan::emulator
