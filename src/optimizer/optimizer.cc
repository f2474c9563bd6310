#include "src/optimizer/optimizer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "src/optimizer/adagrad.h"
#include "src/optimizer/adam.h"
#include "src/optimizer/momentum.h"
#include "src/optimizer/rmsprop.h"
#include "src/optimizer/sgd.h"

namespace meridian {
namespace {

using Make = std::unique_ptr<Optimizer> (*)(const OptimizerOptions&, std::size_t);

/// What an optimizer uses beside what all use: the options that have a default here.
struct Uses {
  double weight_decay = 0.0;
  bool momentum = false;
  std::optional<double> beta1 = {};
  std::optional<double> beta2 = {};
  std::optional<double> epsilon = {};
  std::optional<double> decay = {};
};

struct Registered {
  std::string_view name;
  Make make;
  Uses uses;
};

// A further optimizer is one line here.
constexpr std::array kOptimizers{
    Registered{"sgd", make_sgd, {}},
    Registered{"momentum", make_heavy_ball, {.momentum = true}},
    Registered{"nesterov", make_nesterov, {.momentum = true}},
    Registered{"adagrad", make_adagrad, {.epsilon = 1e-10}},
    Registered{"rmsprop", make_rmsprop, {.epsilon = 1e-8, .decay = 0.99}},
    Registered{"adam", make_adam, {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}},
    Registered{"adamw", make_adamw, {.weight_decay = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}},
};

/// The values that floats hold apart from 0 without being subnormal, with room for products.
constexpr double kSmallest = 1e-30;
constexpr double kLargestWeightDecay = 1000.0;
constexpr double kLargestClipValue = 1e9;
constexpr double kLargestEpsilon = 1.0;

struct Range {
  double least = 0.0;
  double most = 0.0;
  bool most_open = false;

  bool holds(double value) const { return value >= least && (most_open ? value < most : value <= most); }
  std::string describe() const {
    return fmt::format("a number from {}{}{}", least, most_open ? ", below " : " to ", most);
  }
};

constexpr Range kShare{0.0, 1.0, true};

/// An option that not all optimizers use.
struct OwnOption {
  std::string_view key;
  std::optional<double> OptimizerOptions::*value;
  std::optional<double> Uses::*usual;
  Range range;
};

constexpr std::array kOwnOptions{
    OwnOption{"beta1", &OptimizerOptions::beta1, &Uses::beta1, kShare},
    OwnOption{"beta2", &OptimizerOptions::beta2, &Uses::beta2, kShare},
    OwnOption{"epsilon", &OptimizerOptions::epsilon, &Uses::epsilon, {kSmallest, kLargestEpsilon}},
    OwnOption{"decay", &OptimizerOptions::decay, &Uses::decay, kShare},
};

const Registered* find(std::string_view name) {
  for (const Registered& entry : kOptimizers) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

/// "beta1 is 0.9; expected none with the optimizer sgd (adam and adamw use it)".
template <typename Using>
Error unused(std::string_view key, double value, std::string_view expected, std::string_view name,
             Using is_used_by) {
  std::vector<std::string_view> users;
  for (const Registered& entry : kOptimizers) {
    if (is_used_by(entry.uses)) users.push_back(entry.name);
  }
  const std::string_view last = users.back();
  users.pop_back();
  return Error{fmt::format("{} is {}; expected {} with the optimizer {} ({}{}{} use{} it)", key, value,
                           expected, name, fmt::join(users, ", "), users.empty() ? "" : " and ", last,
                           users.empty() ? "s" : "")};
}

Failure check_range(std::string_view key, double value, Range range) {
  if (range.holds(value)) return std::nullopt;
  return Error{fmt::format("{} is {}; expected {}", key, value, range.describe())};
}

Failure check_momentum(const OptimizerOptions& options, const Uses& uses) {
  if (uses.momentum) return check_range("momentum", options.momentum, kShare);
  if (options.momentum == 0.0) return std::nullopt;
  return unused("momentum", options.momentum, "0", options.name,
                [](const Uses& others) { return others.momentum; });
}

/// Checks the option, or fills in its default.
Failure complete(const OwnOption& option, OptimizerOptions& options, const Uses& uses) {
  std::optional<double>& value = options.*option.value;
  const std::optional<double>& usual = uses.*option.usual;
  if (!usual && value) {
    return unused(option.key, *value, "none", options.name,
                  [&](const Uses& others) { return (others.*option.usual).has_value(); });
  }
  if (!value) value = usual;
  return value ? check_range(option.key, *value, option.range) : std::nullopt;
}

}  // namespace

Result<OptimizerOptions> with_defaults(const OptimizerOptions& options) {
  constexpr double kLargestRate = std::numeric_limits<float>::max();
  if (!(options.learning_rate > 0.0 && options.learning_rate <= kLargestRate)) {
    return Error{fmt::format("learning_rate is {}; expected a finite number above 0", options.learning_rate)};
  }
  const Registered* const entry = find(options.name);
  if (entry == nullptr) {
    return Error{fmt::format("optimizer name is '{}'; expected one of {}", options.name,
                             fmt::join(optimizer_names(), ", "))};
  }
  OptimizerOptions filled = options;
  if (auto failure = check_momentum(options, entry->uses)) return *failure;
  filled.weight_decay = options.weight_decay.value_or(entry->uses.weight_decay);
  if (auto failure = check_range("weight_decay", *filled.weight_decay, {0.0, kLargestWeightDecay}))
    return *failure;
  if (options.clip_value) {
    if (auto failure = check_range("clip_value", *options.clip_value, {kSmallest, kLargestClipValue}))
      return *failure;
  }
  for (const OwnOption& option : kOwnOptions) {
    if (auto failure = complete(option, filled, entry->uses)) return *failure;
  }
  return filled;
}

Result<std::unique_ptr<Optimizer>> make_optimizer(const OptimizerOptions& options, std::size_t size) {
  const Result<OptimizerOptions> filled = with_defaults(options);
  if (!filled) return filled.error();
  return find(options.name)->make(filled.value(), size);
}

std::vector<std::string_view> optimizer_names() {
  std::vector<std::string_view> names;
  for (const Registered& entry : kOptimizers) names.push_back(entry.name);
  return names;
}

}  // namespace meridian
