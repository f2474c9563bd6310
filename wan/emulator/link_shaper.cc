#include "wan/emulator/link_shaper.h"

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

double bounded_rate(const SharedLink::Options& options) {
  return std::min(options.rate_bytes_per_s, kRateThatCountsAsUnlimited);
}

}  // namespace

LinkShaper::LinkShaper(asio::io_context& io, const SharedLink::Options& options)
    : link_(options),
      timer_(io),
      start_(std::chrono::steady_clock::now()),
      most_bytes_on_the_way_(
          static_cast<std::size_t>(bounded_rate(options) * to_seconds(options.delay) + kSlackBytes)),
      socket_buffer_bytes_(static_cast<int>(std::clamp(bounded_rate(options) * kSocketBufferSeconds,
                                                       kLeastSocketBuffer, kLargestSocketBuffer))) {}

LinkShaper::ConnectionId LinkShaper::open(std::shared_ptr<LinkReceiver> receiver) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<ConnectionId>(slots_.size()));
    slots_.emplace_back();
  }
  const ConnectionId id = free_slots_.back();
  free_slots_.pop_back();
  slots_[id] = {std::move(receiver), 0, true};
  connections_.fetch_add(1, std::memory_order_relaxed);
  return id;
}

void LinkShaper::close(ConnectionId id) {
  Slot& slot = slots_[id];
  MERIDIAN_CHECK(slot.open, "connection {}", id);
  slot.open = false;
  slot.receiver.reset();
  free_if_empty(id);
}

// A number is given to a new connection only when nothing of the old one is left on the link.
void LinkShaper::free_if_empty(ConnectionId id) {
  if (!slots_[id].open && slots_[id].on_the_way == 0) free_slots_.push_back(id);
}

void LinkShaper::send(ConnectionId id, Unit unit, std::size_t bytes) {
  MERIDIAN_CHECK(slots_[id].open, "connection {}", id);
  ++slots_[id].on_the_way;
  if (!releasing_) link_time_ = now();
  link_.enqueue(link_time_, id, bytes, static_cast<std::uint64_t>(unit));
  if (!releasing_) set_timer();
}

void LinkShaper::set_timer() {
  const std::optional<Time> next = link_.next_event();
  if (!next || (timer_at_ && *timer_at_ <= *next)) return;
  timer_at_ = next;
  timer_.expires_at(start_ + *next);
  timer_.async_wait([this](const asio::error_code& error) {
    if (error) return;
    timer_at_.reset();
    catch_up();
  });
}

void LinkShaper::catch_up() {
  const Time present = now();
  releasing_ = true;
  for (int i = 0; i < kReleasesAtOnce; ++i) {
    const std::optional<Time> next = link_.next_event();
    if (!next || *next > present) break;
    // Something may have been sent after this was due.
    link_time_ = std::max(link_time_, *next);
    release_until(link_time_);
  }
  releasing_ = false;
  set_timer();
}

void LinkShaper::release_until(Time time) {
  due_.clear();
  link_.advance(time, due_);
  bytes_.store(link_.carried_bytes(), std::memory_order_relaxed);  // before a receiver can see them
  for (const SharedLink::Delivery& delivery : due_) {
    Slot& slot = slots_[delivery.connection];
    --slot.on_the_way;
    if (!slot.open) {
      free_if_empty(delivery.connection);
      continue;
    }
    const std::shared_ptr<LinkReceiver> receiver = slot.receiver;
    receiver->on_released(static_cast<Unit>(delivery.cookie));
  }
}

}  // namespace meridian::wan::emulator
