#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "src/config/choices.h"
#include "src/config/layers.h"
#include "src/config/sections.h"
#include "src/config/spelling.h"
#include "src/workloads/registry.h"

namespace meridian {

namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kMostLayers = 64;
constexpr std::size_t kWidestLayer = 65536;
constexpr std::uint64_t kMostClocks = 1'000'000'000;
constexpr double kLongestWaitSeconds = 1e7;

void read_hidden(Fields& fields, ModelConfig& model) {
  Problems& problems = fields.problems();
  const bool is_mlp = model.kind == "mlp";
  const std::string path = fields.path_of("hidden");
  const YamlNode* node = fields.find("hidden", is_mlp ? Presence::required : Presence::optional);
  if (node == nullptr || node->kind == Kind::broken) return;
  if (!is_mlp) {
    problems.add(node->place, fmt::format("{} with a {} model", path, model.kind),
                 "no hidden layers, or kind: mlp");
    return;
  }
  if (node->kind != Kind::list || node->children.empty() || node->children.size() > kMostLayers) {
    const std::string found =
        node->kind == Kind::list ? fmt::format("a list of {}", node->children.size()) : describe_value(*node);
    problems.add(node->place, fmt::format("{} is {}", path, found),
                 fmt::format("a list of 1 to {} layer widths, such as [128]", kMostLayers));
    return;
  }
  for (std::size_t i = 0; i < node->children.size(); ++i) {
    const auto width =
        read_integer(node->children[i], fmt::format("{}[{}]", path, i), 1, kWidestLayer, problems);
    if (width) model.hidden.push_back(static_cast<std::size_t>(*width));
  }
}

void read_kind(Fields& fields, const WorkloadKind& kind, ModelConfig& model) {
  read_hidden(fields, model);
  read_layers(fields, model);
  read_numbers(fields, kind.numbers, model.numbers);
  for (const WordKey& key : kind.words) {
    std::string& word = model.words[std::string(key.name)] = key.words.front();
    fields.choice(key.name, word, key.words);
  }
}

/// Returns the kind, where there is one.
const WorkloadKind* read_model(Fields& workload, ModelConfig& model) {
  const YamlNode* node = workload.find("model", Presence::required);
  if (node == nullptr) return nullptr;
  const std::string path = workload.path_of("model");
  const std::vector<std::string_view> names = workload_kind_names();
  if (node->kind == Kind::scalar) {
    // `model: softmax` is short for `model: {kind: softmax}`.
    const auto kind = read_choice(*node, path, names, workload.problems());
    if (!kind) return nullptr;
    model.kind = *kind;
    if (kind == "mlp") {
      workload.problems().add(node->place, fmt::format("{}.hidden is missing", path),
                              "a map such as {kind: mlp, hidden: [128]}");
    } else if (kind == "cnn") {
      workload.problems().add(node->place, fmt::format("{}.layers is missing", path),
                              "a map such as {kind: cnn, layers: [{conv: {channels: 6, kernel: 5}}, relu]}");
    } else {
      Fields none(workload.problems(), nullptr, path);
      read_kind(none, workload_kind(model.kind), model);
    }
    return &workload_kind(model.kind);
  }
  Fields fields(workload.problems(), node, path);
  if (!fields.choice("kind", model.kind, names, Presence::required)) {
    // Which of them the kind has nobody knows.
    fields.find("hidden");
    fields.find("layers");
    for (const WorkloadKind& kind : workload_kinds()) {
      for (const NumberKey& key : kind.numbers) fields.find(key.name);
      for (const WordKey& key : kind.words) fields.find(key.name);
    }
    fields.refuse_unknown();
    return nullptr;
  }
  read_kind(fields, workload_kind(model.kind), model);
  fields.refuse_unknown();
  return &workload_kind(model.kind);
}

void read_factors(Fields fields, ComputeConfig& compute, const Config& config, const YamlNode* node) {
  const auto names = datacenter_names(config);
  for (const std::string_view name : names) {
    double factor = 1;
    // A factor of 1 says what no factor says, so only one of the two forms is kept.
    if (fields.number(name, factor, Range::above(0, 1000)) && factor != 1)
      compute.factor[std::string(name)] = factor;
  }
  if (node != nullptr && fields.has_map()) refuse_keys_of_no_datacenter(fields, *node, config);
}

void read_stragglers(Fields fields, StragglersConfig& stragglers) {
  fields.number("probability", stragglers.probability, Range::from_to(0, 1), Presence::required);
  fields.number("factor", stragglers.factor, Range::from_to(1, 1000), Presence::required);
  fields.refuse_unknown();
}

void read_compute(Fields& workload, ComputeConfig& compute, const Config& config) {
  const YamlNode* node = workload.find("compute");
  if (node == nullptr || node->kind == Kind::broken) return;
  const std::string path = workload.path_of("compute");
  if (node->kind == Kind::scalar) {
    if (node->text != "measured") {
      workload.problems().add(node->place, fmt::format("{} is {}", path, in_quotes(node->text)),
                              "measured, or a map with seconds_per_clock");
    }
    return;
  }
  compute.measured = false;
  Fields fields(workload.problems(), node, path);
  fields.number("seconds_per_clock", compute.seconds_per_clock, Range::above(0, 3600), Presence::required);
  fields.number("spread", compute.spread, Range::below(0, 1));
  read_stragglers(fields.map("stragglers"), compute.stragglers);
  fields.number("seconds_per_evaluation", compute.seconds_per_evaluation, Range::from_to(0, 3600));
  const YamlNode* factor = fields.find("factor");
  read_factors(Fields(workload.problems(), factor, fields.path_of("factor")), compute, config, factor);
  fields.refuse_unknown();
}

void read_stop(Fields fields, const WorkloadKind* kind, StopConfig& stop) {
  std::uint32_t clocks = 0;
  double target = 0;
  double time_s = 0;
  if (fields.integer("clocks", clocks, 1, kMostClocks)) stop.clocks = clocks;
  // Where the kind is not known, what that of any can be.
  Range objectives =
      kind == nullptr ? Range::from_to(0, 0) : Range::from_to(kind->least_target, kind->most_target);
  for (const WorkloadKind& any : workload_kinds()) {
    if (kind != nullptr) break;
    objectives.least = std::min(objectives.least, any.least_target);
    objectives.most = std::max(objectives.most, any.most_target);
  }
  if (fields.number("target", target, objectives)) stop.target = target;
  if (fields.number("time_s", time_s, Range::above(0, kLongestWaitSeconds))) stop.time_s = time_s;
  fields.refuse_unknown();
  const auto given = [&](std::string_view key) { return fields.find(key) != nullptr; };
  if (fields.has_map() && !given("clocks") && !given("target") && !given("time_s")) {
    fields.problems().add(fields.place(), fmt::format("nothing in {} would end the run", fields.path()),
                          "at least one of clocks, target and time_s");
  }
}

/// Where the kind was chosen.
Place place_of_kind(const Fields& workload, const YamlNode* model) {
  const YamlNode* const kind = model == nullptr ? nullptr : model->find("kind");
  return kind == nullptr ? workload.place_of("model") : kind->place;
}

}  // namespace

void read_workload(Fields& root, Config& config) {
  Fields fields = root.map("workload", Presence::required);
  WorkloadConfig& workload = config.workload;
  const WorkloadKind* const kind = read_model(fields, workload.model);
  read_data(fields.map("data", Presence::required), kind, config);
  if (kind != nullptr && !kind->optimizes) {
    refuse_without_use(fields, "optimizer", place_of_kind(fields, fields.find("model")),
                       fmt::format("kind: {}", kind->name),
                       fmt::format("no such key, or kind: {}", one_of(optimizing_kind_names())));
  } else {
    read_optimizer(fields.map("optimizer", Presence::required), workload.optimizer);
  }
  fields.integer("batch", workload.batch, 1, 1'000'000);
  fields.integer("evaluate_every", workload.evaluate_every, 1, kMostClocks);
  read_compute(fields, workload.compute, config);
  read_stop(fields.map("stop", Presence::required), kind, workload.stop);
  fields.refuse_unknown();
}

}  // namespace meridian
