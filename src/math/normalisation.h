// Group normalisation (Wu & He, ECCV 2018): a sample's channels, in groups, are brought to mean 0 and
// variance 1 over the group's channels and pixels, then scaled and shifted channel by channel. Unlike batch
// normalisation it depends on the sample alone, so workers that see different data compute the same function.
//
// Thread safety: no state; every function may be called from any thread at once. What a function reads and
// what it writes must not overlap. Sizes that do not fit are a BrokenInvariant.
#pragma once

#include <cstddef>
#include <span>

#include "src/math/matrix.h"

namespace meridian {

/// Rows are [channels x pixels]; `groups` divides `channels`. A column of one pixel each works too.
struct GroupShape {
  std::size_t channels = 1;
  std::size_t pixels = 1;
  std::size_t groups = 1;

  std::size_t size() const { return channels * pixels; }
  std::size_t group_size() const { return size() / groups; }
};

/// What is added to a group's variance before its root is taken.
inline constexpr float kGroupVarianceFloor = 1e-5F;

/// output = scale * (input - mean) / sqrt(variance + kGroupVarianceFloor) + shift; scale and shift hold one
/// value for each channel.
void normalise_groups(const GroupShape& shape, ConstMatrix input, std::span<const float> scale,
                      std::span<const float> shift, Matrix output);

/// The gradients by scale and shift, summed over the samples, and by the input unless `input_gradient` has no
/// data.
void normalise_groups_backward(const GroupShape& shape, ConstMatrix input, ConstMatrix output_gradient,
                               std::span<const float> scale, std::span<float> scale_gradient,
                               std::span<float> shift_gradient, Matrix input_gradient);

}  // namespace meridian
