#include "src/program/run_setup.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "src/config/config_reader.h"
#include "src/output/cost.h"
#include "src/output/run_folder.h"
#include "src/output/time_split.h"

namespace meridian::program {

void print_error(const std::string& message) { fmt::print(stderr, "{}\n", message); }

Result<Config> load_config(const ConfigArguments& arguments) {
  return read_config(arguments.file, arguments.overrides, process_environment);
}

Result<EmulationConfig> load_emulation(const ConfigArguments& arguments) {
  return read_emulation(arguments.file, arguments.overrides, process_environment);
}

void print_data_note(const Deployment& deployment) {
  const std::string note = deployment.data_note();
  if (note.empty()) return;
  const std::filesystem::path& path = deployment.config().workload.data.path;
  print_error(path.empty() ? fmt::format("data: {}", note)
                           : fmt::format("data: {} [{}]", note, path.string()));
}

std::filesystem::path run_folder(const Config& config, const OutputArguments& output) {
  return output.folder ? *output.folder : output_folder(config);
}

namespace {

std::string ending(output::StopReason reason) {
  switch (reason) {
    case output::StopReason::target:
    case output::StopReason::clocks:
    case output::StopReason::time:
      return fmt::format("stopped by {}", output::to_string(reason));
    case output::StopReason::drain_timeout:
      return "failed in the drain";
    case output::StopReason::interrupted:
    case output::StopReason::failed:
      break;
  }
  return output::to_string(reason);
}

}  // namespace

int conclude(const output::Summary& summary, const std::filesystem::path& folder) {
  const auto number = [](const std::optional<double>& value, const char* unit) {
    return value ? fmt::format("{:.4g}{}", *value, unit) : std::string("-");
  };
  if (summary.failure) print_error(fmt::format("meridian: {}", *summary.failure));
  const output::ObjectiveSummary& objective = summary.objective;
  const std::string target =
      objective.target ? fmt::format("; target reached after {}", number(objective.time_to_target_s, " s"))
                       : "";
  const std::string cost =
      summary.cost && summary.cost->in_all.total
          ? "; " + output::amount_text(*summary.cost->in_all.total, summary.cost->currency)
          : "";
  fmt::print("{}: {} at clock {} after {:.1f} s; {} {}{}; {:.2f} MB over the WAN{}\n", folder.string(),
             ending(summary.stop_reason), summary.clocks, summary.time_s, objective.metric,
             number(objective.final, ""), target, static_cast<double>(summary.wan.bytes_sent) / 1e6, cost);
  fmt::print("{}", output::time_split_text(summary));
  // What the drain brought together may be worse than what each replica was by itself.
  if (objective.time_to_target_s && objective.final && objective.target) {
    const double short_of = objective.larger_is_better ? *objective.target - *objective.final
                                                       : *objective.final - *objective.target;
    constexpr double kWorthSaying = 0.01;
    if (short_of > kWorthSaying * std::fabs(*objective.target)) {
      print_error(fmt::format(
          "note: after the drain the {} is {:.4g}, short of the target {:.4g} that every replica had "
          "met by itself: they were far apart",
          objective.metric, *objective.final, *objective.target));
    }
  }
  switch (summary.stop_reason) {
    case output::StopReason::target:
    case output::StopReason::clocks:
    case output::StopReason::time:
      return kDone;
    case output::StopReason::interrupted:
    case output::StopReason::drain_timeout:
    case output::StopReason::failed:
      break;
  }
  return kFailed;
}

}  // namespace meridian::program
