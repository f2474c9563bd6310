// An experiment file: one configuration, what is varied in it, and what the outcomes are compared with.
// Errors name their place as a configuration's do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/config/problems.h"
#include "src/sweep/published.h"

namespace meridian::sweep {

/// One value of the configuration replaced, as after --set, and where the experiment says so.
struct Setting {
  std::string text;  ///< "wan.mode=bsp"
  Place place;
};

struct AxisValue {
  std::string label;
  std::vector<Setting> settings;  ///< several where keys change together
};

/// What is varied: each value of it meets each value of the other axes.
struct Axis {
  std::string name;
  std::vector<AxisValue> values;
};

/// The cells that others are compared with: a position on each axis, or nothing where a cell keeps its own.
using Reference = std::vector<std::optional<std::size_t>>;

/// Asks for the computed rows of training in one place, see centralised.h.
struct CentralisedRows {
  std::optional<std::string> region;
  std::optional<double> data_gb;  ///< 10^9 bytes
  Place place;
};

struct PublishedCell {
  Reference cell;  ///< one label on each axis
  Published figures;
};

struct Experiment {
  std::filesystem::path file;
  std::string name;
  std::filesystem::path base;  ///< the configuration, a path from the working directory or absolute
  std::vector<Setting> settings;
  std::vector<Axis> axes;
  std::vector<std::uint64_t> seeds;
  std::optional<Reference> baseline;
  std::optional<Reference> lan;
  std::optional<CentralisedRows> centralised;  ///< only with lan
  std::vector<PublishedCell> published;
};

inline constexpr std::size_t kMostAxes = 16;
inline constexpr std::size_t kMostSeeds = 1000;
inline constexpr std::size_t kMostRuns = 10000;  ///< cells times seeds
inline constexpr std::size_t kLongestLabel = 64;

/// The error has one line for each problem, in the order of the file: "FILE:LINE:COLUMN: what is wrong; what
/// was expected". The configuration itself is not read yet.
Result<Experiment> read_experiment(const std::filesystem::path& file);

/// The same for text that stands for the contents of `file`. Any text may be given.
Result<Experiment> read_experiment_text(std::string_view text, const std::filesystem::path& file);

}  // namespace meridian::sweep
