// Goal: whatever bytes arrive, decoding neither crashes nor lets through a message whose sizes disagree.
// Reached by 100,000 seeded mutations of valid headers, run under the sanitizers too: each result is either
// an error with words in it, or a body that survives another round and fits its payloads. Nothing is written
// to stderr meanwhile: a peer that sends garbage must not be able to fill a log.
#include <gtest/gtest.h>

#include "src/base/random.h"
#include "src/wire/codec.h"
#include "tests/src/wire/sample_messages.h"

namespace meridian {
namespace {

std::vector<std::byte> mutated(std::vector<std::byte> header, const std::vector<std::byte>& other,
                               Random& random) {
  const auto place = [&] { return static_cast<std::ptrdiff_t>(random.below(header.size() + 1)); };
  for (std::uint64_t change = 0; change <= random.below(4); ++change) {
    switch (random.below(6)) {
      case 0:  // a flipped bit
        if (!header.empty())
          header[random.below(header.size())] ^= std::byte{1} << static_cast<int>(random.below(8));
        break;
      case 1:  // any byte
        if (!header.empty()) header[random.below(header.size())] = std::byte(random.below(256));
        break;
      case 2:  // lost bytes
        header.resize(random.below(header.size() + 1));
        break;
      case 3:  // bytes too many
        header.insert(header.begin() + place(), random.below(8), std::byte(random.below(256)));
        break;
      case 4:  // bytes that packing gives a meaning
        header.insert(header.begin() + place(), random.below(2) == 0 ? std::byte{0x00} : std::byte{0xff});
        break;
      default:  // the end of another message
        header.resize(random.below(header.size() + 1));
        header.insert(header.end(), other.begin() + static_cast<std::ptrdiff_t>(random.below(other.size())),
                      other.end());
    }
  }
  return header;
}

TEST(CodecMutations, AreRefusedOrWellFormed) {
  constexpr int kMutations = 100'000;
  const std::vector<Body> bodies = sample_bodies();
  Random random(20);
  int accepted = 0;
  testing::internal::CaptureStderr();
  for (int i = 0; i < kMutations; ++i) {
    const Body& body = bodies[random.below(bodies.size())];
    const Body& other = bodies[random.below(bodies.size())];
    const std::vector<Payload> payloads = payloads_for(body);
    const std::vector<std::byte> header = mutated(encode_header(body), encode_header(other), random);
    const Result<Header> decoded = decode_header(header, payloads);
    if (!decoded) {
      ASSERT_FALSE(decoded.error().message.empty());
      continue;
    }
    ++accepted;
    // Bytes, not values, are compared: a mutation may have made a NaN.
    const std::vector<std::byte> again = encode_header(decoded.value().body, decoded.value().position);
    const Result<Header> twice = decode_header(again, payloads);
    ASSERT_TRUE(twice) << kind_name(body) << ", mutation " << i << ": " << twice.error().message;
    ASSERT_EQ(encode_header(twice.value().body, twice.value().position), again)
        << kind_name(body) << ", mutation " << i;
    // Only an update without segments may come with a payload or without.
    const auto* const update = std::get_if<Update>(&decoded.value().body);
    if (update != nullptr && update->segments.empty()) continue;
    ASSERT_EQ(payloads_for(decoded.value().body).size(), payloads.size())
        << kind_name(body) << ", mutation " << i;
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  // Both ways were taken, or this test shows nothing.
  EXPECT_GT(accepted, kMutations / 100);
  EXPECT_LT(accepted, kMutations * 9 / 10);
}

}  // namespace
}  // namespace meridian
