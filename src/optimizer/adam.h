// Adam, and AdamW, which differs from it in weight decay only. Both keep two moving means for each parameter,
// of its gradients, m, and of their squares, v. With g for the mean gradient, w for the parameter, t for the
// clock, r for its learning rate, b1 and b2 for beta1 and beta2, e for epsilon, l for weight_decay:
//
//   m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2
//   Adam (Kingma & Ba, ICLR 2015):           step = -r (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + e)
//   AdamW (Loshchilov & Hutter, ICLR 2019):  the same step, less r l w; l is no part of g, m and v
//
// Adam's weight decay is part of g. The rate scales AdamW's decay too, as in PyTorch.
//
// In a table that is updated row by row, rows advance lazily: m, v and w change only in rows that a gradient
// touched, while the corrections of the means' bias, 1 - b1^t and 1 - b2^t, go by the clock for all rows (as
// in PyTorch's SparseAdam). So the first step of a row at a late clock is not r, but up to r (1 - b1) /
// sqrt(1 - b2), which is 3.2 r by default.
#pragma once

#include "src/optimizer/optimizer.h"

namespace meridian {

/// `options` as with_defaults() returns them.
std::unique_ptr<Optimizer> make_adam(const OptimizerOptions& options, std::size_t size);
std::unique_ptr<Optimizer> make_adamw(const OptimizerOptions& options, std::size_t size);

}  // namespace meridian
