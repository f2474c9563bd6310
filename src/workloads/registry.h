// The kinds of workloads that a configuration can name, each with its keys, its data formats and the function
// that makes it. A further workload is one file and one entry in registry.cc; the configuration's reader, its
// messages and `meridian check` follow. docs/add-a-workload.md shows one.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/workloads/workload_options.h"

namespace meridian {

/// A key whose value is a number, a whole number, or true or false (1 or 0).
struct NumberKey {
  enum class Form : std::uint8_t { real, whole, truth };

  std::string_view name;
  double standard = 0.0;  ///< where the configuration does not say
  double least = 0.0;
  double most = 0.0;
  Form form = Form::real;

  static NumberKey real(std::string_view name, double standard, double least, double most) {
    return {name, standard, least, most, Form::real};
  }
  static NumberKey whole(std::string_view name, double standard, double least, double most) {
    return {name, standard, least, most, Form::whole};
  }
  static NumberKey truth(std::string_view name, bool standard) {
    return {name, standard ? 1.0 : 0.0, 0.0, 1.0, Form::truth};
  }
};

/// A key whose value is one of some words, the first where the configuration does not say.
struct WordKey {
  std::string_view name;
  std::vector<std::string_view> words;
};

struct WorkloadKind {
  std::string_view name;                    ///< workload.model.kind
  std::vector<NumberKey> numbers;           ///< further keys of workload.model
  std::vector<WordKey> words;               ///< likewise
  std::vector<std::string_view> formats;    ///< of workload.data.format, besides `generated`
  std::vector<NumberKey> generated;         ///< keys of workload.data.generated
  std::vector<std::string_view> data_keys;  ///< which of held_out, held_out_path and vocabulary its data have
  double least_target = 0.0;                ///< what the objective can be
  double most_target = 1.0;
  Result<MadeWorkload> (*make)(const WorkloadOptions& options) = nullptr;
  bool optimizes = true;  ///< whether workload.optimizer makes its steps; without it there is no such key
  /// Keys of workload.data, for data in files, that fix what one datacenter's data alone do not say: how many
  /// items there are. All or none are given; all with `paths`.
  std::vector<NumberKey> shared = {};
};

/// In the order of the table.
std::span<const WorkloadKind> workload_kinds();

/// Requires a name of one of them.
const WorkloadKind& workload_kind(std::string_view name);

/// Their names.
std::vector<std::string_view> workload_kind_names();

/// The names of those whose steps an optimizer makes.
std::vector<std::string_view> optimizing_kind_names();

}  // namespace meridian
