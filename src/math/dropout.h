// Dropout (Srivastava et al., JMLR 2014) in its inverted form: what is kept is scaled up in training, so that
// nothing changes in evaluation.
//
// Thread safety: no state; the function may be called from any thread at once.
#pragma once

#include <cstdint>

#include "src/math/matrix.h"

namespace meridian {

/// output = input / (1 - rate) where an entry is kept, else 0; each is dropped with probability `rate` in
/// [0, 1), rounded to a multiple of 2^-16. Which ones are is a function of `draw` and the entry's position
/// only, so the gradient goes back through the same function. `output` may be `input`, or must not overlap
/// it.
void drop_out(std::uint64_t draw, double rate, ConstMatrix input, Matrix output);

}  // namespace meridian
