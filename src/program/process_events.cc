#include "src/program/process_events.h"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

namespace meridian::program {
namespace {

constexpr std::array<const char*, 7> kKinds = {"started", "progress", "measured", "stopped",
                                               "notice",  "fault",    "watched"};
constexpr std::array<const char*, 3> kFaultKinds = {"failed", "drain_timeout", "not_finite"};

FaultKind fault_kind_named(std::string_view name) {
  std::size_t index = 0;
  while (index < kFaultKinds.size() && name != kFaultKinds.at(index)) ++index;
  return index < kFaultKinds.size() ? static_cast<FaultKind>(index) : FaultKind::failed;
}

}  // namespace

const char* to_string(FaultKind kind) { return kFaultKinds.at(static_cast<std::size_t>(kind)); }

std::string to_line(const ProcessEvent& event) {
  nlohmann::json json = {{"event", kKinds.at(static_cast<std::size_t>(event.kind))}};
  if (event.clock != 0) json["clock"] = event.clock;
  if (event.kind == ProcessEvent::Kind::measured) {
    json["objective"] = event.objective;
    json["final"] = event.final;
  }
  if (event.wan_bytes != 0) json["wan_bytes"] = event.wan_bytes;
  if (event.entries_considered != 0) {
    json["entries_considered"] = event.entries_considered;
    json["entries_sent"] = event.entries_sent;
  }
  if (event.kind == ProcessEvent::Kind::progress) json["slowest_datacenter"] = event.slowest_datacenter;
  if (event.kind == ProcessEvent::Kind::fault) json["kind"] = to_string(event.fault_kind);
  if (!event.text.empty()) json["text"] = event.text.substr(0, 4096);
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<ProcessEvent> event_from_line(std::string_view line) {
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  try {
    ProcessEvent event;
    const std::string kind = json.at("event");
    std::size_t index = 0;
    while (index < kKinds.size() && kind != kKinds.at(index)) ++index;
    if (index == kKinds.size()) return std::nullopt;
    event.kind = static_cast<ProcessEvent::Kind>(index);
    event.clock = json.value("clock", Clock{0});
    if (json.contains("objective") && json["objective"].is_number()) event.objective = json["objective"];
    event.final = json.value("final", false);
    event.wan_bytes = json.value("wan_bytes", std::uint64_t{0});
    event.entries_considered = json.value("entries_considered", std::uint64_t{0});
    event.entries_sent = json.value("entries_sent", std::uint64_t{0});
    event.slowest_datacenter = json.value("slowest_datacenter", std::uint16_t{0});
    event.fault_kind = fault_kind_named(json.value("kind", std::string()));
    event.text = json.value("text", std::string());
    return event;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

ProcessEvent event_of(const Report& report) {
  ProcessEvent event;
  if (std::holds_alternative<TrainingStarted>(report)) {
    event.kind = ProcessEvent::Kind::started;
  } else if (const auto* progress = std::get_if<Progress>(&report)) {
    event.kind = ProcessEvent::Kind::progress;
    event.clock = progress->clock;
    event.wan_bytes = progress->wan_bytes;
    event.entries_considered = progress->entries_considered;
    event.entries_sent = progress->entries_sent;
    event.slowest_datacenter = progress->slowest_datacenter;
  } else if (const auto* measured = std::get_if<Measured>(&report)) {
    event.kind = ProcessEvent::Kind::measured;
    event.clock = measured->clock;
    event.objective = measured->objective;
    event.final = measured->final;
  } else if (const auto* stopped = std::get_if<TrainingStopped>(&report)) {
    event.kind = ProcessEvent::Kind::stopped;
    event.clock = stopped->clock;
  } else if (const auto* notice = std::get_if<Notice>(&report)) {
    event.kind = ProcessEvent::Kind::notice;
    event.text = notice->text;
  }
  return event;
}

}  // namespace meridian::program
