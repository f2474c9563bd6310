// Clipping a gradient by its norm (Pascanu, Mikolov & Bengio, ICML 2013): a longer one keeps its direction
// and gets the length of the limit. A worker clips its own gradient before it sends it to the servers.
#pragma once

#include <cstddef>
#include <span>

namespace meridian {

/// Scales `update`, gradients summed over `samples`, so that the L2 norm of their mean, over all tables
/// together, is at most `norm`, to a float's precision. A shorter one stays as it is, bit for bit. The sum of
/// squares is a double's, always added in the same order. Returns whether the gradient is finite; one that is
/// not is left alone. Requires samples above 0 and a finite norm above 0.
///
/// `update` is a TablesSpan (src/workload/tables.h) of tables whose updates are gradients. Where updates are
/// summed gradients without the mean, pass 1 for `samples`.
[[nodiscard]] bool clip_to_norm(std::span<const std::span<float>> update, std::size_t samples, double norm);

}  // namespace meridian
