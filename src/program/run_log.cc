#include "src/program/run_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace meridian::program {
namespace {

constexpr std::array<const char*, 3> kLevels = {"info", "warning", "error"};

RunLog::Level level_named(const std::string& name) {
  std::size_t level = 0;
  while (level + 1 < kLevels.size() && name != kLevels.at(level)) ++level;
  return static_cast<RunLog::Level>(level);
}

const char* to_string(RunLog::Level level) { return kLevels.at(static_cast<std::size_t>(level)); }

std::string name_of(const RunLog::Origin& origin) {
  return process_name(origin.datacenter, {0, origin.role, origin.index});
}

/// The time of day in UTC: "2026-01-31T12:00:00.250Z".
std::string utc_now() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), (now - seconds).count());
}

}  // namespace

RunLog::Origin origin_of(const Config& config, ProcessId id) {
  return {config.datacenters.at(id.datacenter).name, id.role, id.index};
}

struct RunLog::Sink {
  std::shared_ptr<spdlog::logger> logger;
};

RunLog::RunLog(const std::filesystem::path& file, const Config& config, std::optional<Origin> own,
               bool wall_time)
    : sink_(std::make_unique<Sink>()),
      run_(config.name),
      own_(std::move(own)),
      json_(config.log.format == "json"),
      wall_time_(wall_time),
      least_(level_named(config.log.level)) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_st>(file.string(), /*truncate=*/true);
    sink_->logger = std::make_shared<spdlog::logger>("run", sink);
    sink_->logger->set_pattern("%v");
    sink_->logger->flush_on(spdlog::level::trace);
  } catch (const spdlog::spdlog_ex&) {
    sink_->logger.reset();  // the outputs' own errors name a folder that cannot be written
  }
}

RunLog::~RunLog() {
  for (auto& [name, repeats] : repeats_) write_all(last_, repeats.filter.rest(), repeats.origin);
}

void RunLog::write_all(Time now, const std::vector<std::string>& warnings,
                       const std::optional<Origin>& origin) {
  for (const std::string& text : warnings) write(now, Level::warning, text, origin);
}

std::string RunLog::as_text(Time now, Level level, const std::string& text, const Origin* origin) const {
  return fmt::format("{:.6f} {} {}{}", to_seconds(now), to_string(level),
                     origin == nullptr ? "" : name_of(*origin) + ": ", text);
}

std::string RunLog::as_json(Time now, Level level, const std::string& text, const Origin* origin) const {
  nlohmann::ordered_json json;
  if (wall_time_) json["time"] = utc_now();
  json["time_s"] = std::round(to_seconds(now) * 1e6) / 1e6;
  json["level"] = to_string(level);
  json["run"] = run_;
  if (origin != nullptr) {
    json["datacenter"] = origin->datacenter;
    json["role"] = meridian::to_string(origin->role);
    json["index"] = origin->index;
  }
  json["message"] = text;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void RunLog::write(Time now, Level level, const std::string& text, const std::optional<Origin>& origin) {
  last_ = now;
  if (!sink_->logger || level < least_) return;
  const Origin* const whose = origin ? &*origin : own_ ? &*own_ : nullptr;
  sink_->logger->info("{}", json_ ? as_json(now, level, text, whose) : as_text(now, level, text, whose));
}

void RunLog::line(Time now, Level level, const std::string& text, const std::optional<Origin>& origin) {
  tick(now);
  write(now, level, text, origin);
}

void RunLog::tick(Time now) {
  for (auto& [name, repeats] : repeats_) write_all(now, repeats.filter.overdue(now), repeats.origin);
}

std::vector<std::string> RunLog::warn(Time now, const std::string& text,
                                      const std::optional<Origin>& origin) {
  Repeats& repeats = repeats_[origin ? name_of(*origin) : std::string()];
  repeats.origin = origin;
  last_ = now;
  std::vector<std::string> told = repeats.filter.take(now, text);
  write_all(now, told, origin);
  return told;
}

}  // namespace meridian::program
