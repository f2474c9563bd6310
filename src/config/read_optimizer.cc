#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "src/config/choices.h"
#include "src/config/sections.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

using Kind = YamlNode::Kind;

constexpr std::uint64_t kMostClocks = 1'000'000'000;

// What src/optimizer takes; smaller limits would be zero, or nearly so, in its floats.
constexpr double kSmallestNumber = 1e-30;
constexpr double kLargestLimit = 1e9;
constexpr double kLargestWeightDecay = 1000;
constexpr double kUsualWeightDecay = 0;
constexpr double kWeightDecayOfAdamw = 0.01;

void refuse_keys_of_other_schedules(Fields& fields, const std::string& schedule) {
  struct Use {
    std::string_view key;
    std::string_view schedule;
  };
  for (const Use& use :
       {Use{"every", "step"}, Use{"factor", "step"}, Use{"clocks", "cosine"}, Use{"final", "cosine"}}) {
    if (use.schedule == schedule || fields.find(use.key) == nullptr) continue;
    fields.problems().add(
        fields.place_of(use.key),
        fmt::format("{} is given, which the schedule {} does not use", fields.path_of(use.key), schedule),
        fmt::format("no such key, or name: {}", use.schedule));
  }
}

void read_schedule_map(Fields fields, LearningRateScheduleConfig& schedule) {
  const bool known = fields.choice("name", schedule.name, kLearningRateSchedules) || !fields.has("name");
  const bool step = known && schedule.name == "step";
  const bool cosine = known && schedule.name == "cosine";
  std::uint32_t every = 1;
  double factor = 0.1;
  std::uint32_t clocks = 0;
  double final_ratio = 0;
  fields.integer("warm_up", schedule.warm_up, 0, kMostClocks);
  fields.integer("every", every, 1, kMostClocks, step ? Presence::required : Presence::optional);
  fields.number("factor", factor, Range::above(0, 1));
  const bool ends =
      fields.integer("clocks", clocks, 2, kMostClocks, cosine ? Presence::required : Presence::optional);
  fields.number("final", final_ratio, Range::from_to(0, 1));
  if (step) {
    schedule.every = every;
    schedule.factor = factor;
  }
  if (cosine) {
    schedule.clocks = clocks;
    schedule.final_ratio = final_ratio;
  }
  if (cosine && ends && clocks <= schedule.warm_up) {
    fields.problems().add(fields.place_of("clocks"),
                          fmt::format("{} is {}, and the warm-up alone takes {}", fields.path_of("clocks"),
                                      clocks, schedule.warm_up),
                          fmt::format("more than {}", fields.path_of("warm_up")));
  }
  if (known) refuse_keys_of_other_schedules(fields, schedule.name);
  fields.refuse_unknown();
}

/// A map, or the name alone where nothing else is required.
void read_schedule(Fields& optimizer, LearningRateScheduleConfig& schedule) {
  const YamlNode* node = optimizer.find("schedule");
  if (node == nullptr || node->kind == Kind::broken) return;
  const std::string path = optimizer.path_of("schedule");
  Problems& problems = optimizer.problems();
  if (node->kind != Kind::scalar) return read_schedule_map(Fields(problems, node, path), schedule);
  const auto name = read_choice(*node, path, kLearningRateSchedules, problems);
  if (!name) return;
  schedule.name = *name;
  if (name == "step") {
    problems.add(node->place, fmt::format("{}.every is missing", path),
                 "a map such as {name: step, every: 1000}");
  } else if (name == "cosine") {
    problems.add(node->place, fmt::format("{}.clocks is missing", path),
                 "a map such as {name: cosine, clocks: 3000}");
  }
}

/// What a key is where the file does not say, with one optimizer.
struct OptimizerDefault {
  std::string_view optimizer;
  double value;
};

/// A key that not every optimizer uses.
struct OptimizerKey {
  std::string_view name;
  std::optional<double> OptimizerConfig::*value;
  Range range;
  std::span<const OptimizerDefault> defaults;  ///< one for each optimizer that uses it
};

// As in PyTorch.
constexpr auto kBeta1 = std::to_array<OptimizerDefault>({{"adam", 0.9}, {"adamw", 0.9}});
constexpr auto kBeta2 = std::to_array<OptimizerDefault>({{"adam", 0.999}, {"adamw", 0.999}});
constexpr auto kEpsilon =
    std::to_array<OptimizerDefault>({{"adagrad", 1e-10}, {"rmsprop", 1e-8}, {"adam", 1e-8}, {"adamw", 1e-8}});
constexpr auto kDecay = std::to_array<OptimizerDefault>({{"rmsprop", 0.99}});

void refuse_unused(Fields& fields, const OptimizerKey& key, const std::string& optimizer) {
  std::vector<std::string_view> users;
  for (const OptimizerDefault& use : key.defaults) users.push_back(use.optimizer);
  fields.problems().add(
      fields.place_of(key.name),
      fmt::format("{} is given, which the optimizer {} does not use", fields.path_of(key.name), optimizer),
      fmt::format("no such key, or name: {}", one_of(users)));
}

/// `known`: whether the name is an optimizer's; what another one would use is not for the reader to say.
void read_key(Fields& fields, const OptimizerKey& key, bool known, OptimizerConfig& optimizer) {
  double value = 0;
  const bool given = fields.number(key.name, value, key.range);
  if (!known) return;
  const auto use = std::find_if(key.defaults.begin(), key.defaults.end(),
                                [&](const auto& one) { return one.optimizer == optimizer.name; });
  if (use != key.defaults.end()) {
    optimizer.*key.value = given ? value : use->value;
  } else if (fields.has_value(key.name)) {
    refuse_unused(fields, key, optimizer.name);
  }
}

void read_momentum(Fields& fields, bool known, OptimizerConfig& optimizer) {
  const bool used = known && uses_momentum(optimizer.name);
  fields.number("momentum", optimizer.momentum, Range::below(0, 1),
                used ? Presence::required : Presence::optional);
  if (!known || used || optimizer.momentum == 0) return;
  fields.problems().add(fields.place_of("momentum"),
                        fmt::format("{} is {}, which the optimizer {} does not use",
                                    fields.path_of("momentum"), optimizer.momentum, optimizer.name),
                        fmt::format("0, or name: {}", one_of(kMomentumOptimizers)));
}

void read_limit(Fields& fields, std::string_view key, std::optional<double>& limit) {
  double value = 0;
  if (fields.number(key, value, Range::from_to(kSmallestNumber, kLargestLimit))) limit = value;
}

}  // namespace

void read_optimizer(Fields fields, OptimizerConfig& optimizer) {
  const bool known = fields.choice("name", optimizer.name, kOptimizers) || !fields.has("name");
  fields.number("learning_rate", optimizer.learning_rate, Range::above(0, 1000), Presence::required);
  read_momentum(fields, known, optimizer);
  optimizer.weight_decay = optimizer.name == "adamw" ? kWeightDecayOfAdamw : kUsualWeightDecay;
  fields.number("weight_decay", optimizer.weight_decay, Range::from_to(0, kLargestWeightDecay));
  read_limit(fields, "clip_value", optimizer.clip_value);
  read_limit(fields, "clip_norm", optimizer.clip_norm);
  const Range share = Range::below(0, 1);
  for (const OptimizerKey& key :
       {OptimizerKey{"beta1", &OptimizerConfig::beta1, share, kBeta1},
        OptimizerKey{"beta2", &OptimizerConfig::beta2, share, kBeta2},
        OptimizerKey{"epsilon", &OptimizerConfig::epsilon, Range::from_to(kSmallestNumber, 1), kEpsilon},
        OptimizerKey{"decay", &OptimizerConfig::decay, share, kDecay}}) {
    read_key(fields, key, known, optimizer);
  }
  read_schedule(fields, optimizer.schedule);
  fields.refuse_unknown();
}

}  // namespace meridian
