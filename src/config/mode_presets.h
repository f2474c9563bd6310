// The modes as data: which parts each stands for and what it says of their parameters; how a file's own words
// change that; and which combinations make no sense, with the reason. A new mode is one more entry in
// mode_presets.cc and one more word in choices.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/config/config.h"

namespace meridian {

struct ModePreset {
  std::string name;
  ModeChoice choice;
  /// In effect whatever the file says, as long as the wait is the mode's own.
  std::optional<std::uint32_t> fixed_ds;
  /// Where the file says none.
  std::uint32_t default_h = 1;
  std::string default_values = "fp32";
  double default_share = 0.01;
  double default_momentum = 0.0;
};

/// All modes, in the order of kModes.
const std::vector<ModePreset>& mode_presets();

/// Nothing for a name that no mode has.
const ModePreset* find_mode_preset(std::string_view mode);

/// Where a part or a parameter comes from.
enum class Origin : std::uint8_t {
  preset,         ///< the mode's, or what a part of it means: every_clock has h 1
  default_value,  ///< the configuration's default, equal for all modes
  file            ///< given in the file or with --set
};

/// What a mode comes to, the file's words over it.
struct ResolvedMode {
  std::string mode;
  ModeChoice choice;
  /// In effect: h is 1 where updates go out every clock, and ds what the mode fixes. A parameter that no part
  /// uses is as the file has it.
  WanParameters parameters;
  /// By the key below wan: "what", ..., "parameters.v0", ... ; of every part and every parameter.
  std::map<std::string, Origin, std::less<>> origins;
};

/// What makes no sense together.
struct Contradiction {
  std::vector<std::string> keys;  ///< below wan; the first of them that the file gives is to blame
  std::string what;
  std::string expected;
};

/// Every contradiction between the parts, the parameters in effect and the policies. The mode must be one of
/// mode_presets.
std::vector<Contradiction> find_contradictions(const WanConfig& wan);

/// Errors: an unknown mode, and what find_contradictions finds, one line each ("what is wrong; expected
/// ..."). Configurations that config_reader.h has read give neither.
Result<ResolvedMode> resolve_mode(const WanConfig& wan);

}  // namespace meridian
