// Goal: floats are read from frames at any address, and never beyond what is there.
#include "src/wire/float_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace meridian {
namespace {

using testing::ElementsAre;

TEST(FloatBytes, AddAndCopyFromAnyAddress) {
  const std::array<float, 3> values{1.5F, -2.0F, 4.0F};
  for (std::size_t shift = 0; shift < sizeof(float); ++shift) {
    std::array<std::byte, sizeof(values) + sizeof(float)> frame{};
    std::memcpy(frame.data() + shift, values.data(), sizeof(values));
    const auto bytes = std::span<const std::byte>(frame).subspan(shift, sizeof(values));
    std::array<float, 3> sum{1.0F, 1.0F, 1.0F};
    add_floats(sum, bytes);
    EXPECT_THAT(sum, ElementsAre(2.5F, -1.0F, 5.0F)) << shift;
    copy_floats(sum, bytes);
    EXPECT_THAT(sum, ElementsAre(1.5F, -2.0F, 4.0F)) << shift;
  }
}

TEST(FloatBytes, RefuseSizesThatDisagree) {
  std::array<float, 2> sum{};
  const std::array<std::byte, 12> bytes{};
  EXPECT_THROW(add_floats(sum, bytes), BrokenInvariant);
  EXPECT_THROW(copy_floats(sum, bytes), BrokenInvariant);
}

TEST(FloatBytes, APayloadLiesOverTheBuffersOwnMemory) {
  const auto buffer = std::make_shared<FloatBuffer>(8);
  (*buffer)[3] = 7.0F;
  const Payload payload = payload_of(buffer, 3, 2);
  EXPECT_EQ(payload.size(), 8U);
  EXPECT_EQ(static_cast<const void*>(payload.bytes().data()), buffer->data() + 3);
  EXPECT_EQ(load_float(payload.bytes().data()), 7.0F);
}

}  // namespace
}  // namespace meridian
