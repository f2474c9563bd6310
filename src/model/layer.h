// A layer of a network: what it computes forward, and how a gradient comes back through it. Networks are
// lists of layers; a further kind of layer is one new file. Rows of every matrix are samples.
//
// Thread safety: layers hold shapes, not values; every function may be called from any thread at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/base/time.h"
#include "src/math/matrix.h"
#include "src/workload/workload.h"

namespace meridian {

/// What a computation is for. Layers that draw random numbers draw them by this alone: same context, same
/// bits.
struct LayerContext {
  bool trains = false;  ///< layers that act in training only (dropout) pass everything on otherwise
  std::uint64_t seed = 0;
  WorkerPlace place = {};
  Clock clock = 0;
};

class Layer {
 public:
  virtual ~Layer() = default;

  /// Values per sample that go in and come out.
  virtual std::size_t inputs() const = 0;
  virtual std::size_t outputs() const = 0;

  /// The layer's own tables; empty for a layer without parameters. Below, `parameters` and `gradient` are
  /// these.
  virtual std::vector<TableSpec> tables() const { return {}; }

  /// Fills one of its tables with initial values, which depend on the seed and the table's name only.
  virtual void fill_initial_values(std::size_t /*table*/, std::uint64_t /*seed*/,
                                   std::span<float> /*values*/) const {}

  /// Whether `output` may be the memory of `input`, and `input_gradient` that of `output_gradient`;
  /// backward() then does not read `input`.
  virtual bool works_in_place() const { return false; }

  /// Whether backward() reads `output`. Where it does not, the next layer may have worked over it.
  virtual bool backward_reads_output() const { return false; }

  /// output [samples x outputs] from input [samples x inputs].
  virtual void forward(const LayerContext& context, ConstMatrix input, TablesView parameters,
                       Matrix output) const = 0;

  /// From what forward saw (in the same context) and gave, and the loss's gradient by its output: replaces
  /// `gradient` by the gradient by the parameters, summed over the samples, and `input_gradient` by the
  /// gradient by the input, unless that has no data (the first layer's is of use to nobody).
  virtual void backward(const LayerContext& context, ConstMatrix input, ConstMatrix output,
                        ConstMatrix output_gradient, TablesView parameters, TablesSpan gradient,
                        Matrix input_gradient) const = 0;
};

}  // namespace meridian
