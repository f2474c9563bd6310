#include "src/output/summary.h"

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "src/output/atomic_file.h"
#include "src/output/json_object_reader.h"

namespace meridian::output {

namespace {

using Json = nlohmann::ordered_json;

/// Far above what a run over hundreds of datacenters writes.
constexpr std::size_t kSummaryLimitBytes = 64UL << 20;

constexpr std::array kModes = {RunMode::run, RunMode::simulate};
constexpr std::array kStopReasons = {StopReason::target,      StopReason::clocks,        StopReason::time,
                                     StopReason::interrupted, StopReason::drain_timeout, StopReason::failed};

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json objective_json(const ObjectiveSummary& objective) {
  return Json{{"metric", objective.metric},
              {"larger_is_better", objective.larger_is_better},
              {"final", or_null(objective.final)},
              {"target", or_null(objective.target)},
              {"time_to_target_s", or_null(objective.time_to_target_s)},
              {"clocks_to_target", or_null(objective.clocks_to_target)}};
}

Json wan_json(const WanSummary& wan) {
  Json links = Json::array();
  for (const LinkSummary& link : wan.links) {
    links.push_back(Json{{"from", link.from},
                         {"to", link.to},
                         {"bytes", link.bytes},
                         {"utilization", or_null(link.utilization)}});
  }
  return Json{{"bytes_sent", wan.bytes_sent},
              {"data_bytes", wan.data_bytes},
              {"control_bytes", wan.control_bytes},
              {"payload_bytes", wan.payload_bytes},
              {"bytes_to_target", or_null(wan.bytes_to_target)},
              {"payload_bytes_to_target", or_null(wan.payload_bytes_to_target)},
              {"entries_considered", wan.entries_considered},
              {"entries_sent", wan.entries_sent},
              {"links", std::move(links)}};
}

Json datacenters_json(const std::vector<DatacenterSummary>& datacenters) {
  Json list = Json::array();
  for (const DatacenterSummary& datacenter : datacenters) {
    list.push_back(Json{{"name", datacenter.name},
                        {"clocks", datacenter.clocks},
                        {"workers", datacenter.workers},
                        {"servers", datacenter.servers},
                        {"objective", or_null(datacenter.objective)},
                        {"machines", datacenter.machines},
                        {"training_bytes", or_null(datacenter.training_bytes)},
                        {"bytes_to_target", or_null(datacenter.bytes_to_target)}});
  }
  return list;
}

Json amounts_json(const CostAmounts& amounts) {
  return Json{{"machines", or_null(amounts.machines)},
              {"transfer", or_null(amounts.transfer)},
              {"total", or_null(amounts.total)}};
}

Json cost_json(const std::optional<CostSummary>& cost) {
  if (!cost) return nullptr;
  return Json{{"currency", cost->currency},
              {"prices_dated", cost->prices_dated},
              {"prices_source", cost->prices_source},
              {"in_all", amounts_json(cost->in_all)},
              {"to_target", amounts_json(cost->to_target)}};
}

template <typename Enum, std::size_t size>
Enum read_choice(JsonObjectReader& reader, const char* key, const std::array<Enum, size>& choices) {
  const std::string text = reader.text(key);
  std::string expected;
  for (const Enum choice : choices) {
    if (text == to_string(choice)) return choice;
    expected += (expected.empty() ? "one of " : ", ") + std::string(to_string(choice));
  }
  reader.fail(reader.name(key), expected);
  return choices.front();
}

ObjectiveSummary read_objective(JsonObjectReader reader) {
  ObjectiveSummary objective;
  objective.metric = reader.text("metric");
  const bool metric_grows = objective.metric != "rmse" && objective.metric != "loss";
  objective.larger_is_better = reader.flag("larger_is_better", metric_grows);
  objective.final = reader.number_or_null("final");
  objective.target = reader.number_or_null("target");
  objective.time_to_target_s = reader.number_or_null("time_to_target_s");
  objective.clocks_to_target = reader.count_or_null("clocks_to_target");
  return objective;
}

WanSummary read_wan(JsonObjectReader reader) {
  WanSummary wan;
  wan.bytes_sent = reader.count("bytes_sent");
  wan.data_bytes = reader.count("data_bytes");
  wan.control_bytes = reader.count("control_bytes");
  wan.bytes_to_target = reader.count_or_null("bytes_to_target");
  // Summaries of earlier versions have neither of these.
  wan.payload_bytes = reader.count_or_null("payload_bytes", /*required=*/false).value_or(0);
  wan.payload_bytes_to_target = reader.count_or_null("payload_bytes_to_target", /*required=*/false);
  wan.entries_considered = reader.count("entries_considered");
  wan.entries_sent = reader.count("entries_sent");
  reader.each("links", [&](JsonObjectReader& link) {
    wan.links.push_back(
        {link.text("from"), link.text("to"), link.count("bytes"), link.number_or_null("utilization")});
  });
  return wan;
}

CostAmounts read_amounts(JsonObjectReader reader) {
  return {reader.number_or_null("machines"), reader.number_or_null("transfer"),
          reader.number_or_null("total")};
}

/// Summaries of before there were prices have none.
std::optional<CostSummary> read_cost(JsonObjectReader& summary) {
  if (!summary.has_value("cost")) return std::nullopt;
  JsonObjectReader reader = summary.object("cost");
  CostSummary cost;
  cost.currency = reader.text("currency");
  cost.prices_dated = reader.text("prices_dated");
  cost.prices_source = reader.text("prices_source");
  cost.in_all = read_amounts(reader.object("in_all"));
  cost.to_target = read_amounts(reader.object("to_target"));
  return cost;
}

DatacenterSummary read_datacenter(JsonObjectReader& reader) {
  DatacenterSummary datacenter;
  datacenter.name = reader.text("name");
  datacenter.clocks = reader.count("clocks");
  datacenter.workers = reader.count("workers");
  datacenter.servers = reader.count("servers");
  datacenter.objective = reader.number_or_null("objective");
  datacenter.machines = reader.count_or_null("machines", false).value_or(datacenter.workers);
  datacenter.training_bytes = reader.count_or_null("training_bytes", false);
  datacenter.bytes_to_target = reader.count_or_null("bytes_to_target", false);
  return datacenter;
}

}  // namespace

const char* to_string(RunMode mode) {
  switch (mode) {
    case RunMode::run:
      return "run";
    case RunMode::simulate:
      return "simulate";
    case RunMode::computed:
      break;
  }
  return "computed";
}

const char* kind_word(RunMode mode) {
  switch (mode) {
    case RunMode::run:
      return "real";
    case RunMode::simulate:
      return "simulated";
    case RunMode::computed:
      break;
  }
  return "computed";
}

const char* to_string(StopReason reason) {
  switch (reason) {
    case StopReason::target:
      return "target";
    case StopReason::clocks:
      return "clocks";
    case StopReason::time:
      return "time";
    case StopReason::interrupted:
      return "interrupted";
    case StopReason::drain_timeout:
      return "drain_timeout";
    case StopReason::failed:
      break;
  }
  return "failed";
}

std::string to_json(const Summary& summary) {
  Json json{{"name", summary.name},
            {"mode", to_string(summary.mode)},
            {"wan_mode", summary.wan_mode},
            {"seed", summary.seed},
            {"stop_reason", to_string(summary.stop_reason)},
            {"failure", or_null(summary.failure)},
            {"data_note", or_null(summary.data_note)}};
  if (summary.started_unix_s) json["started_unix_s"] = *summary.started_unix_s;
  json["time_s"] = summary.time_s;
  json["clocks"] = summary.clocks;
  json["objective"] = objective_json(summary.objective);
  json["wan"] = wan_json(summary.wan);
  json["waits_s"] = Json{{"local_barrier", or_null(summary.waits_s.local_barrier)},
                         {"selective_barrier", or_null(summary.waits_s.selective_barrier)},
                         {"mirror_clock", or_null(summary.waits_s.mirror_clock)}};
  json["work_s"] = Json{{"compute", or_null(summary.work_s.compute)},
                        {"evaluation", or_null(summary.work_s.evaluation)},
                        {"push", or_null(summary.work_s.push)},
                        {"pull", or_null(summary.work_s.pull)}};
  json["replicas"] = Json{
      {"max_relative_difference", or_null(summary.replicas.max_relative_difference)},
      {"max_relative_difference_after_drain", or_null(summary.replicas.max_relative_difference_after_drain)},
      {"drained", summary.replicas.drained}};
  json["datacenters"] = datacenters_json(summary.datacenters);
  json["cost"] = cost_json(summary.cost);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Summary> summary_from_json(std::string_view text, const std::string& file) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return Error{fmt::format("{}: is not valid JSON", file)};

  Failure failure;
  JsonObjectReader reader(json, file, "", failure);
  Summary summary;
  summary.name = reader.text("name");
  summary.mode = read_choice(reader, "mode", kModes);
  summary.wan_mode = reader.text_or_null("wan_mode").value_or("");
  summary.seed = reader.count("seed");
  summary.stop_reason = read_choice(reader, "stop_reason", kStopReasons);
  summary.failure = reader.text_or_null("failure");
  summary.data_note = reader.text_or_null("data_note");
  summary.started_unix_s = reader.number_or_null("started_unix_s", false);
  summary.time_s = reader.number("time_s");
  summary.clocks = reader.count("clocks");
  summary.objective = read_objective(reader.object("objective"));
  summary.wan = read_wan(reader.object("wan"));
  JsonObjectReader waits = reader.object("waits_s");
  summary.waits_s.local_barrier = waits.number_or_null("local_barrier");
  summary.waits_s.selective_barrier = waits.number_or_null("selective_barrier");
  summary.waits_s.mirror_clock = waits.number_or_null("mirror_clock");
  if (reader.has_value("work_s")) {
    JsonObjectReader work = reader.object("work_s");
    summary.work_s = {work.number_or_null("compute"), work.number_or_null("evaluation"),
                      work.number_or_null("push"), work.number_or_null("pull")};
  }
  JsonObjectReader replicas = reader.object("replicas");
  summary.replicas.max_relative_difference = replicas.number_or_null("max_relative_difference");
  summary.replicas.max_relative_difference_after_drain =
      replicas.number_or_null("max_relative_difference_after_drain");
  summary.replicas.drained =
      replicas.flag("drained", summary.replicas.max_relative_difference_after_drain.has_value());
  reader.each("datacenters", [&](JsonObjectReader& datacenter) {
    summary.datacenters.push_back(read_datacenter(datacenter));
  });
  summary.cost = read_cost(reader);
  if (failure) return *std::move(failure);
  return summary;
}

Failure write_summary(const std::filesystem::path& path, const Summary& summary) {
  return write_text_atomically(path, to_json(summary));
}

Result<Summary> read_summary(const std::filesystem::path& path) {
  const Result<std::string> text = read_text(path, kSummaryLimitBytes);
  if (!text) return text.error();
  return summary_from_json(text.value(), path.string());
}

}  // namespace meridian::output
