#include "src/runtime/real/lan_shaper.h"

namespace meridian {

void LanShaper::enqueue(Time now, std::size_t bytes, Parcel parcel) {
  const auto next_id = static_cast<SharedLink::ConnectionId>(connections_.size());
  const auto connection = connections_.try_emplace({parcel.to, parcel.channel}, next_id).first->second;
  link_.enqueue(now, connection, bytes, next_cookie_);
  parcel.bytes = bytes;
  waiting_bytes_ += bytes;
  parcels_.emplace_hint(parcels_.end(), next_cookie_, std::move(parcel));
  ++next_cookie_;
}

std::vector<LanShaper::Parcel> LanShaper::take_due(Time now) {
  deliveries_.clear();
  link_.advance(now, deliveries_);
  std::vector<Parcel> due;
  due.reserve(deliveries_.size());
  for (const SharedLink::Delivery& delivery : deliveries_) {
    due.push_back(std::move(parcels_.extract(delivery.cookie).mapped()));
    waiting_bytes_ -= due.back().bytes;
  }
  return due;
}

std::vector<LanShaper::Parcel> LanShaper::take_all() {
  std::vector<Parcel> all;
  all.reserve(parcels_.size());
  for (auto& [cookie, parcel] : parcels_) all.push_back(std::move(parcel));
  parcels_.clear();
  waiting_bytes_ = 0;
  return all;
}

}  // namespace meridian
