// The parameters that workers share: named tables, and how the updates that workers compute change them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace meridian {

/// What an update is, and how the server makes a step of the sum of all its workers' updates.
enum class UpdateRule : std::uint8_t {
  /// The gradient of the loss summed over the batch. The server takes the mean over all samples of the clock,
  /// and the optimizer makes the step. Datacenters count by their share of samples.
  mean_gradient,
  /// The same without the mean: each sample moves the parameters by the whole learning rate, as in stochastic
  /// gradient descent sample by sample. Suits tables of which a sample touches few rows.
  summed_gradient,
  /// What is to be added to the parameters, as it is: no optimizer, no mean (counts, for one).
  increment
};

/// A named tensor of parameters: rows x columns floats, row-major. Shards cut it between rows.
struct TableSpec {
  std::string name;
  std::size_t rows = 0;
  std::size_t columns = 1;
  /// Workers read and update single rows of it, the ones that their batch touches; the whole table otherwise.
  bool by_row = false;
  UpdateRule rule = UpdateRule::mean_gradient;

  std::size_t size() const { return rows * columns; }
  bool operator==(const TableSpec&) const = default;
};

/// Tables' values in the order of Workload::tables().
using TablesView = std::span<const std::span<const float>>;
using TablesSpan = std::span<const std::span<float>>;

/// One worker's place among all workers of the run.
struct WorkerPlace {
  std::size_t datacenter = 0;  ///< position of its datacenter in the configuration
  std::size_t worker = 0;      ///< its index within the datacenter
};

}  // namespace meridian
