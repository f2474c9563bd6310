#include "tests/wan/synthetic_workload.h"

#include <cmath>
#include <limits>

#include "src/base/random.h"

namespace meridian::wan {

int CountingWorkload::gradient_of(std::size_t worker, std::size_t table, std::size_t entry,
                                  Clock clock) const {
  const std::uint64_t bits =
      mix_bits(options_.seed ^ mix_bits((std::uint64_t{clock} << 40) ^ (std::uint64_t{worker} << 32) ^
                                        (std::uint64_t{table} << 28) ^ entry));
  const int below_five = static_cast<int>(bits % 5);
  return options_.only_positive ? 1 + below_five : below_five - 2;
}

int CountingWorkload::gradient_sum(std::size_t table, std::size_t entry, Clock clock) const {
  int sum = 0;
  for (std::size_t worker = 0; worker < options_.workers[owner(table, entry)]; ++worker) {
    sum += gradient_of(worker, table, entry, clock);
  }
  return sum;
}

float CountingWorkload::initial_value(std::size_t table, std::size_t entry) const {
  const std::uint64_t bits = mix_bits(options_.seed + 7 * table + 1000003 * entry);
  return static_cast<float>(static_cast<int>(bits % 65) - 32) / 16.0F;
}

void CountingWorkload::fill_initial_values(std::size_t table, std::span<float> values) const {
  for (std::size_t entry = 0; entry < values.size(); ++entry) values[entry] = initial_value(table, entry);
}

std::size_t CountingWorkload::samples_per_clock(WorkerPlace place) const {
  const std::size_t workers = options_.workers.at(place.datacenter);
  return place.worker == 0 ? kSamples - (workers - 1) : 1;
}

UpdateReport CountingWorkload::compute_gradient(WorkerPlace place, Clock clock, TablesView /*parameters*/,
                                                TablesSpan gradient) const {
  for (std::size_t table = 0; table < gradient.size(); ++table) {
    for (std::size_t entry = 0; entry < gradient[table].size(); ++entry) {
      gradient[table][entry] = owner(table, entry) == place.datacenter
                                   ? static_cast<float>(gradient_of(place.worker, table, entry, clock))
                                   : 0.0F;
    }
  }
  if (const auto& poison = options_.poison;
      poison && poison->datacenter == place.datacenter && poison->clock == clock) {
    gradient[poison->table][0] = std::numeric_limits<float>::quiet_NaN();
  }
  return {samples_per_clock(place), 0.0};
}

EvaluationSums CountingWorkload::evaluate(std::size_t /*part*/, std::size_t /*parts*/,
                                          TablesView parameters) const {
  double fallen = 0.0;
  for (std::size_t table = 0; table < parameters.size(); ++table) {
    for (std::size_t entry = 0; entry < parameters[table].size(); ++entry) {
      fallen += static_cast<double>(initial_value(table, entry) - parameters[table][entry]);
    }
  }
  return {fallen, fallen, 1};
}

void QuadraticWorkload::fill_initial_values(std::size_t table, std::span<float> values) const {
  Random random = Random::for_parts(options_.seed, {hash_text(options_.tables[table].name)});
  for (float& value : values) value = static_cast<float>(random.normal());
}

UpdateReport QuadraticWorkload::compute_gradient(WorkerPlace place, Clock clock, TablesView parameters,
                                                 TablesSpan gradient) const {
  std::size_t worker = place.worker;
  for (std::size_t d = 0; d < place.datacenter; ++d) worker += options_.workers[d];
  Random random = Random::for_parts(options_.seed, {hash_text("targets"), worker, clock});
  const auto samples = static_cast<float>(samples_per_clock(place));
  for (std::size_t table = 0; table < gradient.size(); ++table) {
    for (std::size_t entry = 0; entry < gradient[table].size(); ++entry) {
      const float curvature = 0.1F + static_cast<float>(entry % 7);
      const auto target = static_cast<float>(3.0 + random.normal());
      gradient[table][entry] = samples * curvature * (parameters[table][entry] - target);
    }
  }
  return {samples_per_clock(place), 0.0};
}

EvaluationSums QuadraticWorkload::evaluate(std::size_t /*part*/, std::size_t /*parts*/,
                                           TablesView parameters) const {
  double sum = 0.0;
  for (const auto table : parameters) {
    for (const float value : table) sum += std::pow(static_cast<double>(value) - 3.0, 2);
  }
  return {sum, sum, 1};
}

}  // namespace meridian::wan
