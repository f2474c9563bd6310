#include "datacenter/scoreboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <tuple>
#include <utility>

namespace meridian::datacenter {

Scoreboard::Open* Scoreboard::open_for(Clock clock, bool final) {
  const auto key = std::make_pair(final, clock);
  const auto found = open_.find(key);
  if (found != open_.end()) return &found->second;
  if (open_.size() >= kMaxOpen) return nullptr;
  Open& created = open_[key];
  created.parts.resize(workers_);
  created.samples.resize(servers_);
  return &created;
}

Failure Scoreboard::add(std::size_t worker, const EvaluationPart& part) {
  if (worker >= workers_)
    return Error{fmt::format("an evaluation of worker {}, of {} workers", worker, workers_)};
  if (!std::isfinite(part.sums.metric_sum))
    return Error{fmt::format("an objective that is not finite at clock {}", part.clock)};
  if (part.sums.more.size() != further_sums_) {
    return Error{fmt::format("an evaluation with {} further sums where {} belong", part.sums.more.size(),
                             further_sums_)};
  }
  Open* const open = open_for(part.clock, part.final);
  if (open == nullptr)
    return Error{fmt::format("an evaluation at clock {} beside {} unfinished ones", part.clock, kMaxOpen)};
  if (open->parts[worker]) return Error{fmt::format("two evaluations at clock {}", part.clock)};
  open->parts[worker] = part;
  return {};
}

Failure Scoreboard::add(std::size_t server, const ServerSample& sample) {
  if (server >= servers_) return Error{fmt::format("a sample of server {}, of {} servers", server, servers_)};
  Open* const open = open_for(sample.clock, sample.final);
  if (open == nullptr)
    return Error{fmt::format("a sample at clock {} beside {} unfinished ones", sample.clock, kMaxOpen)};
  if (open->samples[server]) return Error{fmt::format("two samples at clock {}", sample.clock)};
  open->samples[server] = sample;
  return {};
}

std::optional<Scoreboard::Measurement> Scoreboard::take_complete() {
  const auto is_here = [](const auto& part) { return part.has_value(); };
  const auto found = std::find_if(open_.begin(), open_.end(), [&](const auto& entry) {
    return std::all_of(entry.second.parts.begin(), entry.second.parts.end(), is_here) &&
           std::all_of(entry.second.samples.begin(), entry.second.samples.end(), is_here);
  });
  if (found == open_.end()) return std::nullopt;
  Measurement all;
  std::tie(all.final, all.clock) = found->first;
  for (const auto& part : found->second.parts) {
    all.sums += part->sums;
    all.waits += part->waits;
    all.work += part->work;
    all.train_loss_sum += part->train_loss_sum;
    all.train_samples += part->train_samples;
  }
  std::map<std::uint16_t, LinkBytes> links;
  for (const auto& sample : found->second.samples) {
    all.servers.entries_considered += sample->entries_considered;
    all.servers.entries_sent += sample->entries_sent;
    all.servers.difference_bound = std::max(all.servers.difference_bound, sample->difference_bound);
    for (const LinkBytes& link : sample->links) {
      LinkBytes& sum = links[link.datacenter];
      sum.datacenter = link.datacenter;
      sum.data += link.data;
      sum.control += link.control;
      sum.payload += link.payload;
    }
  }
  for (const auto& [datacenter, bytes] : links) all.servers.links.push_back(bytes);
  open_.erase(found);
  return all;
}

}  // namespace meridian::datacenter
