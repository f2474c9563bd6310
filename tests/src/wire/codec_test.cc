// Goal: every kind of message comes back from its header as it went in, costs the bytes it may cost, and what
// is not well-formed is refused with a reason. Reached with a sample of every kind, and by breaking one thing
// at a time.
#include "src/wire/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "tests/src/wire/sample_messages.h"

namespace meridian {
namespace {

using testing::HasSubstr;

/// Why the header is refused; "" where it is not.
std::string refusal_of(const std::vector<std::byte>& header, const std::vector<Payload>& payloads) {
  const Result<Header> body = decode_header(header, payloads);
  return body ? "" : body.error().message;
}

std::string refusal_of(const Body& body, const std::vector<Payload>& payloads) {
  return refusal_of(encode_header(body), payloads);
}

TEST(Codec, EveryKindComesBackAsItWas) {
  std::set<std::size_t> kinds;
  std::set<std::string> names;
  for (const Body& body : sample_bodies()) {
    const Result<Header> decoded = decode_header(encode_header(body), payloads_for(body));
    ASSERT_TRUE(decoded) << kind_name(body) << ": " << decoded.error().message;
    EXPECT_EQ(decoded.value().body, body) << kind_name(body);
    kinds.insert(body.index());
    names.insert(kind_name(body));
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Body>) << "a kind of message has no sample";
  EXPECT_EQ(names.size(), std::variant_size_v<Body>) << "two kinds of message have one name";
}

TEST(Codec, ExtremeFieldsComeBack) {
  constexpr auto kMax32 = std::numeric_limits<std::uint32_t>::max();
  constexpr auto kMax64 = std::numeric_limits<std::uint64_t>::max();
  for (const Body& body : std::vector<Body>{ClockReport{kMax32, kMax32, kMax64, kMax32, kMax64},
                                            Refusal{std::string(200 * 1024, 'x')}, Refusal{""},
                                            Evaluation{kMax32, -std::numeric_limits<double>::infinity()}}) {
    const Result<Header> decoded = decode_header(encode_header(body), {});
    ASSERT_TRUE(decoded) << kind_name(body) << ": " << decoded.error().message;
    EXPECT_EQ(decoded.value().body, body) << kind_name(body);
  }
}

TEST(Codec, WaitsThatAPeerReportsCannotOverflowASum) {
  const Waits endless{Time::max(), Time::max(), Time::max()};
  const Result<Header> decoded = decode_header(encode_header(EvaluationPart{1, {}, false, endless}), {});
  ASSERT_TRUE(decoded);
  Waits sum;
  for (int i = 0; i < 100; ++i) sum += std::get<EvaluationPart>(decoded.value().body).waits;
  EXPECT_GT(sum.local_barrier, Time{0});
  EXPECT_GT(sum.mirror_clock, Time{0});
}

TEST(Codec, TheSessionPositionComesBack) {
  for (const SessionPosition position :
       {SessionPosition{}, SessionPosition{1, 2}, SessionPosition{~0U, ~0U}}) {
    const Result<Header> decoded = decode_header(encode_header(Heartbeat{}, position), {});
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded.value().position, position);
  }
}

std::size_t bytes_on_the_wire(const Body& body, SessionPosition position = {1, 1'000'000}) {
  return wire_bytes(encode_header(body, position).size(), {});
}

TEST(Codec, SmallMessagesAreSmall) {
  // A million clocks and chunks, both directions in use: longer than any run.
  EXPECT_LE(bytes_on_the_wire(ClockReport{1'000'000, 999'999, 1'000'000, 1, 1'000'000}), 40U);
  EXPECT_LE(
      bytes_on_the_wire(ClockReport{1'000'000, 999'999, 16'000'000, 255, 16'000'000}, {255, 16'000'000}),
      40U);
  EXPECT_LE(bytes_on_the_wire(Heartbeat{}), 16U);
  EXPECT_LE(bytes_on_the_wire(Acknowledgement{1, 1'000'000}), 24U);
  EXPECT_LE(bytes_on_the_wire(Pull{1'000'000, false}), 24U);
}

TEST(Codec, CountsTheFramingOfEveryFrame) {
  EXPECT_EQ(wire_bytes(0, {}), 2U);
  EXPECT_EQ(wire_bytes(255, {}), 257U);
  EXPECT_EQ(wire_bytes(256, {}), 265U);
  const std::vector<Payload> payloads{payload_of_size(0), payload_of_size(255), payload_of_size(256)};
  EXPECT_EQ(wire_bytes(20, payloads), 22U + 2U + 257U + 265U);
}

TEST(Codec, RefusesWhatIsNotAHeader) {
  EXPECT_NE(refusal_of(std::vector<std::byte>{}, {}), "");
  EXPECT_NE(refusal_of(std::vector<std::byte>(40, std::byte{0xff}), {}), "");
  EXPECT_THAT(refusal_of(std::vector<std::byte>(kMaxHeaderBytes + 1), {}),
              HasSubstr("a header of 262145 bytes"));
  EXPECT_THAT(refusal_of(Refusal{std::string(kMaxHeaderBytes, 'x')}, {}), HasSubstr("a header of"));
}

TEST(Codec, RefusesATruncatedHeader) {
  for (const Body& body : sample_bodies()) {
    const std::vector<std::byte> header = encode_header(body);
    for (std::size_t size = 0; size < header.size(); ++size) {
      const std::vector<std::byte> cut(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_NE(refusal_of(cut, payloads_for(body)), "") << kind_name(body) << " cut to " << size;
    }
  }
}

// A few zero bytes, packed, announce a message far larger than any header.
TEST(Codec, RefusesAHeaderThatUnpacksToMoreThanAHeaderHolds) {
  std::vector<std::byte> bomb{std::byte{0xff}, std::byte{0},    std::byte{0},    std::byte{0},
                              std::byte{0},    std::byte{0xff}, std::byte{0xff}, std::byte{0xff},
                              std::byte{0x0f}, std::byte{0}};
  bomb.resize(1000, std::byte{0});
  EXPECT_NE(refusal_of(bomb, {}), "");
}

TEST(Codec, RefusesAKindItDoesNotKnow) {
  // The only byte in which the headers of two messages without contents differ is their kind.
  const std::vector<std::byte> one = encode_header(Finished{});
  const std::vector<std::byte> other = encode_header(Acknowledgement{});
  std::vector<std::size_t> differences;
  for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i) {
    if (one[i] == std::byte{7} && other[i] == std::byte{12}) differences.push_back(i);
  }
  ASSERT_EQ(differences.size(), 1U);
  std::vector<std::byte> header = one;
  for (unsigned kind = std::variant_size_v<Body>; kind < 256; ++kind) {
    header[differences.front()] = std::byte(kind);
    EXPECT_THAT(refusal_of(header, {}), HasSubstr("unknown kind")) << kind;
  }
}

TEST(Codec, RefusesPayloadsThatDisagreeWithTheSegments) {
  const Body push = Push{1, 64, {{0, 0, 10, 0}, {1, 0, 3, 0}}};
  EXPECT_EQ(refusal_of(push, {payload_of_size(40), payload_of_size(12)}), "");
  EXPECT_THAT(refusal_of(push, {payload_of_size(40)}), HasSubstr("1 payloads for 2 segments"));
  EXPECT_THAT(refusal_of(push, {payload_of_size(40), payload_of_size(12), payload_of_size(12)}),
              HasSubstr("3 payloads for 2 segments"));
  EXPECT_THAT(refusal_of(push, {payload_of_size(12), payload_of_size(40)}),
              HasSubstr("a payload of 12 bytes for a segment of 40"));
  EXPECT_THAT(refusal_of(push, {payload_of_size(40), payload_of_size(11)}), HasSubstr("11 bytes"));

  const Body reply = PullReply{1, 0, true, false, {}, {{0, 0, 10, 0}}};
  EXPECT_EQ(refusal_of(reply, {payload_of_size(40)}), "");
  EXPECT_NE(refusal_of(reply, {}), "");
  EXPECT_NE(refusal_of(reply, {payload_of_size(44)}), "");

  const Body update = Update{1, 1, {{0, 0, 10, 0}, {1, 0, 100, 3}}};
  EXPECT_EQ(refusal_of(update, {payload_of_size(40 + 24)}), "");
  EXPECT_EQ(refusal_of(update, {payload_of_size(9)}), "") << "only who decodes it knows how long it is";
  EXPECT_THAT(refusal_of(update, {}), HasSubstr("0 payloads of 0 bytes with an update of 2 segments"));
  EXPECT_THAT(refusal_of(update, {payload_of_size(0)}), HasSubstr("1 payloads of 0 bytes"));
  // Its segments stand at the payload's beginning.
  EXPECT_EQ(refusal_of(Update{1, 1, {}}, {payload_of_size(4)}), "");
  EXPECT_NE(refusal_of(update, {payload_of_size(40), payload_of_size(24)}), "");
}

TEST(Codec, RefusesPayloadsWhereNoneBelong) {
  for (const Body& body : sample_bodies()) {
    std::vector<Payload> payloads = payloads_for(body);
    payloads.push_back(payload_of_size(4));
    EXPECT_NE(refusal_of(body, payloads), "") << kind_name(body);
  }
}

TEST(Codec, RefusesTooManySegments) {
  for (const std::size_t count : {kMaxSegments, kMaxSegments + 1}) {
    const Body push = Push{1, 64, std::vector<Segment>(count, Segment{0, 0, 1, 0})};
    EXPECT_EQ(refusal_of(push, payloads_for(push)), count > kMaxSegments ? "4097 segments" : "");
  }
  const Body sample = ServerSample{1, false, 0, 0, 0.0, std::vector<LinkBytes>(kMaxSegments + 1)};
  EXPECT_THAT(refusal_of(sample, {}), HasSubstr("4097 links"));
}

// Counts whose bytes come to nothing, or to something small, in 64 bits.
TEST(Codec, RefusesCountsThatOverflow) {
  constexpr std::uint64_t kOne = 1;
  EXPECT_NE(refusal_of(Push{1, 64, {{0, 0, kOne << 62, 0}}}, {payload_of_size(0)}), "");
  EXPECT_NE(refusal_of(Push{1, 64, {{0, 0, (kOne << 62) + 1, 0}}}, {payload_of_size(4)}), "");
  EXPECT_NE(refusal_of(Push{1, 64, {{0, ~std::uint64_t{0}, 1, 0}}}, {payload_of_size(4)}), "");
  EXPECT_NE(refusal_of(Update{1, 1, {{0, 0, kOne << 62, 0}}}, {}), "");
  EXPECT_NE(refusal_of(Update{1, 1, {{0, 0, kOne << 62, kOne << 61}}}, {}), "");
  EXPECT_NE(refusal_of(Update{1, 1, {{0, 0, kOne << 61, 0}, {0, 0, kOne << 61, 0}}}, {}), "");
}

TEST(Codec, RefusesSegmentsThatSayNothingOrTooMuch) {
  EXPECT_THAT(refusal_of(Push{1, 64, {{0, 3, 0, 0}}}, {payload_of_size(0)}),
              HasSubstr("a segment of 0 entries"));
  EXPECT_THAT(refusal_of(Update{1, 1, {{0, 0, 3, 4}}}, {payload_of_size(32)}),
              HasSubstr("4 sparse entries in a segment of 3"));
  // Offsets have 32 bits.
  EXPECT_THAT(refusal_of(Update{1, 1, {{0, 0, (std::uint64_t{1} << 32) + 1, 1}}}, {payload_of_size(8)}),
              HasSubstr("sparse segment"));
  EXPECT_NE(refusal_of(Push{1, 64, {{0, 0, 10, 2}}}, {payload_of_size(16)}), "") << "pushes are dense";
  EXPECT_NE(refusal_of(PullReply{1, 0, true, false, {}, {{0, 0, 10, 2}}}, {payload_of_size(16)}), "");
}

TEST(Codec, RefusesAReasonToStopThatItDoesNotKnow) {
  EXPECT_THAT(refusal_of(StopProposal{1, static_cast<StopReason>(5)}, {}), HasSubstr("stop reason 5"));
  EXPECT_THAT(refusal_of(StopProposal{1, static_cast<StopReason>(255)}, {}), HasSubstr("stop reason 255"));
}

}  // namespace
}  // namespace meridian
