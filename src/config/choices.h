// The words a configuration may choose from, one table for each key. A new method, model or format is one
// more word here; the reader, its messages and `meridian check` follow.
#pragma once

#include <array>
#include <string_view>

namespace meridian {

inline constexpr auto kModes = std::to_array<std::string_view>({"gaia", "bsp", "ssp", "async", "isolated"});
inline constexpr auto kSchedules = std::to_array<std::string_view>({"inverse_sqrt", "constant"});
inline constexpr auto kModels = std::to_array<std::string_view>({"softmax", "mlp"});
inline constexpr auto kDataFormats = std::to_array<std::string_view>({"idx", "generated"});
inline constexpr auto kDataIfMissing = std::to_array<std::string_view>({"error", "generated"});
inline constexpr auto kPartitions = std::to_array<std::string_view>({"random", "contiguous", "round_robin"});
inline constexpr auto kOptimizers = std::to_array<std::string_view>({"sgd", "momentum", "nesterov"});

}  // namespace meridian
