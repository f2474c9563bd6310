// The step is the sum itself: for tables whose updates are what is to be added to the parameters
// (UpdateRule::increment). It is no choice of a user, and no option applies to it.
#pragma once

#include "src/optimizer/optimizer.h"

namespace meridian {

/// For `size` parameters. Its step() leaves the sum as it is, whatever the scales, and says whether it is
/// finite.
std::unique_ptr<Optimizer> make_increment(std::size_t size);

}  // namespace meridian
