// What an optimizer's step costs against the memory it touches: bytes per second for each optimizer, and as a
// ratio to a plain copy of 64 MB. A step reads the gradient, the state and, with weight decay, the
// parameters; it writes the step and the state. The same again for a range that fits a processor's own cache,
// for state that has faded to nothing, and for clipping by norm.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "experiments/bench/wanted_instruction_set.h"
#include "src/base/float_buffer.h"
#include "src/base/random.h"
#include "src/optimizer/clip_norm.h"
#include "src/optimizer/increment.h"
#include "src/optimizer/optimizer.h"

namespace meridian {
namespace {

constexpr std::size_t kLarge = (std::size_t{64} << 20U) / sizeof(float);
constexpr std::size_t kSmall = (std::size_t{128} << 10U) / sizeof(float);
constexpr int kFewestCalls = 9;
constexpr double kSecondsPerRow = 0.25;

constexpr const char* kRow = "{:<28} {:>12} {:>10} {:>9} {:>13} {:>9}\n";

struct Measured {
  double bytes_per_s = 0.0;
  double ns_per_parameter = 0.0;
};

/// The fastest call: what else the machine does makes others slower, never faster. `prepare` is not timed.
Measured measure(std::size_t size, std::size_t floats_touched, const std::function<void()>& prepare,
                 const std::function<void()>& call) {
  using SteadyClock = std::chrono::steady_clock;
  const auto elapsed = [](SteadyClock::time_point since) {
    return std::chrono::duration<double>(SteadyClock::now() - since).count();
  };
  double best = std::numeric_limits<double>::max();
  const auto begin = SteadyClock::now();
  for (int calls = 0; calls < kFewestCalls || elapsed(begin) < kSecondsPerRow; ++calls) {
    prepare();
    const auto start = SteadyClock::now();
    call();
    best = std::min(best, elapsed(start));
  }
  const auto parameters = static_cast<double>(size);
  return {static_cast<double>(floats_touched * sizeof(float)) * parameters / best, 1e9 * best / parameters};
}

void fill(FloatBuffer& buffer) {
  Random random(1);
  for (float& value : buffer.span()) value = static_cast<float>(random.uniform()) - 0.5F;
}

/// Everything is measured against it, so it gets the time of several rows.
Measured measure_copy(std::size_t size) {
  constexpr int kRows = 6;
  FloatBuffer from(size);
  FloatBuffer to(size);
  fill(from);
  Measured best;
  for (int row = 0; row < kRows; ++row) {
    const Measured found = measure(
        size, 2, [] {}, [&] { std::memcpy(to.data(), from.data(), size * sizeof(float)); });
    if (found.bytes_per_s > best.bytes_per_s) best = found;
  }
  return best;
}

/// `fades`: one gradient, then none, until moments are as small as they get.
Measured measure_optimizer(Optimizer& optimizer, std::size_t size, std::size_t floats_touched, bool fades) {
  FloatBuffer values(size);
  FloatBuffer gradient(size);
  FloatBuffer buffer(size);
  fill(values);
  fill(gradient);
  Clock clock = 0;
  bool finite = true;
  const auto bring_gradient = [&] { std::copy_n(gradient.data(), size, buffer.data()); };
  const auto step = [&] {
    finite = optimizer.step(++clock, 1.0F, 1.0F, 0, values.span(), buffer.span()) && finite;
  };
  if (fades) {
    constexpr int kFaded = 1000;  // clocks after which 0.9^t is no normal float
    bring_gradient();
    step();
    std::fill_n(gradient.data(), size, 0.0F);
    for (int i = 0; i < kFaded; ++i) {
      bring_gradient();
      step();
    }
  }
  const Measured result = measure(size, floats_touched, bring_gradient, step);
  if (!finite) fmt::print(stderr, "a step was not finite: its figures mean nothing\n");
  return result;
}

struct Row {
  OptimizerOptions options;
  std::size_t state;  // floats for each parameter
};

std::vector<Row> rows() {
  std::vector<Row> rows;
  for (const std::string name : {"sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"}) {
    OptimizerOptions plain{.name = name, .learning_rate = 0.01, .weight_decay = 0.0};
    if (name == "momentum" || name == "nesterov") plain.momentum = 0.9;
    const std::size_t state = name == "sgd" ? 0 : name.starts_with("adam") ? 2 : 1;
    rows.push_back({plain, state});
    OptimizerOptions full = plain;
    full.weight_decay = 0.01;
    full.clip_value = 0.25;
    rows.push_back({full, state});
  }
  return rows;
}

void print(const std::string& name, std::size_t size, std::size_t floats, Measured found, Measured copy) {
  fmt::print(kRow, name, fmt::format("{} kB", size * sizeof(float) / 1024), floats * sizeof(float),
             fmt::format("{:.1f}", found.bytes_per_s * 1e-9), fmt::format("{:.3f}", found.ns_per_parameter),
             fmt::format("{:.2f}", found.bytes_per_s / copy.bytes_per_s));
}

int measure_all() {
  fmt::print(kRow, "optimizer", "range", "bytes each", "GB/s", "ns/parameter", "to a copy");
  for (const std::size_t size : {kLarge, kSmall}) {
    const Measured copy = measure_copy(size);
    print("copy", size, 2, copy, copy);
    for (const Row& row : rows()) {
      const bool decays = *row.options.weight_decay > 0.0;
      const std::size_t floats = 2 + 2 * row.state + (decays ? 1 : 0);
      const auto optimizer = make_optimizer(row.options, size).value();
      print(row.options.name + (decays ? ", decay, clipped" : ""), size, floats,
            measure_optimizer(*optimizer, size, floats, /*fades=*/false), copy);
    }
    const auto increment = make_increment(size);
    print("increment (reads only)", size, 1, measure_optimizer(*increment, size, 1, /*fades=*/false), copy);
    FloatBuffer gradient(size);
    const std::array<std::span<float>, 1> tables{gradient.span()};
    bool finite = true;
    const auto clip = [&](std::size_t floats, double norm) {
      return measure(
          size, floats, [&] { std::fill_n(gradient.data(), size, 0.5F); },
          [&] { finite = clip_to_norm(tables, 1, norm) && finite; });
    };
    print("norm within its limit", size, 1, clip(1, 1e9), copy);
    print("norm clipped", size, 3, clip(3, 1.0), copy);
    if (!finite) return EXIT_FAILURE;
  }
  const Measured copy = measure_copy(kSmall);
  for (const Row& row : rows()) {
    if (row.state == 0 || *row.options.weight_decay > 0.0) continue;
    const auto optimizer = make_optimizer(row.options, kSmall).value();
    const std::size_t floats = 2 + 2 * row.state;
    print(row.options.name + ", faded", kSmall, floats,
          measure_optimizer(*optimizer, kSmall, floats, /*fades=*/true), copy);
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace meridian

int main() {
  meridian::bench::require_wanted_instruction_set();
  return meridian::measure_all();
}
