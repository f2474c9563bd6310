// The words a configuration may choose from, one table for each key. A new method, model or format is one
// more word here; the reader, its messages and `meridian check` follow.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace meridian {

inline constexpr auto kModes = std::to_array<std::string_view>(
    {"gaia", "bsp", "ssp", "async", "isolated", "local_sgd", "dgc", "sparse_loco"});
inline constexpr auto kWhats =
    std::to_array<std::string_view>({"all", "nothing", "significance_filter", "top_k"});
inline constexpr auto kWhens = std::to_array<std::string_view>({"every_clock", "every_h_clocks"});
inline constexpr auto kWaits = std::to_array<std::string_view>({"never", "mirror_clock", "applied_clock"});
inline constexpr auto kMerges = std::to_array<std::string_view>({"eager", "ordered", "anchored"});
inline constexpr auto kSchedules =
    std::to_array<std::string_view>({"inverse_sqrt", "constant", "linear", "learning_rate"});
/// wan::value_format_named() knows each.
inline constexpr auto kValueFormats =
    std::to_array<std::string_view>({"fp32", "fp16", "bf16", "8bit", "4bit", "2bit", "sign"});
inline constexpr auto kEncodings = std::to_array<std::string_view>({"compact", "plain", "gaia"});
inline constexpr auto kRoundings = std::to_array<std::string_view>({"nearest", "stochastic"});
inline constexpr auto kFilterUnits = std::to_array<std::string_view>({"entry", "row"});
inline constexpr auto kOnSilence = std::to_array<std::string_view>({"stop", "wait", "continue"});
inline constexpr auto kOnBarrier = std::to_array<std::string_view>({"open", "stop"});
inline constexpr auto kLogFormats = std::to_array<std::string_view>({"text", "json"});
inline constexpr auto kLogLevels = std::to_array<std::string_view>({"info", "warning", "error"});
/// In the order of LinkEventConfig::Action.
inline constexpr auto kLinkActions =
    std::to_array<std::string_view>({"cut", "degrade", "restore", "reset", "pause"});
inline constexpr auto kTruths = std::to_array<std::string_view>({"true", "false"});
inline constexpr auto kLayers = std::to_array<std::string_view>(
    {"conv", "max_pool", "average_pool", "relu", "dense", "dropout", "group_norm"});
inline constexpr auto kDataIfMissing = std::to_array<std::string_view>({"error", "generated"});
inline constexpr auto kPartitions =
    std::to_array<std::string_view>({"random", "contiguous", "round_robin", "overlap"});
inline constexpr auto kPartitionsBetweenDatacenters =
    std::to_array<std::string_view>({"by_sizes", "label_skew", "dirichlet"});
inline constexpr auto kOptimizers =
    std::to_array<std::string_view>({"sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"});
inline constexpr auto kMomentumOptimizers = std::to_array<std::string_view>({"momentum", "nesterov"});
constexpr bool uses_momentum(std::string_view optimizer) {
  return std::find(kMomentumOptimizers.begin(), kMomentumOptimizers.end(), optimizer) !=
         kMomentumOptimizers.end();
}
/// Those whose step depends on no clock: an anchored merge makes one at each exchange.
inline constexpr auto kOuterOptimizers = std::to_array<std::string_view>({"sgd", "momentum", "nesterov"});
inline constexpr auto kLearningRateSchedules =
    std::to_array<std::string_view>({"constant", "step", "inverse_sqrt", "cosine"});

}  // namespace meridian
