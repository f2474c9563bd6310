// A generated data set of the shape and the difficulty of Fashion-MNIST (28 x 28 grey pixels, 10 classes),
// for machines without data and for tests that must not depend on any. It says nothing about real images, and
// whoever uses it announces that it is generated.
#pragma once

#include <cstddef>
#include <cstdint>

#include "src/data/image_set.h"

namespace meridian {

constexpr std::size_t kGeneratedSide = 28;
constexpr std::size_t kGeneratedClasses = 10;

/// The same seed and sizes give the same bytes on every machine and build (integer arithmetic but for the
/// draws). Training and held-out samples come from one distribution and are independent of each other.
TrainAndTest generate_images(std::uint64_t seed, std::size_t train_samples, std::size_t test_samples);

}  // namespace meridian
