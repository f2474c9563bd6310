#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <span>

#include "experiments/bench/kernel.h"
#include "src/base/float_buffer.h"
#include "src/base/instruction_sets.h"
#include "src/math/products.h"

namespace meridian::bench {
namespace {

// Several sums side by side, since a loop over one could not be vectorised.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(float, scan, (const float* from, std::size_t size), (from, size)) {
  constexpr std::size_t kSums = 64;
  float sums[kSums] = {};
  for (std::size_t i = 0; i + kSums <= size; i += kSums) {
    for (std::size_t k = 0; k < kSums; ++k) sums[k] += from[i + k];
  }
  float sum = 0.0F;
  for (const float part : sums) sum += part;
  return sum;
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, change, (float* values, std::size_t size), (values, size)) {
  for (std::size_t i = 0; i < size; ++i) values[i] = -values[i];
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, walk,
                                  (const float* __restrict step, float* __restrict values,
                                   float* __restrict residual, std::size_t size),
                                  (step, values, residual, size)) {
  for (std::size_t i = 0; i < size; ++i) {
    values[i] += step[i];
    residual[i] += step[i];
  }
}

struct Streams {
  FloatBuffer step = FloatBuffer(kEntries);
  FloatBuffer values = FloatBuffer(kEntries);
  FloatBuffer residual = FloatBuffer(kEntries);
};

constexpr std::size_t kSide = 1024;

struct Product {
  FloatBuffer a = FloatBuffer(kSide * kSide);
  FloatBuffer b = FloatBuffer(kSide * kSide);
  FloatBuffer c = FloatBuffer(kSide * kSide);
};

}  // namespace

void add_limits(std::vector<Kernel>& kernels) {
  constexpr auto kBytes = static_cast<double>(kEntries * sizeof(float));
  const auto streams = std::make_shared<Streams>();
  kernels.push_back({.name = kScan, .limit = {}, .work = kBytes, .prepare = {}, .call = [streams] {
                       benchmark::DoNotOptimize(scan(streams->values.data(), kEntries));
                     }});
  kernels.push_back({.name = kCopy, .limit = {}, .work = 2 * kBytes, .prepare = {}, .call = [streams] {
                       std::memcpy(streams->values.data(), streams->step.data(), kEntries * sizeof(float));
                     }});
  kernels.push_back({.name = kChange, .limit = {}, .work = 2 * kBytes, .prepare = {}, .call = [streams] {
                       change(streams->values.data(), kEntries);
                     }});
  kernels.push_back({.name = kFusedWalk, .limit = {}, .work = 5 * kBytes, .prepare = {}, .call = [streams] {
                       walk(streams->step.data(), streams->values.data(), streams->residual.data(), kEntries);
                     }});
  const auto product = std::make_shared<Product>();
  constexpr auto kSides = static_cast<double>(kSide);
  kernels.push_back({.name = kProducts,
                     .limit = {},
                     .work = 2.0 * kSides * kSides * kSides,
                     .unit = Work::operations,
                     .prepare = {},
                     .call = [product] {
                       multiply({product->a.data(), kSide, kSide}, {product->b.data(), kSide, kSide},
                                {product->c.data(), kSide, kSide});
                     }});
}

}  // namespace meridian::bench
