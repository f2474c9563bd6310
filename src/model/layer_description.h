// A network's layers in words and sizes, as a configuration gives them.
#pragma once

#include <cstddef>
#include <string>

namespace meridian {

/// One layer. A value is there where the kind uses it.
struct LayerDescription {
  std::string kind;         ///< conv | max_pool | average_pool | relu | dense | dropout | group_norm
  std::size_t outputs = 0;  ///< conv: filters; dense: values
  std::size_t kernel = 0;   ///< conv, pools: side of the square window
  std::size_t stride = 1;   ///< conv, pools
  std::size_t padding = 0;  ///< conv: zeros on each side, less than kernel
  double rate = 0.0;        ///< dropout: share of values dropped, in [0, 1)
  std::size_t groups = 0;   ///< group_norm: divides the channels

  bool operator==(const LayerDescription&) const = default;
};

/// What goes through a network: images of channels x height x width. After a dense layer height and width
/// are 1.
struct ImageShape {
  std::size_t channels = 1;
  std::size_t height = 1;
  std::size_t width = 1;

  std::size_t size() const { return channels * height * width; }
  bool operator==(const ImageShape&) const = default;
};

}  // namespace meridian
