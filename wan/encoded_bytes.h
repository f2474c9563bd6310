// The bytes of a payload while it is encoded.
#pragma once

#include <cstddef>

#include "src/base/uninitialised_vector.h"

namespace meridian::wan {

using EncodedBytes = UninitialisedVector<std::byte>;

}  // namespace meridian::wan
