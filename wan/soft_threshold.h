// The soft threshold of one link (Gaia's, Hsieh et al., NSDI 2017): while a link stands idle, its threshold
// sinks below the hard one, so that it carries more; when the link fills up, the threshold rises back. One
// object for each link; it sees the link's use and gives the factor on the hard threshold.
#pragma once

namespace meridian::wan {

class SoftThreshold {
 public:
  /// `soft_ratio`: the least factor, above 0, at most 1 (1: there is only the hard threshold). `use_below`:
  /// the share of the link, from 0 to 1, up to which it is to be filled.
  SoftThreshold(double soft_ratio, double use_below);

  /// Takes the link's measured use since the last update (0 to 1) and returns the new factor, from soft_ratio
  /// to 1. A step is a multiplication and shrinks with the distance from the share, so that the factor
  /// settles there; at the same distance it rises in larger steps than it sinks. A use that is not a number
  /// changes nothing.
  double update(double utilization);

  /// The factor in force; 1 before the first update.
  double factor() const { return factor_; }

 private:
  double soft_ratio_;
  double use_below_;
  double factor_ = 1.0;
};

}  // namespace meridian::wan
