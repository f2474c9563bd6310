#include "wan/mode.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace meridian::wan {
namespace {

using Looks = MirrorClock::Looks;

std::unique_ptr<What> all(const ModeParameters& /*parameters*/) { return std::make_unique<SendAll>(); }
std::unique_ptr<What> nothing(const ModeParameters& /*parameters*/) {
  return std::make_unique<SendNothing>();
}
std::unique_ptr<What> significant(const ModeParameters& parameters) {
  return std::make_unique<SignificanceFilter>(
      parameters.v0, parameters.schedule == "constant" ? Schedule::constant : Schedule::inverse_sqrt);
}

std::unique_ptr<When> every_h(const ModeParameters& parameters) {
  return std::make_unique<EveryClocks>(parameters.h);
}
std::unique_ptr<When> every_clock(const ModeParameters& /*parameters*/) {
  return std::make_unique<EveryClocks>(1);
}

std::unique_ptr<Wait> never(const ModeParameters& /*parameters*/) { return std::make_unique<NeverWait>(); }
std::unique_ptr<Wait> lock_step(const ModeParameters& /*parameters*/) {
  return std::make_unique<MirrorClock>(0, Looks::at_applied);
}
std::unique_ptr<Wait> staleness(const ModeParameters& parameters) {
  return std::make_unique<MirrorClock>(parameters.ds, Looks::at_applied);
}
std::unique_ptr<Wait> mirror_clock(const ModeParameters& parameters) {
  return std::make_unique<MirrorClock>(parameters.ds, Looks::at_reported);
}

std::unique_ptr<Merge> eager_sum(const MergePlace& place) { return std::make_unique<EagerSum>(*place.store); }
std::unique_ptr<Merge> ordered_sum(const MergePlace& place) {
  // A clock's updates of every entry, sparse at worst, for the two clocks that can be open at once.
  const std::size_t most = 2 * place.store->total_entries() * 8;
  return std::make_unique<OrderedSum>(*place.store, place.own, place.order, most);
}

struct Preset {
  const char* name;
  std::unique_ptr<What> (*what)(const ModeParameters&);
  std::unique_ptr<When> (*when)(const ModeParameters&);
  std::unique_ptr<Wait> (*wait)(const ModeParameters&);
  std::unique_ptr<Merge> (*merge)(const MergePlace&);
};

constexpr std::array kPresets = {
    Preset{"gaia", significant, every_h, mirror_clock, eager_sum},
    Preset{"bsp", all, every_clock, lock_step, ordered_sum},
    Preset{"ssp", all, every_clock, staleness, eager_sum},
    Preset{"async", all, every_h, never, eager_sum},
    Preset{"isolated", nothing, every_clock, never, eager_sum},
};

}  // namespace

std::vector<std::string> mode_names() {
  std::vector<std::string> names;
  for (const Preset& preset : kPresets) names.emplace_back(preset.name);
  return names;
}

Result<Mode> make_mode(const std::string& name, const ModeParameters& parameters, const MergePlace& place) {
  const auto* const preset =
      std::find_if(kPresets.begin(), kPresets.end(), [&](const Preset& known) { return name == known.name; });
  if (preset == kPresets.end()) {
    return Error{
        fmt::format("wan.mode: unknown mode '{}'; expected one of {}", name, fmt::join(mode_names(), ", "))};
  }
  return Mode{preset->what(parameters), preset->when(parameters), preset->wait(parameters),
              preset->merge(place)};
}

}  // namespace meridian::wan
