#include "src/config/mode_presets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "src/base/check.h"
#include "src/config/choices.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

/// How far ahead of the slowest an anchored merge may go, in exchanges.
constexpr std::uint32_t kMostOpenExchanges = 32;

/// Every key of ResolvedMode::origins.
constexpr auto kKeys = std::to_array<std::string_view>({"what",
                                                        "when",
                                                        "wait",
                                                        "selective_barrier",
                                                        "merge",
                                                        "parameters.v0",
                                                        "parameters.schedule",
                                                        "parameters.v_end",
                                                        "parameters.ramp_clocks",
                                                        "parameters.floor",
                                                        "parameters.soft_ratio",
                                                        "parameters.soft_below",
                                                        "parameters.by",
                                                        "parameters.share",
                                                        "parameters.total_share",
                                                        "parameters.momentum",
                                                        "parameters.masking",
                                                        "parameters.values",
                                                        "parameters.rounding",
                                                        "parameters.encoding",
                                                        "parameters.tables",
                                                        "parameters.ds",
                                                        "parameters.ds_most",
                                                        "parameters.h",
                                                        "parameters.outer.name",
                                                        "parameters.outer.learning_rate",
                                                        "parameters.outer.momentum"});

bool is_part(std::string_view key) { return key.find('.') == std::string_view::npos; }

/// ds and h as the parts use them.
WanParameters effective(const WanConfig& wan, const ModePreset& preset) {
  WanParameters parameters = wan.parameters;
  if (wan.choice.when == "every_clock") parameters.h = 1;
  if (preset.fixed_ds && wan.choice.wait == preset.choice.wait) {
    parameters.ds = *preset.fixed_ds;
    parameters.ds_auto = false;
  }
  return parameters;
}

Origin origin_of(std::string_view key, const WanConfig& wan, const ModePreset& preset) {
  if (key == "parameters.h" && wan.choice.when == "every_clock") return Origin::preset;
  if (key == "parameters.ds" && preset.fixed_ds && wan.choice.wait == preset.choice.wait)
    return Origin::preset;
  if (wan.given.contains(key)) return Origin::file;
  if (is_part(key)) return Origin::preset;
  const bool of_preset = (key == "parameters.h" && preset.default_h != 1) ||
                         (key == "parameters.values" && preset.default_values != "fp32") ||
                         (key == "parameters.share" && preset.default_share != 0.01) ||
                         (key == "parameters.momentum" && preset.default_momentum != 0.0);
  return of_preset ? Origin::preset : Origin::default_value;
}

/// Looks for contradictions one rule after another.
class Judge {
 public:
  Judge(const WanConfig& wan, WanParameters parameters) : wan_(wan), parameters_(std::move(parameters)) {}

  std::vector<Contradiction> verdict() {
    judge_ordered();
    judge_anchored();
    judge_nothing();
    judge_barrier();
    judge_soft_threshold();
    judge_values();
    judge_total_share();
    judge_momentum();
    return std::move(found_);
  }

 private:
  using Keys = std::initializer_list<std::string_view>;

  void refuse(Keys keys, std::string what, std::string expected) {
    found_.push_back({{keys.begin(), keys.end()}, std::move(what), std::move(expected)});
  }

  /// "wan.merge 'ordered' with wan.what 'nothing'".
  static std::string pair(std::string_view key, std::string_view word, std::string_view other,
                          std::string_view other_word) {
    return fmt::format("wan.{} '{}' with wan.{} '{}'", key, word, other, other_word);
  }

  void judge_ordered() {
    const ModeChoice& choice = wan_.choice;
    if (choice.merge != "ordered") return;
    const auto needs = [&](std::string_view key, std::string_view word, std::string_view needed) {
      if (word == needed) return;
      refuse({key, "merge"}, pair("merge", "ordered", key, word),
             fmt::format("{}: {}, since every replica adds the same updates of a clock in the same order",
                         key, needed));
    };
    needs("what", choice.what, "all");
    needs("when", choice.when, "every_clock");
    needs("wait", choice.wait, "applied_clock");
    if (parameters_.ds_auto || parameters_.ds != 0) {
      refuse({"parameters.ds", "merge", "wait"},
             pair("merge", "ordered", "parameters.ds",
                  parameters_.ds_auto ? "auto" : fmt::format("{}", parameters_.ds)),
             "ds: 0, since a clock's sum enters the replica before the next clock begins");
    }
    if (wan_.on_silence == "continue") {
      refuse({"on_silence", "merge"}, pair("on_silence", "continue", "merge", "ordered"),
             "on_silence: stop or wait, since a clock's sum needs every update");
    }
  }

  void judge_anchored() {
    const ModeChoice& choice = wan_.choice;
    if (choice.merge != "anchored") return;
    if (choice.wait != "applied_clock") {
      refuse({"wait", "merge"}, pair("merge", "anchored", "wait", choice.wait),
             "wait: applied_clock, since an exchange needs every contribution");
    }
    if (parameters_.soft_ratio < 1) {
      refuse({"parameters.soft_ratio", "merge"},
             fmt::format("wan.parameters.soft_ratio {} with wan.merge 'anchored'", parameters_.soft_ratio),
             "soft_ratio: 1, since every peer gets the same contribution, whatever its link carries");
    }
    const std::uint32_t ds = parameters_.ds_auto ? parameters_.ds_most : parameters_.ds;
    if (ds / parameters_.h > kMostOpenExchanges) {
      refuse(
          {parameters_.ds_auto ? "parameters.ds_most" : "parameters.ds", "parameters.h", "merge"},
          fmt::format("wan.merge 'anchored' with reads up to {} clocks ahead and an exchange every {}", ds,
                      parameters_.h),
          fmt::format("at most {} exchanges ahead, since each that is open costs buffers of the model's size",
                      kMostOpenExchanges));
    }
    if (wan_.on_silence == "continue") {
      refuse({"on_silence", "merge"}, pair("on_silence", "continue", "merge", "anchored"),
             "on_silence: stop or wait, since an exchange needs every contribution");
    }
  }

  void judge_nothing() {
    const ModeChoice& choice = wan_.choice;
    if (choice.what != "nothing") return;
    if (choice.merge != "eager") {
      refuse({"merge", "what"}, pair("what", "nothing", "merge", choice.merge),
             "merge: eager, since there is nothing to exchange");
    }
    if (choice.wait != "never") {
      refuse({"wait", "what"}, pair("what", "nothing", "wait", choice.wait),
             "wait: never, since datacenters that exchange nothing report no clocks");
    }
    if (choice.selective_barrier) {
      refuse({"selective_barrier", "what"}, pair("what", "nothing", "selective_barrier", "true"),
             "selective_barrier: false, since no update is ever announced");
    }
  }

  void judge_barrier() {
    const ModeChoice& choice = wan_.choice;
    if (!choice.selective_barrier || choice.merge == "eager") return;
    refuse(
        {"selective_barrier", "merge"}, pair("selective_barrier", "true", "merge", choice.merge),
        fmt::format("selective_barrier: false, or merge: eager, since {} updates enter the replica together",
                    choice.merge));
  }

  void judge_soft_threshold() {
    if (parameters_.soft_ratio == 1 || wan_.choice.what == "significance_filter") return;
    refuse({"parameters.soft_ratio", "what", "mode"},
           fmt::format("wan.parameters.soft_ratio {} with wan.what '{}'", parameters_.soft_ratio,
                       wan_.choice.what),
           "what: significance_filter, or soft_ratio: 1, since nothing else has a threshold");
  }

  void judge_values() {
    if (parameters_.values == "fp32" || wan_.choice.merge != "ordered") return;
    refuse({"parameters.values", "merge"},
           fmt::format("wan.parameters.values {} with wan.merge 'ordered'", parameters_.values),
           "values: fp32, since a clock's sum takes every update whole");
  }

  void judge_total_share() {
    if (parameters_.total_share == 1 || wan_.choice.merge == "anchored") return;
    refuse({"parameters.total_share", "merge"},
           fmt::format("wan.parameters.total_share {} with wan.merge '{}'", parameters_.total_share,
                       wan_.choice.merge),
           "merge: anchored, or total_share: 1, since nothing else makes a total that can go out in part");
  }

  void judge_momentum() {
    const std::string& what = wan_.choice.what;
    if (parameters_.momentum == 0 || what == "top_k" || what == "significance_filter") return;
    refuse({"parameters.momentum", "what"},
           fmt::format("wan.parameters.momentum {} with wan.what '{}'", parameters_.momentum, what),
           "what: top_k or significance_filter, or momentum: 0, since nothing else keeps updates back");
  }

  const WanConfig& wan_;
  WanParameters parameters_;
  std::vector<Contradiction> found_;
};

}  // namespace

const std::vector<ModePreset>& mode_presets() {
  static const std::vector<ModePreset> presets = {
      // Hsieh et al., NSDI 2017.
      {"gaia", {"significance_filter", "every_h_clocks", "mirror_clock", true, "eager"}, {}, 1},
      {"bsp", {"all", "every_clock", "applied_clock", false, "ordered"}, 0, 1},
      // Ho et al., NIPS 2013.
      {"ssp", {"all", "every_clock", "applied_clock", false, "eager"}, {}, 1},
      {"async", {"all", "every_h_clocks", "never", false, "eager"}, {}, 1},
      {"isolated", {"nothing", "every_clock", "never", false, "eager"}, {}, 1},
      // Averaging every h clocks; with an outer Nesterov optimizer, DiLoCo's outer loop (Douillard et al.,
      // 2023).
      {"local_sgd", {"all", "every_h_clocks", "applied_clock", false, "anchored"}, {}, 10},
      // Deep gradient compression (Lin et al., ICLR 2018): replicas move by what was exchanged only.
      {"dgc", {"top_k", "every_clock", "applied_clock", false, "anchored"}, {}, 1, "fp32", 0.001, 0.9},
      // Local steps, the largest entries with error feedback, 2 bits (Sarfi et al., 2025).
      {"sparse_loco", {"top_k", "every_h_clocks", "applied_clock", false, "anchored"}, {}, 10, "2bit"},
  };
  return presets;
}

const ModePreset* find_mode_preset(std::string_view mode) {
  const auto& presets = mode_presets();
  const auto found = std::find_if(presets.begin(), presets.end(),
                                  [&](const ModePreset& preset) { return preset.name == mode; });
  return found == presets.end() ? nullptr : &*found;
}

std::vector<Contradiction> find_contradictions(const WanConfig& wan) {
  const ModePreset* const preset = find_mode_preset(wan.mode);
  MERIDIAN_CHECK(preset != nullptr, "no mode is named '{}'", wan.mode);
  return Judge(wan, effective(wan, *preset)).verdict();
}

Result<ResolvedMode> resolve_mode(const WanConfig& wan) {
  const ModePreset* const preset = find_mode_preset(wan.mode);
  if (preset == nullptr)
    return Error{fmt::format("wan.mode is {}; expected {}", in_quotes(wan.mode), one_of(kModes))};
  std::string problems;
  for (const Contradiction& found : find_contradictions(wan)) {
    problems += fmt::format("{}{}; expected {}", problems.empty() ? "" : "\n", found.what, found.expected);
  }
  if (!problems.empty()) return Error{problems};
  ResolvedMode resolved{wan.mode, wan.choice, effective(wan, *preset), {}};
  for (const std::string_view key : kKeys) resolved.origins.emplace(key, origin_of(key, wan, *preset));
  return resolved;
}

}  // namespace meridian
