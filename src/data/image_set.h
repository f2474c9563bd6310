// Labelled images in memory: one byte for each pixel, as the files hold them. They become floats one batch at
// a time, so that a data set costs a quarter of what its floats would.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace meridian {

/// Sample i is pixels[i * height * width ...] with labels[i]. Immutable once made, so any thread may read it.
struct ImageSet {
  std::size_t height = 0;
  std::size_t width = 0;
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint8_t> labels;

  std::size_t size() const { return labels.size(); }
  std::size_t pixels_per_image() const { return height * width; }
  std::span<const std::uint8_t> image(std::size_t i) const {
    return std::span(pixels).subspan(i * pixels_per_image(), pixels_per_image());
  }
};

/// A training set and the held-out set that measures what was learnt from it; equal image sizes.
struct TrainAndTest {
  ImageSet train;
  ImageSet test;
};

/// input = pixel * scale + shift. Made so that the inputs of a set have mean 0 and variance 1 over all its
/// pixels.
struct Normalisation {
  float scale = 1.0F;
  float shift = 0.0F;
};

/// The normalisation of `set`, by one global mean and standard deviation. Where all pixels are equal, scale
/// is 1.
Normalisation normalisation_of(const ImageSet& set);

/// The normalisation by a mean and a standard deviation (above 0) of pixels from 0 to 1, as they are
/// published of many sets.
Normalisation normalisation_by(double mean, double deviation);

}  // namespace meridian
