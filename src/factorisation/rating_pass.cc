#include "src/factorisation/rating_pass.h"

#include <algorithm>
#include <cstring>

#include "src/base/instruction_sets.h"

namespace meridian {
namespace {

// Vectors that the compiler turns into the registers of each instruction set: a sum over lanes is taken in
// the same order on all of them.
using Lanes4 __attribute__((vector_size(16))) = float;
using Lanes8 __attribute__((vector_size(32))) = float;
using Lanes16 __attribute__((vector_size(64))) = float;

#define MERIDIAN_INLINE [[gnu::always_inline]] inline

// Ratings' rows lie all over memory: they are asked for while these many ratings before them are worked on.
constexpr std::size_t kRatingsAhead = 6;
// The processor itself fetches what follows the first lines of a row.
constexpr std::size_t kLinesAhead = 4;
constexpr std::size_t kFloatsPerLine = 16;

template <typename Vector>
constexpr std::size_t kLanes = sizeof(Vector) / sizeof(float);

template <typename Vector>
MERIDIAN_INLINE void load(const float* from, Vector& to) {
  std::memcpy(&to, from, sizeof(Vector));
}

template <typename Vector>
MERIDIAN_INLINE void store(const Vector& from, float* to) {
  std::memcpy(to, &from, sizeof(Vector));
}

MERIDIAN_INLINE float sum_of_lanes(const Lanes4& v) { return (v[0] + v[2]) + (v[1] + v[3]); }
MERIDIAN_INLINE float sum_of_lanes(const Lanes8& v) {
  const Lanes4 low = __builtin_shufflevector(v, v, 0, 1, 2, 3);
  const Lanes4 high = __builtin_shufflevector(v, v, 4, 5, 6, 7);
  const Lanes4 both = low + high;
  return sum_of_lanes(both);
}
MERIDIAN_INLINE float sum_of_lanes(const Lanes16& v) {
  const Lanes8 low = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
  const Lanes8 high = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  const Lanes8 both = low + high;
  return sum_of_lanes(both);
}

template <bool kWrite>
MERIDIAN_INLINE void prefetch_row(const float* row, std::size_t floats) {
  const std::size_t end = std::min(floats, kLinesAhead * kFloatsPerLine);
  for (std::size_t at = 0; at < end; at += kFloatsPerLine) __builtin_prefetch(row + at, kWrite ? 1 : 0);
}

// A step's factors, the same for all columns of a rating.
struct Step {
  float error = 0.0F;
  float l2 = 0.0F;
  float user_pull = 0.0F;  // rate * error
  float user_keep = 0.0F;  // 1 - rate * l2
};

// ---- a row of factors, of a width known at compile time: kCount vectors, the user's held in registers

template <typename Vector, std::size_t kCount>
struct FixedRow {
  static constexpr std::size_t kRank = kCount * kLanes<Vector>;
  Vector user[kCount];
  Vector item[kCount];

  MERIDIAN_INLINE void begin(const float* from, std::size_t /*rank*/) {
    for (std::size_t k = 0; k < kCount; ++k) load(from + k * kLanes<Vector>, user[k]);
  }
  MERIDIAN_INLINE float dot(const float* from) {
    Vector sums = {};
    for (std::size_t k = 0; k < kCount; ++k) {
      load(from + k * kLanes<Vector>, item[k]);
      sums += user[k] * item[k];
    }
    return sum_of_lanes(sums);
  }
  MERIDIAN_INLINE void step(const Step& step, const float* /*from*/, float* gradient) {
    for (std::size_t k = 0; k < kCount; ++k) {
      Vector g;
      load(gradient + k * kLanes<Vector>, g);
      g += step.l2 * item[k] - step.error * user[k];
      store(g, gradient + k * kLanes<Vector>);
      user[k] = step.user_keep * user[k] + step.user_pull * item[k];
    }
  }
  MERIDIAN_INLINE void end(float* to) const {
    for (std::size_t k = 0; k < kCount; ++k) store(user[k], to + k * kLanes<Vector>);
  }
};

// ---- a row of any width, the user's left in memory

template <typename Vector>
MERIDIAN_INLINE void add_piece(const float* a, const float* b, std::size_t size, std::size_t& at,
                               float& sum) {
  if (at + kLanes < Vector >> size) return;
  Vector left;
  Vector right;
  load(a + at, left);
  load(b + at, right);
  const Vector product = left * right;
  sum += sum_of_lanes(product);
  at += kLanes<Vector>;
}

MERIDIAN_INLINE float inner_product(const float* a, const float* b, std::size_t size) {
  Lanes16 sums = {};
  std::size_t at = 0;
  for (; at + kLanes<Lanes16> <= size; at += kLanes<Lanes16>) {
    Lanes16 left;
    Lanes16 right;
    load(a + at, left);
    load(b + at, right);
    sums += left * right;
  }
  float sum = sum_of_lanes(sums);
  add_piece<Lanes8>(a, b, size, at, sum);
  add_piece<Lanes4>(a, b, size, at, sum);
  for (; at < size; ++at) sum += a[at] * b[at];
  return sum;
}

struct AnyRow {
  float* user = nullptr;
  std::size_t rank = 0;

  MERIDIAN_INLINE void begin(float* from, std::size_t width) {
    user = from;
    rank = width;
  }
  MERIDIAN_INLINE float dot(const float* item) const { return inner_product(user, item, rank); }
  MERIDIAN_INLINE void step(const Step& step, const float* __restrict item,
                            float* __restrict gradient) const {
    float* __restrict const own = user;
    for (std::size_t k = 0; k < rank; ++k) {
      gradient[k] += step.l2 * item[k] - step.error * own[k];
      own[k] = step.user_keep * own[k] + step.user_pull * item[k];
    }
  }
  MERIDIAN_INLINE void end(float* /*to*/) const {}
};

template <typename Row>
MERIDIAN_INLINE void descend_rows(const RatingPass& pass, std::span<const PlacedRating> ratings,
                                  ItemRows items, UserRows<float> users, float* item_gradient,
                                  RatingSums& sums) {
  const bool biases = users.bias != nullptr;
  Step step{.l2 = pass.l2, .user_keep = 1.0F - pass.rate * pass.l2};
  for (std::size_t i = 0; i < ratings.size();) {
    const std::uint32_t user = ratings[i].user;
    float* const user_row = users.factors + user * users.stride;
    float user_bias = biases ? users.bias[user] : 0.0F;
    Row row{};
    row.begin(user_row, pass.rank);
    for (; i < ratings.size() && ratings[i].user == user; ++i) {
      if (i + kRatingsAhead < ratings.size()) {
        const PlacedRating& ahead = ratings[i + kRatingsAhead];
        prefetch_row<false>(items.data + ahead.item * items.columns, items.columns);
        prefetch_row<true>(item_gradient + ahead.item * items.columns, items.columns);
        if (ahead.user != user) prefetch_row<true>(users.factors + ahead.user * users.stride, users.stride);
      }
      const float* const item = items.data + ratings[i].item * items.columns;
      float* const gradient = item_gradient + ratings[i].item * items.columns;
      const float item_bias = biases ? item[pass.rank] : 0.0F;
      const float known = pass.mean + user_bias + item_bias;
      step.error = ratings[i].value - known - row.dot(item);
      step.user_pull = pass.rate * step.error;
      row.step(step, item, gradient);
      if (biases) {
        gradient[pass.rank] += pass.l2 * item_bias - step.error;
        user_bias = step.user_keep * user_bias + step.user_pull;
      }
      const double error = static_cast<double>(step.error);
      sums.errors += error;
      sums.squared_errors += error * error;
    }
    row.end(user_row);
    if (biases) users.bias[user] = user_bias;
  }
}

// Not a template, so that it can be made for each instruction set; all below it is inlined.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, descend_all,
                                  (const RatingPass& pass, std::span<const PlacedRating> ratings,
                                   ItemRows items, UserRows<float> users, float* item_gradient,
                                   RatingSums& sums),
                                  (pass, ratings, items, users, item_gradient, sums)) {
  switch (pass.rank) {
    case FixedRow<Lanes8, 1>::kRank:
      return descend_rows<FixedRow<Lanes8, 1>>(pass, ratings, items, users, item_gradient, sums);
    case FixedRow<Lanes16, 1>::kRank:
      return descend_rows<FixedRow<Lanes16, 1>>(pass, ratings, items, users, item_gradient, sums);
    case FixedRow<Lanes16, 2>::kRank:
      return descend_rows<FixedRow<Lanes16, 2>>(pass, ratings, items, users, item_gradient, sums);
    case FixedRow<Lanes16, 4>::kRank:
      return descend_rows<FixedRow<Lanes16, 4>>(pass, ratings, items, users, item_gradient, sums);
    case FixedRow<Lanes16, 8>::kRank:
      return descend_rows<FixedRow<Lanes16, 8>>(pass, ratings, items, users, item_gradient, sums);
    default:
      return descend_rows<AnyRow>(pass, ratings, items, users, item_gradient, sums);
  }
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, measure_all,
                                  (const RatingPass& pass, std::span<const PlacedRating> ratings,
                                   ItemRows items, UserRows<const float> users, RatingSums& sums),
                                  (pass, ratings, items, users, sums)) {
  for (const PlacedRating& rating : ratings) {
    const float* const item = items.data + rating.item * items.columns;
    const float* const user = users.factors + rating.user * users.stride;
    const float biases = users.bias == nullptr ? 0.0F : users.bias[rating.user] + item[pass.rank];
    const double error =
        static_cast<double>(rating.value - (pass.mean + biases) - inner_product(user, item, pass.rank));
    sums.errors += error;
    sums.squared_errors += error * error;
  }
}

}  // namespace

RatingSums descend(const RatingPass& pass, std::span<const PlacedRating> ratings, ItemRows items,
                   std::size_t listed, UserRows<float> users, float* item_gradient) {
  std::fill_n(item_gradient, listed * items.columns, 0.0F);
  RatingSums sums;
  descend_all(pass, ratings, items, users, item_gradient, sums);
  return sums;
}

RatingSums measure_errors(const RatingPass& pass, std::span<const PlacedRating> ratings, ItemRows items,
                          UserRows<const float> users) {
  RatingSums sums;
  measure_all(pass, ratings, items, users, sums);
  return sums;
}

}  // namespace meridian
