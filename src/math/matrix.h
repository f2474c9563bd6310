// Views of row-major matrices of floats, without gaps between rows. They own nothing.
#pragma once

#include <cstddef>

namespace meridian {

struct ConstMatrix {
  const float* data = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;

  std::size_t size() const { return rows * columns; }
};

struct Matrix {
  float* data = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;

  std::size_t size() const { return rows * columns; }
  operator ConstMatrix() const { return {data, rows, columns}; }  // NOLINT(google-explicit-constructor)
};

}  // namespace meridian
