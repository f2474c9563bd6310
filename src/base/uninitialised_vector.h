// A vector whose new elements have any value until they are written: resize() costs nothing where a vector of
// numbers is filled right afterwards.
#pragma once

#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace meridian {

/// Allocates as std::allocator does, and leaves elements that are made of nothing as memory happens to be.
template <typename Element>
struct UninitialisedAllocator : std::allocator<Element> {
  UninitialisedAllocator() = default;
  template <typename Other>
  explicit UninitialisedAllocator(const UninitialisedAllocator<Other>& /*other*/) {}

  template <typename Other>
  void construct(Other* at) {
    ::new (static_cast<void*>(at)) Other;
  }
  template <typename Other, typename... Arguments>
  void construct(Other* at, Arguments&&... arguments) {
    std::construct_at(at, std::forward<Arguments>(arguments)...);
  }
};

/// For numbers and bytes: of other types a new element is made as usual.
template <typename Element>
using UninitialisedVector = std::vector<Element, UninitialisedAllocator<Element>>;

}  // namespace meridian
