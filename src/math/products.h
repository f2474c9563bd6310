// Matrix products: the one seam behind which a library (oneDNN) chooses the processor's instructions at run
// time, so that portable builds reach the arithmetic peak. Everything that multiplies matrices goes through
// here.
//
// Thread safety: every function may be called from any thread at once. Each call computes on the calling
// thread alone; the same inputs give the same bits on one machine, wherever they lie in memory. Operands and
// result must not overlap. Shapes that do not fit are a BrokenInvariant.
#pragma once

#include "src/math/matrix.h"

namespace meridian {

/// Whether a product replaces what its result held before, or is added to it.
enum class ProductMode { replace, accumulate };

/// result [m x n] = a [m x k] * b [k x n].
void multiply(ConstMatrix a, ConstMatrix b, Matrix result, ProductMode mode = ProductMode::replace);

/// result [m x n] = transpose of a [k x m] * b [k x n].
void multiply_transposed_left(ConstMatrix a, ConstMatrix b, Matrix result,
                              ProductMode mode = ProductMode::replace);

/// result [m x n] = a [m x k] * transpose of b [n x k].
void multiply_transposed_right(ConstMatrix a, ConstMatrix b, Matrix result,
                               ProductMode mode = ProductMode::replace);

}  // namespace meridian
