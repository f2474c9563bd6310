// Goal: every form of the matrix product, replacing and accumulating, is right for shapes from 1 x 1 to odd
// sizes beyond the library's blocks, gives the same bits wherever its operands lie, and starts no threads.
// How: a plain triple loop in double precision over seeded random matrices is the reference.
#include "src/math/products.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <thread>
#include <vector>

#include "src/base/check.h"
#include "src/base/float_buffer.h"
#include "src/base/random.h"

namespace meridian {
namespace {

struct Shape {
  std::size_t m, n, k;
};

std::vector<Shape> shapes() {
  std::vector<Shape> result{{1, 1, 1},     {1, 7, 3},     {5, 1, 9},      {3, 4, 1},
                            {10, 64, 128}, {64, 10, 128}, {64, 128, 784}, {128, 784, 64},
                            {33, 65, 257}, {500, 10, 33}, {2, 3, 0},      {0, 3, 2}};
  Random random(11);
  for (int i = 0; i < 60; ++i)
    result.push_back({1 + random.below(70), 1 + random.below(70), 1 + random.below(150)});
  return result;
}

FloatBuffer random_values(Random& random, std::size_t size) {
  FloatBuffer values(size);
  for (float& value : values.span()) value = static_cast<float>(random.normal());
  return values;
}

enum class Form { plain, transposed_left, transposed_right };

struct Operands {
  ConstMatrix a, b;
};

Operands operands(Form form, const Shape& shape, const float* a, const float* b) {
  switch (form) {
    case Form::plain:
      return {{a, shape.m, shape.k}, {b, shape.k, shape.n}};
    case Form::transposed_left:
      return {{a, shape.k, shape.m}, {b, shape.k, shape.n}};
    case Form::transposed_right:
      return {{a, shape.m, shape.k}, {b, shape.n, shape.k}};
  }
  return {};
}

void run_product(Form form, const Operands& from, Matrix result, ProductMode mode) {
  switch (form) {
    case Form::plain:
      return multiply(from.a, from.b, result, mode);
    case Form::transposed_left:
      return multiply_transposed_left(from.a, from.b, result, mode);
    case Form::transposed_right:
      return multiply_transposed_right(from.a, from.b, result, mode);
  }
}

double reference(Form form, const Operands& from, std::size_t k, std::size_t row, std::size_t column) {
  double sum = 0.0;
  for (std::size_t i = 0; i < k; ++i) {
    const float a = form == Form::transposed_left ? from.a.data[i * from.a.columns + row]
                                                  : from.a.data[row * from.a.columns + i];
    const float b = form == Form::transposed_right ? from.b.data[column * from.b.columns + i]
                                                   : from.b.data[i * from.b.columns + column];
    sum += static_cast<double>(a) * static_cast<double>(b);
  }
  return sum;
}

class Products : public testing::TestWithParam<Form> {};

TEST_P(Products, AgreeWithADoubleLoop) {
  Random random(7);
  for (const Shape& shape : shapes()) {
    const FloatBuffer a = random_values(random, shape.m * shape.k);
    const FloatBuffer b = random_values(random, shape.k * shape.n);
    const FloatBuffer before = random_values(random, shape.m * shape.n);
    const Operands from = operands(GetParam(), shape, a.data(), b.data());
    for (const ProductMode mode : {ProductMode::replace, ProductMode::accumulate}) {
      FloatBuffer result = before.clone();
      run_product(GetParam(), from, {result.data(), shape.m, shape.n}, mode);
      for (std::size_t i = 0; i < result.size(); ++i) {
        const double product = reference(GetParam(), from, shape.k, i / shape.n, i % shape.n);
        const double expected =
            product + (mode == ProductMode::accumulate ? static_cast<double>(before[i]) : 0.0);
        // Rounding grows with the square root of the number of terms, each of size about 1.
        ASSERT_NEAR(result[i], expected, 2e-6 * (3.0 + 2.0 * std::sqrt(static_cast<double>(shape.k))))
            << shape.m << " x " << shape.n << " x " << shape.k << " at " << i;
      }
    }
  }
}

TEST_P(Products, ReplacingForgetsEvenANaN) {
  const std::vector<float> ones(6, 1.0F);
  const Shape shape{2, 3, 2};
  std::vector<float> result(6, std::nanf(""));
  run_product(GetParam(), operands(GetParam(), shape, ones.data(), ones.data()), {result.data(), 2, 3},
              ProductMode::replace);
  EXPECT_EQ(result, std::vector<float>(6, 2.0F));
}

TEST_P(Products, GiveTheSameBitsWhereverOperandsLie) {
  Random random(3);
  for (const Shape& shape : shapes()) {
    const FloatBuffer a = random_values(random, shape.m * shape.k + 16);
    const FloatBuffer b = random_values(random, shape.k * shape.n + 16);
    std::vector<float> first;
    for (const std::size_t offset : {0U, 1U, 2U, 3U, 5U}) {
      FloatBuffer moved_a(a.size() + offset);
      FloatBuffer moved_b(b.size() + offset);
      std::copy_n(a.data(), a.size(), moved_a.data() + offset);
      std::copy_n(b.data(), b.size(), moved_b.data() + offset);
      FloatBuffer result(shape.m * shape.n + offset);
      run_product(GetParam(), operands(GetParam(), shape, moved_a.data() + offset, moved_b.data() + offset),
                  {result.data() + offset, shape.m, shape.n}, ProductMode::replace);
      const std::vector<float> values(result.data() + offset, result.data() + offset + shape.m * shape.n);
      if (offset == 0) first = values;
      ASSERT_EQ(values, first) << shape.m << " x " << shape.n << " x " << shape.k << " moved by " << offset;
    }
  }
}

TEST_P(Products, RefuseShapesThatDoNotFit) {
  std::vector<float> values(100);
  const Operands from = operands(GetParam(), {2, 3, 4}, values.data(), values.data());
  EXPECT_THROW(run_product(GetParam(), from, {values.data(), 3, 3}, ProductMode::replace), BrokenInvariant);
  EXPECT_THROW(run_product(GetParam(), from, {values.data(), 2, 4}, ProductMode::replace), BrokenInvariant);
}

INSTANTIATE_TEST_SUITE_P(Forms, Products,
                         testing::Values(Form::plain, Form::transposed_left, Form::transposed_right));

TEST(ProductThreads, AProductRunsOnItsCallersThreadAlone) {
  const std::filesystem::path tasks("/proc/self/task");
  if (!std::filesystem::exists(tasks)) GTEST_SKIP() << "no /proc on this system";
  const auto count = [&] {
    return std::distance(std::filesystem::directory_iterator(tasks), std::filesystem::directory_iterator());
  };
  // Large enough for the library to want several threads, and from a thread that never made a product before.
  const FloatBuffer a(std::size_t{400} * 400);
  FloatBuffer result(a.size());
  const auto threads_before = count();
  std::ptrdiff_t during = 0;
  std::thread([&] {
    multiply({a.data(), 400, 400}, {a.data(), 400, 400}, {result.data(), 400, 400});
    during = count();  // OpenMP keeps its threads after the product, for the next one.
  }).join();
  EXPECT_EQ(during, threads_before + 1);
}

}  // namespace
}  // namespace meridian
