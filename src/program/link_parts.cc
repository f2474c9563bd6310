#include "src/program/link_parts.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "src/network/network.h"
#include "src/program/datacenter_record.h"

namespace meridian::program {

namespace {

using Action = LinkEventConfig::Action;
using wan::emulator::LinkEvent;

Time from_ms(double ms) { return from_seconds(ms / 1e3); }

DelayVariation::Options variation_of(const JitterConfig& jitter) {
  DelayVariation::Options options{.width = from_ms(jitter.ms)};
  switch (jitter.kind) {
    case JitterConfig::Kind::none:
      break;
    case JitterConfig::Kind::uniform:
      options.kind = DelayVariation::Kind::uniform;
      break;
    case JitterConfig::Kind::normal:
      options.kind = DelayVariation::Kind::normal;
      break;
    case JitterConfig::Kind::recorded:
      options.kind = DelayVariation::Kind::recorded;
      for (const double sample : jitter.samples_ms) options.samples.push_back(from_ms(sample));
      break;
  }
  return options;
}

RateTrace trace_of(const BandwidthTraceConfig& trace) {
  RateTrace rates;
  for (const auto& step : trace.steps)
    rates.steps.push_back({from_seconds(step.at_s), bytes_per_second(step.bandwidth_mbps)});
  if (trace.repeat_s) rates.repeats_after = from_seconds(*trace.repeat_s);
  return rates;
}

LinkChange values_of(const LinkEventConfig& event) {
  LinkChange values;
  values.rate_bytes_per_s = bytes_per_second(event.bandwidth_mbps);
  values.rate_factor = event.bandwidth_factor.value_or(1.0);
  if (event.delay_ms) values.delay = from_ms(*event.delay_ms);
  values.loss = event.loss;
  if (event.jitter) values.variation = variation_of(*event.jitter);
  return values;
}

/// How long what `event` begins lasts, for one link or for a paused datacenter: until its own end or the
/// first `restore` of the same, whatever comes first.
template <typename IsSame>
Time length_of(const LinkEventConfig& event, const std::vector<LinkEventConfig>& events, IsSame is_same) {
  const Time at = from_seconds(event.at_s);
  Time lasts = event.for_s ? from_seconds(*event.for_s) : Time::max() - at;
  for (const LinkEventConfig& other : events) {
    if (other.action != Action::restore || other.at_s < event.at_s || !is_same(other)) continue;
    lasts = std::min(lasts, from_seconds(other.at_s) - at);
  }
  return lasts;
}

using Index = std::vector<std::vector<std::optional<std::size_t>>>;

/// Adds the links that are there to a description, each with its seed.
template <typename LinkAt>
EmulatedLinks describe(std::vector<std::string> places, std::uint64_t seed,
                       const std::vector<DatacenterCaps>& caps, LinkAt link_at) {
  EmulatedLinks made;
  const std::size_t count = places.size();
  made.index.assign(count, std::vector<std::optional<std::size_t>>(count));
  for (std::size_t from = 0; from < count; ++from) {
    for (std::size_t to = 0; to < count; ++to) {
      const LinkConfig* const there = from == to ? nullptr : link_at(from, to);
      if (there == nullptr) continue;
      const LinkConfig* const back = link_at(to, from);
      const WideAreaLink::Options options = wide_area_link_options(*there, back == nullptr ? *there : *back);
      made.index[from][to] = made.description.links.size();
      made.description.links.push_back({.from = places[from],
                                        .to = places[to],
                                        .rate_bytes_per_s = options.link.rate_bytes_per_s,
                                        .delay = options.link.delay,
                                        .variation = options.variation,
                                        .loss = options.loss,
                                        .return_delay = options.return_delay,
                                        .trace = options.trace,
                                        .seed = link_seed(seed, from, to)});
    }
    const DatacenterCaps own = from < caps.size() ? caps[from] : DatacenterCaps{};
    if (own.egress_mbps || own.ingress_mbps) {
      made.description.caps.push_back(
          {places[from], bytes_per_second(own.egress_mbps), bytes_per_second(own.ingress_mbps)});
    }
  }
  made.places = std::move(places);
  return made;
}

}  // namespace

std::optional<double> bytes_per_second(const std::optional<double>& mbps) {
  if (!mbps) return std::nullopt;
  return bytes_per_second(*mbps);
}

SharedLink::Options shared_link_options(const LinkConfig& link) {
  return {.rate_bytes_per_s = bytes_per_second(link.bandwidth_mbps), .delay = from_ms(link.delay_ms)};
}

WideAreaLink::Options wide_area_link_options(const LinkConfig& there, const LinkConfig& back) {
  return {.link = shared_link_options(there),
          .variation = variation_of(there.jitter),
          .loss = there.loss,
          .return_delay = from_ms(back.delay_ms),
          .trace = trace_of(there.trace)};
}

LinkChange link_change(const LinkChangeConfig& change) {
  LinkChange values;
  values.rate_bytes_per_s = bytes_per_second(change.bandwidth_mbps);
  if (change.delay_ms) values.delay = from_ms(*change.delay_ms);
  values.loss = change.loss;
  if (change.jitter) values.variation = variation_of(*change.jitter);
  return values;
}

std::vector<ScheduledFault> scheduled_faults(const Config& config) {
  std::vector<ScheduledFault> faults;
  const std::vector<LinkEventConfig>& events = config.wan.events;
  for (const LinkEventConfig& event : events) {
    const Time at = from_seconds(event.at_s);
    if (event.action == Action::pause) {
      const Time lasts =
          length_of(event, events, [&](const auto& other) { return other.datacenter == event.datacenter; });
      faults.emplace_back(ProcessPause{{.datacenter = static_cast<std::uint16_t>(*event.datacenter),
                                        .role = std::nullopt,
                                        .index = std::nullopt},
                                       at,
                                       lasts});
    }
    for (const LinkEventConfig::Direction& link : event.links) {
      const auto from = static_cast<std::uint16_t>(link.from);
      const auto to = static_cast<std::uint16_t>(link.to);
      const Time lasts = length_of(event, events, [&](const auto& other) {
        return std::find(other.links.begin(), other.links.end(), link) != other.links.end();
      });
      if (event.action == Action::cut) faults.emplace_back(LinkCut{from, to, at, lasts});
      if (event.action == Action::degrade)
        faults.emplace_back(LinkDegradation{from, to, at, lasts, values_of(event)});
      if (event.action == Action::reset)
        faults.emplace_back(ConnectionReset{from, to, at, true, true, std::nullopt, std::nullopt});
    }
  }
  return faults;
}

std::vector<LinkEvent> emulator_events(const LinkEventConfig& event, std::size_t places, const Index& index) {
  LinkEvent one{.at = from_seconds(event.at_s), .values = values_of(event)};
  switch (event.action) {
    case Action::cut:
    case Action::pause:
      one.kind = LinkEvent::Kind::cut;
      break;
    case Action::degrade:
      one.kind = LinkEvent::Kind::degrade;
      break;
    case Action::restore:
      one.kind = LinkEvent::Kind::restore;
      break;
    case Action::reset:
      one.kind = LinkEvent::Kind::reset;
      break;
  }
  if (event.for_s) one.lasts = from_seconds(*event.for_s);
  std::vector<LinkEvent> all;
  const auto add = [&](std::size_t from, std::size_t to) {
    if (!index[from][to]) return;
    one.link = *index[from][to];
    all.push_back(one);
  };
  for (const LinkEventConfig::Direction& link : event.links) add(link.from, link.to);
  if (event.action == Action::pause) {
    for (std::size_t other = 0; other < places; ++other) {
      add(*event.datacenter, other);
      add(other, *event.datacenter);
    }
  }
  return all;
}

EmulatedLinks emulated_links(const Config& config) {
  EmulatedLinks made =
      describe(datacenter_names(config), config.seed, config.wan.caps,
               [&](std::size_t from, std::size_t to) { return &config.wan.links[from][to]; });
  for (const LinkEventConfig& event : config.wan.events) {
    if (event.action == Action::pause) continue;
    for (LinkEvent& one : emulator_events(event, made.places.size(), made.index))
      made.description.events.push_back(std::move(one));
  }
  return made;
}

EmulatedLinks emulated_links(const EmulationConfig& emulation) {
  EmulatedLinks made = describe(emulation.places, emulation.seed, emulation.caps,
                                [&](std::size_t from, std::size_t to) -> const LinkConfig* {
                                  const auto& link = emulation.links[from][to];
                                  return link ? &*link : nullptr;
                                });
  for (const LinkEventConfig& event : emulation.events) {
    for (LinkEvent& one : emulator_events(event, made.places.size(), made.index))
      made.description.events.push_back(std::move(one));
  }
  for (const RelayConfig& relay : emulation.relays) {
    made.description.relays.push_back({.listen = {relay.listen.host, relay.listen.port},
                                       .target = {relay.target.host, relay.target.port},
                                       .forward_link = made.index[relay.from][relay.to].value(),
                                       .backward_link = made.index[relay.to][relay.from].value()});
  }
  return made;
}

}  // namespace meridian::program
