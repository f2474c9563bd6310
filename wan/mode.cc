#include "wan/mode.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "wan/anchored.h"
#include "wan/eager_sum.h"
#include "wan/exact_sum.h"
#include "wan/exchange_merge.h"
#include "wan/momentum_correction.h"
#include "wan/top_k.h"

namespace meridian::wan {
namespace {

using Looks = MirrorClock::Looks;

template <typename Part, typename... Arguments>
std::unique_ptr<Part> make(Arguments&&... arguments) {
  return std::make_unique<Part>(std::forward<Arguments>(arguments)...);
}

/// The maker of this name; an error lists the names there are.
template <typename Makers>
Result<typename Makers::mapped_type> find(const Makers& makers, const char* key, const std::string& name) {
  if (const auto found = makers.find(name); found != makers.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, maker] : makers) names.push_back(known);
  return Error{fmt::format("wan.{}: unknown '{}'; expected one of {}", key, name, fmt::join(names, ", "))};
}

/// Exchanges that may be open at once where reads may go `ds` clocks ahead.
std::size_t open_exchanges(const ModeParameters& with) { return with.ds.value_or(with.ds_most) / with.h + 1; }

std::unique_ptr<What> rounded(std::unique_ptr<What> what, const ModeParameters& with) {
  if (with.values == ValueFormat::fp32) return what;
  return make<Rounded>(std::move(what), with.values, with.rounding);
}

std::unique_ptr<Merge> eager_sum(const ModeParameters& /*with*/, MergePlace place, What& what,
                                 const When& when) {
  return make<EagerSum>(std::move(place), what, when);
}

std::unique_ptr<Merge> ordered_sum(const ModeParameters& with, MergePlace place, What& what,
                                   const When& when) {
  auto sum = std::make_unique<ExactSum>(place.store->ranges());
  return make<ExchangeMerge>(std::move(place), what, when, std::move(sum), open_exchanges(with));
}

std::unique_ptr<Merge> anchored(const ModeParameters& with, MergePlace place, What& what, const When& when) {
  auto merge = Anchored::make(place.weight, with.outer, *place.store, place.rules).value();
  std::unique_ptr<TotalSelection> totals;
  if (with.total_share < 1.0) {
    totals = std::make_unique<TotalSelection>(rounded(make<TopK>(with.total_share), with));
  }
  return make<ExchangeMerge>(std::move(place), what, when, std::move(merge), open_exchanges(with),
                             std::move(totals));
}

}  // namespace

Registry Registry::built_in() {
  Registry registry;
  registry.what = {
      {"all", [](const auto&) { return make<SendAll>(); }},
      {"nothing", [](const auto&) { return make<SendNothing>(); }},
      {"significance_filter", [](const auto& with) { return make<SignificanceFilter>(with.filter); }},
      {"top_k", [](const auto& with) { return make<TopK>(with.share); }},
  };
  registry.when = {
      {"every_clock", [](const auto&) { return make<EveryClocks>(1U); }},
      {"every_h_clocks", [](const auto& with) { return make<EveryClocks>(with.h); }},
  };
  registry.wait = {
      {"never", [](const auto&) { return make<NeverWait>(); }},
      {"mirror_clock", [](const auto& with) { return make<MirrorClock>(with.ds, Looks::at_reported); }},
      {"applied_clock", [](const auto& with) { return make<MirrorClock>(with.ds, Looks::at_applied); }},
  };
  registry.merge = {
      {"eager", eager_sum},
      {"ordered", ordered_sum},
      {"anchored", anchored},
  };
  return registry;
}

Result<Mode> make_mode(const Registry& registry, const ModeParts& parts, const ModeParameters& parameters,
                       MergePlace place) {
  const auto what = find(registry.what, "what", parts.what);
  const auto when = find(registry.when, "when", parts.when);
  const auto wait = find(registry.wait, "wait", parts.wait);
  const auto merge = find(registry.merge, "merge", parts.merge);
  if (!what) return what.error();
  if (!when) return when.error();
  if (!wait) return wait.error();
  if (!merge) return merge.error();
  Mode mode;
  mode.what = rounded(what.value()(parameters), parameters);
  if (parameters.momentum > 0.0) {
    mode.what = std::make_unique<MomentumCorrection>(std::move(mode.what), parameters.momentum,
                                                     parameters.masking, place.rules);
  }
  mode.when = when.value()(parameters);
  mode.wait = wait.value()(parameters);
  if (parameters.soft_ratio < 1.0) mode.soft = {parameters.soft_ratio, parameters.soft_below};
  if (!parameters.ds) mode.ds_most = parameters.ds_most;
  mode.selective_barrier = parts.selective_barrier;
  mode.encoding = parameters.encoding;
  place.thresholds_differ = mode.soft.has_value();
  mode.merge = merge.value()(parameters, std::move(place), *mode.what, *mode.when);
  return mode;
}

}  // namespace meridian::wan
