// Gaia's significance filter (Hsieh et al., NSDI 2017): an update goes out when it has gathered enough to
// matter beside the value it changes. It tests single entries, or whole rows where a row is one thing (a
// word's vector, a user's factors).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

#include "wan/threshold.h"
#include "wan/what.h"

namespace meridian::wan {

/// What is tested and taken together.
enum class Granularity : std::uint8_t { entry, row };

/// What is significant in one table.
struct Significance {
  double v0 = 0.01;    ///< relative threshold at clock 1: 0.01 is 1 %; at least 0
  double floor = 0.0;  ///< absolute: a residual up to this size stays, whatever the value; at least 0
  Granularity granularity = Granularity::entry;
};

/// Let v be the pass's threshold (its schedule's, times the pass's scale). Significant is
///   an entry: |residual| > v |value| and |residual| > floor;
///   a row:    the same of the Euclidean norms of the row's residuals and values; all its residuals go that
///             are not 0.
/// So with value 0 every residual above the floor is significant, and residual 0 never is. A residual that is
/// not finite is always significant. What is significant goes whole.
class SignificanceFilter final : public What {
 public:
  struct Options {
    ThresholdSchedule schedule = {};
    Significance defaults = {};
    /// By the table's position, in place of `defaults`. In a linear schedule all end at the same v_end.
    std::map<std::size_t, Significance> tables = {};
  };

  explicit SignificanceFilter(Options options);
  SignificanceFilter(double v0, Schedule schedule)
      : SignificanceFilter(Options{.schedule = {.kind = schedule}, .defaults = {.v0 = v0}}) {}

  /// One pass over memory. Both spans are whole rows of pass.columns entries, at least 1.
  void select(const FilterPass& pass, std::span<const float> values, std::span<float> residual,
              TableSelection& out) const override;

  /// Where every table is tested by entry.
  bool selects_by_block() const override;
  bool selects_by_row() const override { return true; }
  float quiet_from(const FilterPass& pass, std::span<const float> values,
                   std::span<const float> residual) const override;
  /// One pass over memory.
  void add_and_select(const FilterPass& pass, std::span<const float> step, std::span<float> values,
                      std::span<float> residual, TableSelection& out) const override;

  double threshold(const FilterPass& pass) const override;

 private:
  const Significance& of(std::size_t table) const;

  Options options_;
};

}  // namespace meridian::wan
