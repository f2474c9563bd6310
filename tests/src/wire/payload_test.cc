// Goal: a payload keeps the memory that it points into alive until the last copy of it is gone, and no
// longer.
#include "src/wire/payload.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace meridian {
namespace {

TEST(Payload, KeepsItsMemoryAlive) {
  auto owner = std::make_shared<std::vector<std::byte>>(100, std::byte{42});
  const std::weak_ptr<const void> memory = owner;
  std::optional<Payload> first(Payload(owner, std::span<const std::byte>(*owner).subspan(10, 20)));
  owner.reset();
  ASSERT_FALSE(memory.expired());
  std::optional<Payload> second(*first);
  first.reset();
  ASSERT_FALSE(memory.expired());
  EXPECT_EQ(second->size(), 20U);
  EXPECT_EQ(second->bytes().back(), std::byte{42});
  second.reset();
  EXPECT_TRUE(memory.expired());
}

TEST(Payload, IsEmptyByDefault) {
  EXPECT_EQ(Payload().size(), 0U);
  EXPECT_EQ(Payload().owner(), nullptr);
}

}  // namespace
}  // namespace meridian
