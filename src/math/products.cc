#include "src/math/products.h"

#include <dnnl.h>

#include <algorithm>

#include "src/base/check.h"
#include "src/math/one_thread.h"

namespace meridian {
namespace {

dnnl_dim_t to_dimension(std::size_t size) { return static_cast<dnnl_dim_t>(size); }

// oneDNN refuses a leading dimension of zero even where there is nothing to read.
dnnl_dim_t leading_dimension(std::size_t columns) { return to_dimension(std::max<std::size_t>(columns, 1)); }

void multiply_with(char transpose_a, char transpose_b, std::size_t inner, ConstMatrix a, ConstMatrix b,
                   Matrix result, ProductMode mode) {
  if (result.size() == 0) return;
  if (inner == 0) {
    if (mode == ProductMode::replace) std::fill_n(result.data, result.size(), 0.0F);
    return;
  }
  use_one_thread();
  const float beta = mode == ProductMode::accumulate ? 1.0F : 0.0F;
  const dnnl_status_t status =
      dnnl_sgemm(transpose_a, transpose_b, to_dimension(result.rows), to_dimension(result.columns),
                 to_dimension(inner), 1.0F, a.data, leading_dimension(a.columns), b.data,
                 leading_dimension(b.columns), beta, result.data, leading_dimension(result.columns));
  MERIDIAN_CHECK(status == dnnl_success, "dnnl_sgemm gave status {} for {} x {} x {}",
                 static_cast<int>(status), result.rows, result.columns, inner);
}

}  // namespace

void multiply(ConstMatrix a, ConstMatrix b, Matrix result, ProductMode mode) {
  MERIDIAN_CHECK(a.columns == b.rows && a.rows == result.rows && b.columns == result.columns,
                 "{} x {} times {} x {} into {} x {}", a.rows, a.columns, b.rows, b.columns, result.rows,
                 result.columns);
  multiply_with('N', 'N', a.columns, a, b, result, mode);
}

void multiply_transposed_left(ConstMatrix a, ConstMatrix b, Matrix result, ProductMode mode) {
  MERIDIAN_CHECK(a.rows == b.rows && a.columns == result.rows && b.columns == result.columns,
                 "transposed {} x {} times {} x {} into {} x {}", a.rows, a.columns, b.rows, b.columns,
                 result.rows, result.columns);
  multiply_with('T', 'N', a.rows, a, b, result, mode);
}

void multiply_transposed_right(ConstMatrix a, ConstMatrix b, Matrix result, ProductMode mode) {
  MERIDIAN_CHECK(a.columns == b.columns && a.rows == result.rows && b.rows == result.columns,
                 "{} x {} times transposed {} x {} into {} x {}", a.rows, a.columns, b.rows, b.columns,
                 result.rows, result.columns);
  multiply_with('N', 'T', a.columns, a, b, result, mode);
}

}  // namespace meridian
