// Labelled samples of which most features are zero: only the others are in memory. What sparse logistic
// regression learns from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace meridian {

/// Sample i has the features feature[k], of value[k], for k from offsets[i] to offsets[i + 1] - 1; they rise,
/// each once. Immutable once made, so any thread may read it.
struct SparseSamples {
  std::size_t features = 0;             ///< feature[k], counted from 0, is below this
  std::vector<std::size_t> offsets{0};  ///< one more than there are samples
  std::vector<std::uint32_t> feature;
  std::vector<float> value;
  std::vector<std::uint32_t> labels;      ///< the class of each sample, from 0; below classes()
  std::vector<float> label_values;        ///< how the file writes each class, rising: -1 and 1, for one
  std::vector<std::size_t> source_sizes;  ///< how many of the samples, in order, come from each source read

  std::size_t size() const { return labels.size(); }
  std::size_t classes() const { return label_values.size(); }
  std::size_t entries() const { return feature.size(); }
  std::span<const std::uint32_t> features_of(std::size_t sample) const {
    return std::span(feature).subspan(offsets[sample], offsets[sample + 1] - offsets[sample]);
  }
  std::span<const float> values_of(std::size_t sample) const {
    return std::span(value).subspan(offsets[sample], offsets[sample + 1] - offsets[sample]);
  }
};

}  // namespace meridian
