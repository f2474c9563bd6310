#include "src/network/delay_variation.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "src/base/check.h"
#include "src/base/random.h"

namespace meridian {

namespace {

constexpr double kFarthestDeviation = 4.0;

Time scaled(Time width, double by) { return Time{std::llround(static_cast<double>(width.count()) * by)}; }

}  // namespace

DelayVariation::DelayVariation(Options options, std::uint64_t seed)
    : options_(std::move(options)), seed_(seed) {
  MERIDIAN_CHECK(options_.width >= Time{0}, "width {} ns", options_.width.count());
  MERIDIAN_CHECK(options_.kind != Kind::recorded || !options_.samples.empty(), "no samples");
}

Time DelayVariation::at(Time now) const {
  if (!varies()) return Time{0};
  Random random = Random::for_parts(seed_, {static_cast<std::uint64_t>(now / kSlot)});
  switch (options_.kind) {
    case Kind::uniform:
      return scaled(options_.width, 2.0 * random.uniform() - 1.0);
    case Kind::normal:
      return scaled(options_.width, std::clamp(random.normal(), -kFarthestDeviation, kFarthestDeviation));
    case Kind::recorded:
      return options_.samples[random.below(options_.samples.size())];
    case Kind::none:
      break;
  }
  return Time{0};
}

Time DelayVariation::most() const {
  if (options_.kind != Kind::recorded) return -least();
  return std::max(Time{0}, *std::max_element(options_.samples.begin(), options_.samples.end()));
}

Time DelayVariation::least() const {
  switch (options_.kind) {
    case Kind::uniform:
      return -options_.width;
    case Kind::normal:
      return scaled(options_.width, -kFarthestDeviation);
    case Kind::recorded:
      return std::min(Time{0}, *std::min_element(options_.samples.begin(), options_.samples.end()));
    case Kind::none:
      break;
  }
  return Time{0};
}

}  // namespace meridian
