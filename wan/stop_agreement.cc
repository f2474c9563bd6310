#include "wan/stop_agreement.h"

#include <algorithm>

namespace meridian::wan {

StopAgreement::StopAgreement(const Options& options)
    : options_(options), left_(options.datacenters, false), proposals_(options.datacenters) {}

void StopAgreement::evaluated(std::size_t datacenter, Clock clock, double objective) {
  if (!options_.target || target_met_ || datacenter >= options_.datacenters) return;
  // What was decided is said again after a break: it opens nothing.
  if (clock <= settled_ && !measured_.contains(clock)) return;
  if (measured_.size() >= kMaxOpenEvaluations && !measured_.contains(clock))
    measured_.erase(measured_.begin());
  auto& measured = measured_[clock];
  measured.resize(options_.datacenters);
  const bool met = options_.larger_is_better ? objective >= *options_.target : objective <= *options_.target;
  measured[datacenter] = Known{met, objective};
  settle_targets();
}

/// Decides about every evaluation clock that all who take part have measured.
void StopAgreement::settle_targets() {
  for (auto at = measured_.begin(); at != measured_.end() && !target_met_;) {
    bool known_of_all = true;
    bool all_met = true;
    for (std::size_t d = 0; d < options_.datacenters; ++d) {
      if (left_[d]) continue;
      known_of_all = known_of_all && at->second[d].has_value();
      all_met = all_met && at->second[d].has_value() && at->second[d]->met;
    }
    if (!known_of_all) {
      ++at;
      continue;
    }
    target_met_ = all_met;
    settled_ = std::max(settled_, at->first);
    // The last one stays: a peer may have missed it.
    last_settled_ = std::move(*at);
    at = measured_.erase(at);
  }
}

void StopAgreement::left(std::size_t datacenter, bool is_left) {
  left_.at(datacenter) = is_left;
  settle_targets();
  settle_clock();
}

std::vector<Evaluation> StopAgreement::evaluations_of(std::size_t datacenter) const {
  std::vector<Evaluation> evaluations;
  const auto add = [&](Clock clock, const std::vector<std::optional<Known>>& measured) {
    if (datacenter < measured.size() && measured[datacenter]) {
      evaluations.push_back({clock, measured[datacenter]->objective, static_cast<std::uint16_t>(datacenter)});
    }
  };
  if (last_settled_) add(last_settled_->first, last_settled_->second);
  for (const auto& [clock, measured] : measured_) add(clock, measured);
  return evaluations;
}

void StopAgreement::proposed(std::size_t datacenter, const StopProposal& proposal) {
  if (datacenter >= options_.datacenters || datacenter == options_.own || proposals_[datacenter]) return;
  proposals_[datacenter] = proposal;
  settle_clock();
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
  proposals_[options_.own] = StopProposal{earliest, reason(), static_cast<std::uint16_t>(options_.own)};
  settle_clock();
  return proposals_[options_.own];
}

/// Once everybody who takes part has proposed, the latest proposal stands, whoever comes or goes later.
void StopAgreement::settle_clock() {
  if (agreed_ || !proposals_[options_.own]) return;
  Clock latest = 0;
  for (std::size_t d = 0; d < proposals_.size(); ++d) {
    if (!proposals_[d] && !left_[d]) return;
    if (proposals_[d]) latest = std::max(latest, proposals_[d]->clock);
  }
  agreed_ = latest;
}

bool StopAgreement::holds(Clock closed) const {
  const auto& own = proposals_[options_.own];
  return own && closed >= own->clock && !agreed_ && !(options_.clocks && closed >= *options_.clocks);
}

bool StopAgreement::ends_at(Clock closed) const {
  return (agreed_ && closed >= *agreed_) || (options_.clocks && closed >= *options_.clocks);
}

}  // namespace meridian::wan
