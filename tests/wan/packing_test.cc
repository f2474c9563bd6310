// Goal: packing keeps what it says, in order, and writes nothing behind it; what was parted comes together
// again. Reached by drawn values of every density and length, with -0, smallest and not finite ones among
// them, against the definitions written out.
#include "wan/packing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <vector>

#include "src/base/random.h"
#include "wan/float_bits.h"

namespace meridian::wan {
namespace {

constexpr std::uint32_t kUntouched = 12345;

std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

struct Entries {
  std::vector<std::uint32_t> offsets;
  std::vector<float> values;
  void add(std::size_t offset, float value) {
    offsets.push_back(static_cast<std::uint32_t>(offset));
    values.push_back(value);
  }
};

/// The first `size` entries that were found.
void expect_same(Entries found, std::size_t size, const Entries& expected) {
  found.offsets.resize(size);
  found.values.resize(size);
  EXPECT_EQ(found.offsets, expected.offsets);
  EXPECT_EQ(bits_of(found.values), bits_of(expected.values));
}

class Packing : public testing::Test {
 protected:
  /// Lengths around whole vectors and beyond the parts in which holes are filled.
  static constexpr std::size_t kLengths[] = {0, 1, 15, 16, 17, 31, 33, 64, 300, 4095, 4096, 4100, 9001};
  static constexpr double kDensities[] = {0.0, 0.02, 0.5, 0.9, 1.0};

  std::vector<float> drawn(std::size_t length, double density) {
    std::vector<float> values(length);
    for (float& value : values) {
      if (random_.uniform() >= density) continue;
      const float special[] = {-0.0F, std::numeric_limits<float>::denorm_min(),
                               -std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::quiet_NaN()};
      value = random_.below(10) == 0 ? special[random_.below(4)] : static_cast<float>(random_.normal());
    }
    return values;
  }

  template <typename Check>
  void for_each_drawn(Check check) {
    for (const std::size_t length : kLengths) {
      for (const double density : kDensities) {
        SCOPED_TRACE(testing::Message() << length << " values of density " << density);
        check(drawn(length, density));
      }
    }
  }

  Random random_{1};
};

TEST_F(Packing, KeepsWhatIsLargeEnough) {
  for_each_drawn([](const std::vector<float>& values) {
    for (const std::uint32_t least : {1U, std::bit_cast<std::uint32_t>(0.7F), 0x7F80'0000U}) {
      Entries expected;
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (magnitude_bits(values[i]) >= least) expected.add(70 + i, values[i]);
      }
      Entries found{std::vector<std::uint32_t>(values.size() + kPackingRoom),
                    std::vector<float>(values.size() + kPackingRoom)};
      const std::size_t size =
          pack_large(values.data(), values.size(), least, 70, found.offsets.data(), found.values.data());
      expect_same(found, size, expected);
    }
  });
}

TEST_F(Packing, MovesEntriesWithinAList) {
  for_each_drawn([](const std::vector<float>& values) {
    // Three entries were dropped before, and one follows.
    constexpr std::size_t kDropped = 3;
    Entries list{std::vector<std::uint32_t>(kDropped), std::vector<float>(kDropped)};
    Entries expected;
    for (std::size_t i = 0; i < values.size(); ++i) {
      list.add(2 * i, values[i]);
      if (values[i] != 0.0F) expected.add(2 * i, values[i]);
    }
    list.add(kUntouched, 1.5F);
    const std::size_t size = keep_nonzeros(list.offsets.data() + kDropped, list.values.data() + kDropped,
                                           values.size(), list.offsets.data(), list.values.data());
    EXPECT_EQ(list.offsets.back(), kUntouched);
    EXPECT_EQ(list.values.back(), 1.5F);
    expect_same(list, size, expected);
  });
}

TEST_F(Packing, PartsHolesFromTheOthersAndFillsThemAgain) {
  for_each_drawn([](const std::vector<float>& values) {
    std::vector<std::uint32_t> expected;
    std::vector<float> expected_others;
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::bit_cast<std::uint32_t>(values[i]) == 0 ? expected.push_back(static_cast<std::uint32_t>(i))
                                                   : expected_others.push_back(values[i]);
    }
    std::vector<std::uint32_t> holes(values.size() + kPackingRoom);
    std::vector<float> others(values.size() + kPackingRoom);
    holes.resize(part_holes(values.data(), values.size(), holes.data(), others.data()));
    EXPECT_EQ(holes, expected);
    const std::vector<float> found(others.begin(),
                                   others.begin() + static_cast<std::ptrdiff_t>(expected_others.size()));
    EXPECT_EQ(bits_of(found), bits_of(expected_others));

    std::vector<float> filled(values.size() + 1, 1.5F);
    fill_holes(holes, others.data(), values.size(), filled.data());
    EXPECT_EQ(filled.back(), 1.5F);
    filled.pop_back();
    EXPECT_EQ(bits_of(filled), bits_of(values));
  });
}

}  // namespace
}  // namespace meridian::wan
