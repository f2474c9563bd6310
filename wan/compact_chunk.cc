#include "wan/compact_chunk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "wan/compact_indexes.h"
#include "wan/compact_values.h"
#include "wan/dense_values.h"
#include "wan/gaia_chunk.h"
#include "wan/segment_list.h"

namespace meridian::wan {
namespace {

/// `count` elements that stand in `bytes`: where they stand, if that is aligned for them, or in `room`.
template <typename Element>
std::span<const Element> aligned(const std::byte* bytes, std::size_t count,
                                 UninitialisedVector<Element>& room) {
  if (reinterpret_cast<std::uintptr_t>(bytes) % alignof(Element) == 0)
    return {reinterpret_cast<const Element*>(bytes), count};
  room.resize(count);
  if (count > 0) std::memcpy(room.data(), bytes, count * sizeof(Element));
  return room;
}

/// `offsets` with `shift` added to each: where they stand, if that is 0, or in `room`, where they may stand.
std::span<const std::uint32_t> shifted(std::span<const std::uint32_t> offsets, std::size_t shift,
                                       UninitialisedVector<std::uint32_t>& room) {
  if (shift == 0) return offsets;
  room.resize(offsets.size());
  std::transform(offsets.begin(), offsets.end(), room.begin(),
                 [&](std::uint32_t offset) { return offset + static_cast<std::uint32_t>(shift); });
  return room;
}

/// Room for the encoded bytes of a chunk of so many bytes: no block of values and no list of indexes takes
/// more than its plain layout, a byte that names its code, and what is written beyond the end.
std::size_t most_bytes(std::size_t plain, std::size_t segments) {
  constexpr std::size_t kOfSegment = 64;
  return plain + plain / sizeof(float) / kValueBlock + kOfSegment * (segments + 1);
}

/// Reads one segment from the beginning of `bytes` into its plain layout; returns the bytes it took.
Result<std::size_t> expand_segment(const Segment& segment, std::span<const std::byte> bytes, float* plain,
                                   UninitialisedVector<std::uint32_t>& offsets) {
  if (segment.sparse == 0) return read_dense(bytes, {plain, segment.count});
  offsets.resize(segment.sparse);
  const auto indexes = read_indexes(bytes, segment.count, offsets);
  if (!indexes) return indexes.error();
  std::memcpy(plain, offsets.data(), offsets.size() * sizeof(std::uint32_t));
  const auto read = read_values(bytes.subspan(indexes.value()), {plain + segment.sparse, segment.sparse});
  if (!read) return read.error();
  return indexes.value() + read.value();
}

/// A sparse segment that spans most of what is shared of its table takes fewer bytes as one that spans all.
Segment widened(const Segment& segment, const datacenter::TableRange& shared) {
  if (segment.sparse == 0 || segment.count < shared.size() / 2) return segment;
  return {segment.table, shared.begin, shared.size(), segment.sparse};
}

/// Why segments are not what this receiver shares with the sender, in all.
Failure check_sizes(std::span<const Segment> segments, const std::vector<datacenter::TableRange>& shared) {
  std::vector<std::size_t> entries(shared.size());
  for (const Segment& segment : segments) {
    if (segment.table >= shared.size()) return Error{fmt::format("an update of table {}", segment.table)};
    entries[segment.table] += segment.values();
    if (segment.sparse > segment.count || entries[segment.table] > shared[segment.table].size()) {
      return Error{fmt::format("an update of more entries of table {} than the {} that are shared",
                               segment.table, shared[segment.table].size())};
    }
  }
  return {};
}

std::size_t plain_bytes(std::span<const Segment> segments) {
  std::size_t size = 0;
  for (const Segment& segment : segments) size += segment.payload_bytes();
  return size;
}

/// The payload of compact segments, from `from` on, in the plain layout.
Result<Payload> expand(std::span<const Segment> segments, std::span<const std::byte> bytes,
                       std::size_t from) {
  static_assert(sizeof(float) == sizeof(std::uint32_t));
  const std::size_t size = plain_bytes(segments) / sizeof(float);
  const auto plain = std::make_shared_for_overwrite<float[]>(size);
  UninitialisedVector<std::uint32_t> offsets;
  std::size_t to = 0;
  for (const Segment& segment : segments) {
    const auto taken = expand_segment(segment, bytes.subspan(from), plain.get() + to, offsets);
    if (!taken) return taken.error();
    from += taken.value();
    to += segment.payload_bytes() / sizeof(float);
  }
  if (from != bytes.size()) return Error{fmt::format("{} bytes after an update", bytes.size() - from)};
  return Payload(plain, std::as_bytes(std::span<const float>(plain.get(), size)));
}

Payload encode_compact(const UpdateChunk& chunk, const std::vector<datacenter::TableRange>& shared) {
  std::vector<Segment> segments;
  for (const Segment& segment : chunk.header.segments) {
    segments.push_back(widened(segment, shared[segment.table]));
  }
  UninitialisedVector<std::uint32_t> offsets;
  UninitialisedVector<float> values;
  const auto out = std::make_shared<EncodedBytes>();
  out->reserve(most_bytes(chunk.payload.size(), segments.size()));
  append_segments(segments, shared, *out);
  const std::byte* plain = chunk.payload.bytes().data();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    if (segment.sparse > 0) {
      const std::size_t shift = chunk.header.segments[i].first - segment.first;
      append_indexes(shifted(aligned(plain, segment.sparse, offsets), shift, offsets), segment.count, *out);
    }
    const std::byte* const floats = plain + segment.sparse * sizeof(std::uint32_t);
    const auto own = aligned(floats, segment.values(), values);
    segment.sparse > 0 ? append_values(own, *out) : append_dense(own, *out);
    plain += segment.payload_bytes();
  }
  // It waits until it is acknowledged: what it does not need is given back.
  if (out->size() < out->capacity() / 4 * 3) out->shrink_to_fit();
  return {out, {out->data(), out->size()}};
}

Result<UpdateChunk> decode_compact(Update header, const Payload& payload,
                                   const std::vector<datacenter::TableRange>& shared) {
  if (payload.size() == 0) return UpdateChunk{std::move(header), payload};
  Result<SegmentList> list = read_segments(payload.bytes(), shared);
  if (!list) return list.error();
  header.segments = std::move(list.value().segments);
  if (Failure wrong = check_sizes(header.segments, shared)) return *wrong;
  for (const Segment& segment : header.segments) {
    // Each of its values takes a bit at least: room is made for no more than came.
    if (segment.sparse > 8 * payload.size()) return Error{"an update whose values are cut short"};
  }
  Result<Payload> plain = expand(header.segments, payload.bytes(), list.value().bytes);
  if (!plain) return plain.error();
  return UpdateChunk{std::move(header), std::move(plain).value()};
}

}  // namespace

Payload encode(const UpdateChunk& chunk, Encoding encoding,
               const std::vector<datacenter::TableRange>& shared) {
  if (chunk.payload.size() == 0) return {};
  switch (encoding) {
    case Encoding::compact:
      return encode_compact(chunk, shared);
    case Encoding::gaia:
      return encode_gaia(chunk);
    case Encoding::plain:
      break;
  }
  return chunk.payload;
}

std::vector<Segment> header_segments(const UpdateChunk& chunk, Encoding encoding) {
  return encoding == Encoding::compact ? std::vector<Segment>{} : chunk.header.segments;
}

Result<UpdateChunk> decode(const Update& header, const Payload& payload, Encoding encoding,
                           const std::vector<datacenter::TableRange>& shared) {
  if (encoding == Encoding::compact) return decode_compact(header, payload, shared);
  if (Failure wrong = check_sizes(header.segments, shared)) return *wrong;
  if (encoding == Encoding::gaia) return decode_gaia(header, payload);
  const std::size_t size = plain_bytes(header.segments);
  if (size != payload.size()) return Error{fmt::format("an update of {} bytes in {}", size, payload.size())};
  return UpdateChunk{header, payload};
}

}  // namespace meridian::wan
