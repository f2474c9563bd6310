#include "src/program/join_folder.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "src/config/config_reader.h"
#include "src/output/join_datacenters.h"
#include "src/output/run_folder.h"
#include "src/program/datacenter_record.h"
#include "src/sweep/prices.h"

namespace meridian::program {
namespace {

/// A resolved configuration holds no variables.
Result<Config> read_resolved(const std::filesystem::path& folder) {
  return read_config(folder / output::kConfigFile, {}, [](const std::string&) { return std::nullopt; });
}

/// The folders in `folder` that hold a configuration.
std::vector<std::filesystem::path> process_folders(const std::filesystem::path& folder) {
  std::error_code code;
  std::vector<std::filesystem::path> folders;
  for (std::filesystem::directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    std::error_code ignored;
    if (std::filesystem::exists(entry->path() / output::kConfigFile, ignored))
      folders.push_back(entry->path());
  }
  return folders;
}

/// What there is to say of a run that ended before any datacenter could say anything.
output::Summary summary_without_parts(const Config& config, const RunFailure& failure) {
  output::Summary summary;
  summary.name = config.name;
  summary.mode = output::RunMode::run;
  summary.wan_mode = config.wan.mode;
  summary.seed = config.seed;
  summary.stop_reason = output::StopReason::failed;
  summary.failure = failure.reason;
  summary.objective.target = config.workload.stop.target;
  for (const DatacenterConfig& datacenter : config.datacenters) {
    summary.datacenters.push_back(
        {datacenter.name, 0, datacenter.workers, datacenter.servers, {}, datacenter.paid_machines()});
  }
  return summary;
}

}  // namespace

Result<Config> config_of_run(const std::filesystem::path& folder) {
  if (std::filesystem::exists(folder / output::kConfigFile)) return read_resolved(folder);
  const std::vector<std::filesystem::path> folders = process_folders(folder);
  if (folders.empty()) {
    return Error{
        fmt::format("{}: holds no run: expected {} there, or the folders of a deployment's processes",
                    folder.string(), output::kSummaryFile)};
  }
  return read_resolved(*std::min_element(folders.begin(), folders.end()));
}

Failure join_folder(const std::filesystem::path& folder, const std::optional<RunFailure>& failure) {
  const Result<Config> config = config_of_run(folder);
  if (!config) return config.error();
  std::vector<output::DatacenterPart> parts;
  for (const DatacenterConfig& datacenter : config.value().datacenters) {
    const std::filesystem::path own = folder / (datacenter.name + "-server-0");
    if (!std::filesystem::exists(own / output::kSummaryFile)) continue;
    output::DatacenterPart part;
    Result<output::Summary> summary = output::read_summary(own / output::kSummaryFile);
    if (!summary) return summary.error();
    part.summary = std::move(summary).value();
    if (std::filesystem::exists(own / output::kTimelineFile)) {
      Result<output::Timeline> timeline = output::read_timeline(own / output::kTimelineFile);
      if (!timeline) return timeline.error();
      part.timeline = std::move(timeline).value().samples;
    }
    if (std::filesystem::exists(own / output::kModelFile)) {
      Result<output::Model> model = output::read_model(own / output::kModelFile);
      if (!model) return model.error();
      part.model = std::move(model).value();
    }
    parts.push_back(std::move(part));
  }
  if (parts.empty() && failure) {
    if (Failure failed = output::write_timeline(folder / output::kTimelineFile, {})) return failed;
    return output::write_summary(folder / output::kSummaryFile,
                                 summary_without_parts(config.value(), *failure));
  }
  Result<output::JoinedRun> joined = output::join_datacenters(
      std::move(parts), datacenter_names(config.value()), link_rates(config.value()));
  if (!joined) return joined.error();
  output::JoinedRun& run = joined.value();
  run.summary.name = config.value().name;
  run.summary.wan_mode = config.value().wan.mode;
  run.summary.seed = config.value().seed;
  sweep::add_cost(config.value(), run.summary);
  if (failure) {
    run.summary.stop_reason = failure->kind == FaultKind::drain_timeout ? output::StopReason::drain_timeout
                                                                        : output::StopReason::failed;
    run.summary.failure = failure->reason;
  }
  const std::filesystem::path first =
      folder / (config.value().datacenters.front().name + "-server-0") / output::kModelFile;
  if (std::filesystem::exists(first)) {
    std::error_code code;
    std::filesystem::copy_file(first, folder / output::kModelFile,
                               std::filesystem::copy_options::overwrite_existing, code);
    if (code) return Error{fmt::format("{}: {}", (folder / output::kModelFile).string(), code.message())};
  }
  if (Failure failed = output::write_timeline(folder / output::kTimelineFile, run.timeline)) return failed;
  return output::write_summary(folder / output::kSummaryFile, run.summary);
}

bool holds_deployment(const std::filesystem::path& folder) {
  return !std::filesystem::exists(folder / output::kConfigFile) && !process_folders(folder).empty();
}

std::string links_word(const std::filesystem::path& folder) {
  const Result<Config> config = config_of_run(folder);
  if (!config) return "-";
  return config.value().wan.is_lan() ? "LAN" : "WAN";
}

}  // namespace meridian::program
