#include "src/optimizer/optimizer.h"

#include <fmt/ranges.h>

#include <array>
#include <limits>

#include "src/optimizer/momentum.h"
#include "src/optimizer/sgd.h"

namespace meridian {
namespace {

using Make = Result<std::unique_ptr<Optimizer>> (*)(const OptimizerOptions&, std::size_t);

struct Registered {
  std::string_view name;
  Make make;
};

// A further optimizer is one line here.
constexpr std::array kOptimizers{
    Registered{"sgd", make_sgd},
    Registered{"momentum", make_heavy_ball},
    Registered{"nesterov", make_nesterov},
};

}  // namespace

Result<std::unique_ptr<Optimizer>> make_optimizer(const OptimizerOptions& options, std::size_t size) {
  constexpr double kLargestRate = std::numeric_limits<float>::max();
  if (!(options.learning_rate > 0.0 && options.learning_rate <= kLargestRate)) {
    return Error{fmt::format("learning_rate is {}; expected a finite number above 0", options.learning_rate)};
  }
  for (const Registered& entry : kOptimizers) {
    if (entry.name == options.name) return entry.make(options, size);
  }
  return Error{fmt::format("optimizer name is '{}'; expected one of {}", options.name,
                           fmt::join(optimizer_names(), ", "))};
}

std::vector<std::string_view> optimizer_names() {
  std::vector<std::string_view> names;
  for (const Registered& entry : kOptimizers) names.push_back(entry.name);
  return names;
}

}  // namespace meridian
