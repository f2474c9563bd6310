// Goal: what crosses a link compactly is the very chunk that was cut, bit for bit; it is about as small as
// its entropy; and whatever bytes arrive instead are refused, or are a chunk within its bounds. Reached by
// drawn indexes of every density, values of every code, chunks cut from drawn selections, and seeded
// mutations, run under the sanitizers too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <tuple>

#include "src/base/random.h"
#include "wan/compact_chunk.h"
#include "wan/compact_indexes.h"
#include "wan/compact_values.h"
#include "wan/dense_values.h"
#include "wan/golomb_code.h"
#include "wan/packed_codes.h"
#include "wan/payload_reader.h"
#include "wan/segment_list.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;
using testing::HasSubstr;

using Bytes = EncodedBytes;

std::vector<std::uint32_t> drawn_offsets(Random& random, std::size_t span, double density) {
  std::vector<std::uint32_t> offsets;
  for (std::size_t i = 0; i < span; ++i) {
    if (random.uniform() < density) offsets.push_back(static_cast<std::uint32_t>(i));
  }
  return offsets;
}

Bytes coded(const std::vector<std::uint32_t>& offsets, std::size_t span) {
  Bytes bytes;
  append_indexes(offsets, span, bytes);
  return bytes;
}

Bytes coded(const std::vector<float>& values) {
  Bytes bytes;
  append_values(values, bytes);
  return bytes;
}

void expect_same_indexes(const std::vector<std::uint32_t>& offsets, std::size_t span) {
  Bytes bytes = coded(offsets, span);
  const std::size_t size = bytes.size();
  bytes.push_back(std::byte{0xFF});  // of whatever comes after them
  std::vector<std::uint32_t> read(offsets.size());
  const auto taken = read_indexes(bytes, span, read);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken.value(), size);
  EXPECT_EQ(read, offsets);
}

void expect_same_values(const std::vector<float>& values) {
  Bytes bytes = coded(values);
  const std::size_t size = bytes.size();
  bytes.push_back(std::byte{0xFF});
  std::vector<float> read(values.size());
  const auto taken = read_values(bytes, read);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken.value(), size);
  if (values.empty()) return;
  EXPECT_EQ(std::memcmp(read.data(), values.data(), values.size() * sizeof(float)), 0);
}

TEST(CompactIndexes, ComeBackAtEveryDensity) {
  Random random(1);
  for (const std::size_t span : {1U, 7U, 8U, 9U, 1000U, 40000U}) {
    for (const double density : {0.0, 0.0003, 0.01, 0.1, 0.5, 0.97, 1.0}) {
      expect_same_indexes(drawn_offsets(random, span, density), span);
    }
  }
  const std::uint32_t last = std::numeric_limits<std::uint32_t>::max();
  expect_same_indexes({last}, std::size_t{last} + 1);
  expect_same_indexes({0, 1, last - 1, last}, std::size_t{last} + 1);
  expect_same_indexes({0, 5, 6, 7, 8, 1'000'000'000}, 1'000'000'001);
}

TEST(CompactIndexes, OfGapsNearMultiplesOfTheParameterComeBack) {
  // Where a size that is computed ahead would be off first.
  Random random(3);
  for (const std::size_t span : {3000UL, 100'000UL, 1UL << 24U, (1UL << 31U) - 1, 1UL << 31U, 1UL << 32U}) {
    for (const std::size_t count : {3UL, 40UL, 700UL}) {
      const std::uint32_t parameter = GolombCode::for_gaps(count, span).parameter();
      std::vector<std::uint32_t> offsets;
      std::uint64_t next = 0;
      while (offsets.size() < count) {
        const std::uint64_t gap = random.below(3) * parameter + random.below(3);
        next += gap == 0 ? gap : gap - 1;
        if (next >= span) break;
        offsets.push_back(static_cast<std::uint32_t>(next++));
      }
      SCOPED_TRACE(testing::Message() << count << " of " << span);
      expect_same_indexes(offsets, span);
    }
  }
}

TEST(CompactIndexes, TakeLittleMoreThanTheirEntropy) {
  Random random(2);
  constexpr std::size_t kSpan = 1'000'000;
  for (const double density : {0.001, 0.01, 0.04, 0.2}) {
    const auto offsets = drawn_offsets(random, kSpan, density);
    const double entropy = -density * std::log2(density) - (1 - density) * std::log2(1 - density);
    const double bits = 8.0 * static_cast<double>(coded(offsets, kSpan).size());
    EXPECT_LT(bits, 1.05 * entropy * kSpan) << density;
  }
}

TEST(CompactIndexes, AreRefusedWhereTheyAreNone) {
  const Bytes good = coded({3, 40, 41, 900}, 1000);
  std::vector<std::uint32_t> read(4);
  EXPECT_TRUE(read_indexes(good, 901, read));
  EXPECT_FALSE(read_indexes(good, 900, read));
  EXPECT_FALSE(read_indexes(std::span(good).first(good.size() - 1), 1000, read));
  EXPECT_FALSE(read_indexes({}, 1000, read));
  const Bytes unknown(20, std::byte{15});
  EXPECT_THAT(read_indexes(unknown, 1000, read).error().message, HasSubstr("unknown code 15"));
  // Words that do not rise.
  Bytes words(1 + 2 * sizeof(std::uint32_t), std::byte{0});
  std::vector<std::uint32_t> two(2);
  EXPECT_THAT(read_indexes(words, 10, two).error().message, HasSubstr("do not rise"));
}

TEST(CompactIndexes, OutermostEntriesOfASpanCostNothing) {
  EXPECT_EQ(coded({0, 99'999}, 100'000).size(), 1U);
  EXPECT_LT(coded({0, 50'000, 99'999}, 100'000).size(), coded({0, 50'000, 99'998}, 100'000).size());
  // A list of one index cannot be such.
  std::vector<std::uint32_t> one(1);
  EXPECT_THAT(read_indexes(Bytes{std::byte{129}, std::byte{0}}, 8, one).error().message,
              HasSubstr("1 indexes"));
}

TEST(CompactIndexes, OfFewEntriesCostLittleMoreThanTheWaysToChooseThem) {
  Random random(12);
  for (const std::size_t count : {10U, 30U, 100U}) {
    constexpr std::size_t kSpanOfMany = 100'352;
    constexpr int kDraws = 100;
    std::size_t bytes = 0;
    for (int draw = 0; draw < kDraws; ++draw) {
      std::set<std::uint32_t> chosen;
      while (chosen.size() < count) chosen.insert(static_cast<std::uint32_t>(random.below(kSpanOfMany)));
      bytes += coded(std::vector(chosen.begin(), chosen.end()), kSpanOfMany).size();
    }
    double least = 0.0;
    for (std::size_t i = 0; i < count; ++i)
      least += std::log2(static_cast<double>(kSpanOfMany - i) / static_cast<double>(i + 1));
    EXPECT_LT(static_cast<double>(bytes) / kDraws, least / 8 + 3) << count;
  }
}

TEST(GolombCode, ComesBackInTheBitsThatItSays) {
  constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
  for (const std::uint32_t parameter : {1U, 2U, 3U, 5U, 64U, 1000U, 0x8000'0001U}) {
    const GolombCode code(parameter);
    const std::uint32_t far = parameter > 1000 ? kMost : parameter * 300;
    for (const std::uint32_t number : {0U, 1U, 2U, 3U, 62U, 63U, 64U, 65U, parameter - 1, parameter, far}) {
      Bytes bytes(code.bits(number) / 8 + 1 + BitWriter::kSlack, std::byte{0});
      BitWriter out(bytes.data());
      code.put(number, out);
      EXPECT_EQ(static_cast<std::uint64_t>(out.end() - bytes.data()), (code.bits(number) + 7) / 8);
      bytes.resize((code.bits(number) + 7) / 8);
      BitReader in(bytes);
      EXPECT_EQ(code.take(in, kMost), number) << parameter;
      EXPECT_FALSE(in.overrun());
    }
  }
}

template <unsigned kBits>
void expect_same_codes() {
  Random random(13);
  for (const std::size_t count : {1U, 7U, 8U, 9U, 256U}) {
    std::vector<std::uint8_t> codes(count + kCodesAtOnce);
    for (std::size_t i = 0; i < count; ++i) codes[i] = static_cast<std::uint8_t>(random.below(1U << kBits));
    Bytes packed(packed_bytes(count, kBits) + kPackingSlack);
    pack<kBits>(codes.data(), count, packed.data());
    for (std::size_t i = 0; i < count; ++i) {
      BitReader bits(packed);
      bits.skip(static_cast<unsigned>(i) * kBits);
      EXPECT_EQ(bits.take(kBits), codes[i]);
    }
    std::vector<std::uint8_t> read(count + kCodesAtOnce);
    unpack<kBits>(packed.data(), count, read.data());
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(read[i], codes[i]);
  }
}

TEST(PackedCodes, StandOneAfterTheOther) {
  expect_same_codes<1>();
  expect_same_codes<2>();
  expect_same_codes<3>();
  expect_same_codes<4>();
}

TEST(DenseValues, AreSmallWhateverTheirFirstValuesAre) {
  // The first ones alone take next to nothing in one block after another, holes among them or not.
  Random random(15);
  std::vector<float> values(200'000);
  values[0] = 1.37F;
  for (std::size_t i = 2048; i < values.size(); ++i) {
    if (random.uniform() < 0.52) values[i] = static_cast<float>(random.normal());
  }
  Bytes bytes;
  append_dense(values, bytes);
  const auto others = static_cast<double>(values.size() - 2048) * 0.52;
  EXPECT_LT(static_cast<double>(bytes.size()), 1.05 * (others * sizeof(float) + 200'000.0 / 8));
  std::vector<float> read(values.size());
  ASSERT_TRUE(read_dense(bytes, read));
  EXPECT_EQ(read, values);
}

TEST(DenseValues, WithHolesComeBackAndKeepTheirBlocks) {
  Random random(14);
  for (const double holes : {0.0, 0.01, 0.3, 0.9, 1.0}) {
    std::vector<float> values(2000);
    for (std::size_t i = 0, kept = 0; i < values.size(); ++i) {
      if (random.uniform() < holes) continue;
      // Every block of what is kept has a level of its own.
      values[i] = (random.below(2) == 0 ? 0.5F : -0.5F) / static_cast<float>(1U << (kept++ / kValueBlock));
    }
    Bytes bytes;
    append_dense(values, bytes);
    if (holes > 0.0 && holes < 1.0) {
      Bytes all;
      append_values(values, all);
      EXPECT_LT(bytes.size(), all.size()) << holes;
    }
    for (const std::size_t missing : {0U, 1U}) {
      std::vector<float> read(values.size());
      const auto taken = read_dense(std::span(bytes).first(bytes.size() - missing), read);
      ASSERT_EQ(taken.ok(), missing == 0) << holes;
      if (taken) {
        EXPECT_EQ(taken.value(), bytes.size());
        EXPECT_EQ(read, values);
      }
    }
  }
  std::vector<float> read(3);
  const Bytes beyond{std::byte{3}, std::byte{4}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};
  EXPECT_THAT(read_dense(beyond, read).error().message, HasSubstr("4 zeros among 3 values"));
}

TEST(CompactValues, ComeBackInEveryCode) {
  Random random(3);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kLeast = std::numeric_limits<float>::denorm_min();
  constexpr float kLargest = std::numeric_limits<float>::max();
  for (const std::size_t count : {1U, 2U, 255U, 256U, 257U, 1000U}) {
    std::vector<float> values(count);
    const auto fill = [&](auto draw) {
      for (float& value : values) value = draw();
      expect_same_values(values);
    };
    fill([&] { return static_cast<float>(random.normal()); });
    fill([&] { return random.below(2) == 0 ? 0.3F : -0.3F; });
    fill([&] { return (random.below(2) == 0 ? 1.0F : -1.0F) * (random.below(2) == 0 ? 0.1F : 0.7F); });
    fill([&] { return static_cast<float>(static_cast<int>(random.below(15)) - 7) * 0.125F; });
    fill([&] { return static_cast<float>(static_cast<int>(random.below(255)) - 127) * 0x1.0p-120F; });
    fill([&] { return static_cast<float>(static_cast<int>(random.below(60000)) - 30000) * 4.0F; });
    fill([&] { return std::bit_cast<float>(static_cast<std::uint32_t>(random.next() & 0x7F7F'0000U)); });
    fill([&] {
      return static_cast<float>(random.below(2048)) * std::ldexp(1.0F, -static_cast<int>(random.below(9)));
    });
    fill([&] { return std::bit_cast<float>(static_cast<std::uint32_t>(random.next())); });
    fill([&] { return random.below(2) == 0 ? -0.0F : 1.0F; });
    fill([&] { return random.below(2) == 0 ? kInfinity : kNan; });
    fill([&] { return static_cast<float>(random.below(5)) * kLeast; });
    fill([&] { return random.below(2) == 0 ? kLargest : kLeast; });
  }
  expect_same_values({});
}

TEST(CompactValues, TakeTheBitsThatTheyNeed) {
  const auto size_of = [](auto value_at) {
    std::vector<float> values(kValueBlock);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = value_at(i);
    return coded(values).size();
  };
  const auto sign = [](std::size_t i) { return i % 3 == 0 ? -1.0F : 1.0F; };
  EXPECT_EQ(size_of([&](std::size_t i) { return 0.5F * sign(i); }), 2 + 256 / 8);
  EXPECT_EQ(size_of([&](std::size_t i) { return 2.5F * sign(i); }), 1 + 2 + 256 / 8);
  EXPECT_EQ(size_of([&](std::size_t i) { return 0.3F * sign(i); }), 1 + 4 + 256 / 8);
  EXPECT_EQ(size_of([&](std::size_t i) { return (i % 2 == 0 ? 0.5F : 1.25F) * sign(i); }), 3 + 256 / 4);
  EXPECT_EQ(size_of([&](std::size_t i) { return (i % 2 == 0 ? 0.01F : 1.25F) * sign(i); }), 1 + 8 + 256 / 4);
  EXPECT_EQ(size_of([&](std::size_t i) { return (i % 2 == 0 ? 0.015625F : 1.25F) * sign(i); }),
            1 + 4 + 256 / 4);
  EXPECT_EQ(size_of([&](std::size_t i) { return static_cast<float>(1 + i % 7) * 0.25F * sign(i); }),
            1 + 1 + 256 / 2);
  EXPECT_EQ(size_of([](std::size_t i) { return (static_cast<float>(i) - 127.0F) * 0.25F; }), 1 + 2 * 256)
      << "128 needs a ninth bit, and bf16 has as many";
  EXPECT_EQ(size_of([](std::size_t i) { return static_cast<float>(i % 128) * -0.25F + 0.0F; }), 1 + 1 + 256);
  EXPECT_EQ(size_of([](std::size_t i) { return 1.0F + static_cast<float>(i) * 0x1.0p-20F; }), 1 + 4 * 256);
}

TEST(CompactValues, AreRefusedWhereTheyAreNone) {
  std::vector<float> read(3);
  EXPECT_FALSE(read_values({}, read));
  EXPECT_THAT(read_values(Bytes(20, std::byte{9}), read).error().message, HasSubstr("unknown code 9"));
  EXPECT_THAT(read_values(Bytes{std::byte{0}, std::byte{0}}, read).error().message, HasSubstr("cut short"));
  const Bytes beyond{std::byte{32}, std::byte{127}, std::byte{0}, std::byte{0}};
  EXPECT_THAT(read_values(beyond, read).error().message, HasSubstr("a grid of 2^127"));
}

// ---- chunks

constexpr std::size_t kSpan = 3000;
Result<UpdateChunk> decoded(const Update& header, const Payload& payload,
                            const std::vector<TableRange>& shared) {
  return decode(header, payload, Encoding::compact, shared);
}

const std::vector<TableRange>& owned() {
  static const std::vector<TableRange> ranges = {{100, 100 + kSpan}, {0, 40}, {7, 7 + kSpan}};
  return ranges;
}

Selection drawn_selection(Random& random) {
  Selection selection(owned().size());
  for (std::size_t table = 0; table < selection.size(); ++table) {
    const double density = std::array{0.0, 0.01, 0.3, 1.0}[random.below(4)];
    const bool round = random.below(2) == 0;
    for (const std::uint32_t offset : drawn_offsets(random, owned()[table].size(), density)) {
      const auto value = static_cast<float>(random.normal());
      selection[table].add(offset, round ? std::copysign(0.25F, value) : value);
    }
  }
  return selection;
}

Payload payload_of(const Bytes& bytes) {
  const auto owner = std::make_shared<Bytes>(bytes);
  return {owner, *owner};
}

/// Table, flat index and bits of every entry.
using Entries = std::vector<std::tuple<std::size_t, std::size_t, std::uint32_t>>;
Entries entries_of(const UpdateChunk& chunk) {
  Entries entries;
  for_each_entry(chunk, [&](std::size_t table, std::size_t flat, float value) {
    entries.emplace_back(table, flat, std::bit_cast<std::uint32_t>(value));
  });
  return entries;
}

TEST(CompactChunk, IsTheChunkThatWasCut) {
  Random random(4);
  std::size_t chunks = 0;
  for (int draw = 0; draw < 200; ++draw) {
    const Selection selection = drawn_selection(random);
    ChunkCutter cutter(selection, owned(), owned());
    for (; !cutter.done(); ++chunks) {
      const UpdateChunk chunk = cutter.next(500 + random.below(8000));
      const Payload payload = encode(chunk, Encoding::compact, owned());
      EXPECT_LE(payload.size(), chunk.payload.size() + chunk.header.segments.size() * 16);
      const auto read = decoded(chunk.header, payload, owned());
      ASSERT_TRUE(read) << read.error().message;
      EXPECT_EQ(entries_of(read.value()), entries_of(chunk));
    }
  }
  EXPECT_GT(chunks, 200U);
}

TEST(CompactChunk, NothingIsAllocatedForMoreThanIsShared) {
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 61;
  const Payload some = payload_of(Bytes(16, std::byte{0}));
  for (const Segment& segment :
       {Segment{0, 100, kHuge, 0}, Segment{0, 100, kHuge, kHuge}, Segment{1, 0, 41, 0}}) {
    for (const Encoding encoding : {Encoding::plain, Encoding::gaia}) {
      const auto read = decode(Update{1, 1, {segment}}, some, encoding, owned());
      ASSERT_FALSE(read);
      EXPECT_THAT(read.error().message, HasSubstr("more entries of table"));
    }
  }
  EXPECT_THAT(decode(Update{1, 1, {{3, 0, 1, 0}}}, some, Encoding::plain, owned()).error().message,
              HasSubstr("table 3"));
  Bytes twice;
  append_segments(std::vector<Segment>{{1, 0, 30, 0}, {1, 0, 30, 0}}, owned(), twice);
  EXPECT_THAT(decoded(Update{1, 1, {}}, payload_of(twice), owned()).error().message,
              HasSubstr("more entries of table 1"));
}

TEST(CompactChunk, PlainOnesAreTheirSegmentsBytes) {
  Selection selection(owned().size());
  selection[0].add(3, 0.5F);
  selection[0].add(300, 0.25F);
  ChunkCutter cutter(selection, owned(), owned());
  const UpdateChunk chunk = cutter.next(4096);
  const Payload payload = encode(chunk, Encoding::plain, owned());
  EXPECT_EQ(payload.size(), 16U);
  EXPECT_TRUE(decode(chunk.header, payload, Encoding::plain, owned()));
  EXPECT_THAT(
      decode(chunk.header, payload_of(Bytes(15, std::byte{0})), Encoding::plain, owned()).error().message,
      HasSubstr("an update of 16 bytes in 15"));
}

TEST(CompactChunk, BytesThatAreLeftOverAreRefused) {
  Selection selection(owned().size());
  selection[1].add(3, 0.5F);
  ChunkCutter cutter(selection, owned(), owned());
  const UpdateChunk chunk = cutter.next(4096);
  const Payload payload = encode(chunk, Encoding::compact, owned());
  Bytes longer(payload.bytes().begin(), payload.bytes().end());
  longer.push_back(std::byte{0});
  EXPECT_THAT(decoded(chunk.header, payload_of(longer), owned()).error().message,
              HasSubstr("1 bytes after an update"));
}

Entries nonzero(Entries entries) {
  std::erase_if(entries, [](const auto& entry) { return std::get<2>(entry) == 0; });
  return entries;
}

TEST(GaiaChunk, IsTheChunkThatWasCutInTwelveBytesAnEntry) {
  Random random(6);
  for (int draw = 0; draw < 200; ++draw) {
    const Selection selection = drawn_selection(random);
    ChunkCutter cutter(selection, owned(), owned());
    while (!cutter.done()) {
      const UpdateChunk chunk = cutter.next(500 + random.below(8000));
      std::size_t bytes = 0;
      for (const Segment& segment : chunk.header.segments) {
        bytes += segment.sparse == 0 ? segment.count * 4 : std::min(segment.sparse * 12, segment.count * 4);
      }
      const Payload payload = encode(chunk, Encoding::gaia, owned());
      EXPECT_EQ(payload.size(), bytes);
      const auto read = decode(chunk.header, payload, Encoding::gaia, owned());
      ASSERT_TRUE(read) << read.error().message;
      ASSERT_FALSE(check_chunk(read.value(), owned()));
      EXPECT_EQ(nonzero(entries_of(read.value())), nonzero(entries_of(chunk)));
    }
  }
}

TEST(GaiaChunk, WhatIsNoneIsRefused) {
  const Update header{1, 1, {{0, 100, 100, 2}}};
  const auto refusal = [&](const Bytes& bytes) {
    const auto read = decode(header, payload_of(bytes), Encoding::gaia, owned());
    if (!read) return read.error().message;
    const Failure wrong = check_chunk(read.value(), owned());
    return wrong ? wrong->message : "";
  };
  Bytes bytes(24, std::byte{0});
  EXPECT_THAT(refusal(Bytes(23, std::byte{0})), HasSubstr("an update of 24 bytes in 23"));
  EXPECT_THAT(refusal(bytes), HasSubstr("do not rise"));
  bytes[12] = std::byte{99};
  EXPECT_EQ(refusal(bytes), "");
  bytes[12] = std::byte{100};
  EXPECT_THAT(refusal(bytes), HasSubstr("do not rise within their range"));
  bytes[19] = std::byte{1};
  EXPECT_THAT(refusal(bytes), HasSubstr("of 100"));
}

// ---- which segments

TEST(SegmentList, IsWhatWasWrittenInFewBytes) {
  const std::vector<std::vector<Segment>> lists = {{},
                                                   {{0, 100, kSpan, 0}},
                                                   {{0, 100, kSpan, 30}, {1, 0, 40, 3}, {2, 7, kSpan, 0}},
                                                   {{0, 150, 20, 7}, {0, 2000, 1000, 0}, {2, 8, 1, 1}}};
  for (const std::vector<Segment>& segments : lists) {
    Bytes bytes;
    append_segments(segments, owned(), bytes);
    EXPECT_LE(bytes.size(), 1 + 8 * segments.size());
    const auto read = read_segments(bytes, owned());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read.value().segments, segments);
    EXPECT_EQ(read.value().bytes, bytes.size());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_THAT(read_segments(std::span(bytes).first(size), owned()).error().message,
                  HasSubstr("cut short"));
    }
  }
  Bytes whole;
  append_segments(lists[2], owned(), whole);
  EXPECT_EQ(whole.size(), 6U);
}

TEST(SegmentList, WhatIsNotSharedIsRefused) {
  const auto refusal = [](std::initializer_list<unsigned> numbers) {
    Bytes bytes;
    for (const unsigned number : numbers) append_varint(bytes, number);
    return read_segments(bytes, owned()).error().message;
  };
  EXPECT_THAT(refusal({5000}), HasSubstr("5000 segments"));
  EXPECT_THAT(refusal({1, 3 << 2}), HasSubstr("table 3"));
  EXPECT_THAT(refusal({2, 2, 5, 3 << 2}), HasSubstr("table 3"));
  EXPECT_THAT(refusal({1, 1, 3001, 0}), HasSubstr("0 entries from 3001 of the 3000"));
  EXPECT_THAT(refusal({1, 1, 5, 2996}), HasSubstr("2996 entries from 5 of the 3000"));
  EXPECT_THAT(refusal({1, 1, 5, 0}), HasSubstr("an empty update of table 0"));
  EXPECT_THAT(refusal({1, 2, 0}), HasSubstr("0 values for 3000 entries"));
  EXPECT_THAT(refusal({1, 2, 3001}), HasSubstr("3001 values for 3000 entries"));
}

// Whatever arrives: it is refused, or it can be checked and applied without leaving its bounds.
TEST(CompactChunk, NoMutationIsReadBeyondItsBounds) {
  Random random(5);
  std::size_t refused = 0;
  std::size_t applied = 0;
  for (int draw = 0; draw < 300; ++draw) {
    const Selection selection = drawn_selection(random);
    ChunkCutter cutter(selection, owned(), owned());
    if (cutter.done()) continue;
    const UpdateChunk chunk = cutter.next(1 << 20);
    const Payload payload = encode(chunk, Encoding::compact, owned());
    for (int mutation = 0; mutation < 100; ++mutation) {
      Bytes bytes(payload.bytes().begin(), payload.bytes().end());
      const Update header{1, 1, {}};
      if (random.below(8) == 0) bytes.resize(random.below(bytes.size() + 1));
      for (std::uint64_t i = random.below(4); i > 0 && !bytes.empty(); --i) {
        bytes[random.below(bytes.size())] ^= static_cast<std::byte>(1U << random.below(8));
      }
      // Most mutations of the whole miss its beginning, where the segments stand.
      if (random.below(4) == 0 && !bytes.empty()) {
        bytes[random.below(std::min<std::size_t>(bytes.size(), 8))] =
            static_cast<std::byte>(random.below(256));
      }
      const auto read = decoded(header, payload_of(bytes), owned());
      if (!read || check_chunk(read.value(), owned())) {
        ++refused;
        continue;
      }
      std::vector<FloatBuffer> sums;
      for (const TableRange& range : owned()) sums.emplace_back(range.size());
      add_chunk_to(read.value(), owned(), sums, /*magnitudes=*/true);
      ++applied;
    }
  }
  EXPECT_GT(refused, 1000U);
  EXPECT_GT(applied, 1000U);
}

}  // namespace
}  // namespace meridian::wan
