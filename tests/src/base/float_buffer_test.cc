// Goal: a FloatBuffer starts on a cache line and with zeros, has one owner, and copies only when asked to.
#include "src/base/float_buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <type_traits>
#include <vector>

namespace meridian {
namespace {

TEST(FloatBuffer, StartsOnACacheLineAndWithZerosWhateverItsSize) {
  std::vector<FloatBuffer> kept;  // so that the allocator cannot hand out the same place again
  for (std::size_t size = 1; size <= 200; ++size) {
    kept.emplace_back(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(kept.back().data()) % FloatBuffer::kAlignment, 0U) << size;
    for (const float value : kept.back().span()) ASSERT_EQ(value, 0.0F) << size;
    std::fill_n(kept.back().data(), size, 1.0F);
  }
}

TEST(FloatBuffer, OfSizeZeroIsEmpty) {
  EXPECT_TRUE(FloatBuffer().empty());
  EXPECT_TRUE(FloatBuffer(0).span().empty());
}

TEST(FloatBuffer, MovesItsMemoryAndLeavesNothingBehind) {
  static_assert(!std::is_copy_constructible_v<FloatBuffer>);
  FloatBuffer first(3);
  first[1] = 5.0F;
  const float* const memory = first.data();
  FloatBuffer second(std::move(first));
  EXPECT_EQ(second.data(), memory);
  EXPECT_EQ(second.size(), 3U);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): what is left is part of the contract
  FloatBuffer third(7);
  third = std::move(second);
  EXPECT_EQ(third.data(), memory);
  EXPECT_EQ(third[1], 5.0F);
  EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
}

TEST(FloatBuffer, ClonesIntoMemoryOfItsOwn) {
  FloatBuffer original(3);
  original[2] = 4.0F;
  FloatBuffer copy = original.clone();
  original[2] = 0.0F;
  EXPECT_EQ(copy[2], 4.0F);
  EXPECT_EQ(copy.size(), 3U);
}

TEST(FloatBuffer, ForgetsJustWhatItIsAskedTo) {
  for (const std::size_t size : {std::size_t{10}, std::size_t{100'000}, std::size_t{3'000'000}}) {
    FloatBuffer buffer(size);
    std::fill_n(buffer.data(), size, 7.0F);
    const std::size_t first = size / 7;
    const std::size_t count = size / 2;
    buffer.forget(first, count);
    for (std::size_t i = 0; i < size; ++i)
      ASSERT_EQ(buffer[i], i >= first && i < first + count ? 0.0F : 7.0F) << i << " of " << size;
    buffer[first] = 1.0F;
    EXPECT_EQ(buffer[first], 1.0F) << "it may be written again";
  }
  FloatBuffer().forget(0, 0);
}

TEST(FloatBuffer, UntouchedZerosAreZeros) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{3'000'001}}) {
    {
      FloatBuffer dirty(size);  // whose memory may be used again
      std::fill_n(dirty.data(), size, 7.0F);
    }
    FloatBuffer zeros = FloatBuffer::untouched_zeros(size);
    ASSERT_EQ(zeros.size(), size);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(zeros[i], 0.0F) << i << " of " << size;
    if (size > 0) zeros[size / 2] = 1.0F;
  }
}

TEST(FloatBuffer, RoundsUpToWholeLines) {
  EXPECT_EQ(round_up_to_line(0), 0U);
  EXPECT_EQ(round_up_to_line(1), 16U);
  EXPECT_EQ(round_up_to_line(16), 16U);
  EXPECT_EQ(round_up_to_line(17), 32U);
}

}  // namespace
}  // namespace meridian
