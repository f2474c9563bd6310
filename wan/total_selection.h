// A total that goes out in part: where an exchange's total begins, only its largest entries, rounded, are
// applied and passed on; the rest joins the next total. Both directions of a link are compressed then (Tang
// et al., "DoubleSqueeze", ICML 2019; GeoMX's bidirectional sparsification). Every datacenter in which a
// total begins has the same totals, so what each keeps back is the same, bit for bit.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "src/base/float_buffer.h"
#include "wan/what.h"

namespace meridian::wan {

/// Owned by one merge; not thread-safe. Keeps two buffers of every table's owned range.
class TotalSelection {
 public:
  /// `what` must look at nothing but the residual and the pass: replicas differ between datacenters.
  explicit TotalSelection(std::unique_ptr<What> what);

  /// What is applied and passed on of the total `sums` of the exchange at `clock`, and of what was left
  /// behind before. Valid until the next call.
  std::span<const FloatBuffer> take(Clock clock, std::span<const FloatBuffer> sums);
  /// All of it: of the last exchange. Nothing is left behind.
  std::span<const FloatBuffer> take_all(std::span<const FloatBuffer> sums);

  /// Adds what was left behind.
  void add_left_to(std::vector<FloatBuffer>& sums) const;

 private:
  void gather(std::span<const FloatBuffer> sums);

  std::unique_ptr<What> what_;
  std::vector<FloatBuffer> left_;
  std::vector<FloatBuffer> taken_;
  TableSelection selection_;
};

}  // namespace meridian::wan
