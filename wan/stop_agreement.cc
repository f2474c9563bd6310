#include "wan/stop_agreement.h"

#include <algorithm>

namespace meridian::wan {

StopAgreement::StopAgreement(const Options& options) : options_(options), proposals_(options.datacenters) {}

void StopAgreement::evaluated(std::size_t datacenter, Clock clock, double objective) {
  if (!options_.target || target_met_ || datacenter >= options_.datacenters) return;
  if (met_.size() >= kMaxOpenEvaluations && !met_.contains(clock)) return;
  auto& met = met_[clock];
  met.resize(options_.datacenters);
  met[datacenter] = options_.larger_is_better ? objective >= *options_.target : objective <= *options_.target;
  if (!std::all_of(met.begin(), met.end(), [](const auto& known) { return known.has_value(); })) return;
  target_met_ = std::all_of(met.begin(), met.end(), [](const auto& known) { return *known; });
  met_.erase(clock);
}

void StopAgreement::proposed(std::size_t datacenter, const StopProposal& proposal) {
  if (datacenter < options_.datacenters && datacenter != options_.own) proposals_[datacenter] = proposal;
}

void StopAgreement::wish(StopReason reason) {
  // What was proposed stands: the others know that reason and would not hear of another.
  if (!proposals_[options_.own]) wish_ = std::max(wish_, reason);
}

StopReason StopAgreement::reason() const {
  StopReason reason = target_met_ ? StopReason::target : wish_;
  for (const auto& proposal : proposals_) {
    if (proposal) reason = std::max(reason, proposal->reason);
  }
  return reason == StopReason::none && options_.clocks ? StopReason::clocks : reason;
}

std::optional<StopProposal> StopAgreement::propose(Clock earliest) {
  const bool somebody_did =
      std::any_of(proposals_.begin(), proposals_.end(), [](const auto& p) { return p.has_value(); });
  const bool reason_to = target_met_ || wish_ != StopReason::none || somebody_did;
  if (!reason_to || proposals_[options_.own]) return std::nullopt;
  proposals_[options_.own] = StopProposal{earliest, reason()};
  return proposals_[options_.own];
}

std::optional<Clock> StopAgreement::agreed() const {
  Clock latest = 0;
  for (const auto& proposal : proposals_) {
    if (!proposal) return std::nullopt;
    latest = std::max(latest, proposal->clock);
  }
  return latest;
}

bool StopAgreement::holds(Clock closed) const {
  const auto& own = proposals_[options_.own];
  return own && closed >= own->clock && !agreed() && !(options_.clocks && closed >= *options_.clocks);
}

bool StopAgreement::ends_at(Clock closed) const {
  const std::optional<Clock> stop = agreed();
  return (stop && closed >= *stop) || (options_.clocks && closed >= *options_.clocks);
}

}  // namespace meridian::wan
