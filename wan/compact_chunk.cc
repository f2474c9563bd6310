#include "wan/compact_chunk.h"

#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "wan/compact_indexes.h"
#include "wan/compact_values.h"

namespace meridian::wan {
namespace {

/// `count` elements that stand in `bytes`, aligned.
template <typename Element>
std::span<const Element> aligned(const std::byte* bytes, std::size_t count, std::vector<Element>& room) {
  room.resize(count);
  if (count > 0) std::memcpy(room.data(), bytes, count * sizeof(Element));
  return room;
}

/// Reads one segment from the beginning of `bytes` into its plain layout; returns the bytes it took.
Result<std::size_t> expand_segment(const Segment& segment, std::span<const std::byte> bytes, std::byte* plain,
                                   std::vector<std::uint32_t>& offsets, std::vector<float>& values) {
  std::size_t at = 0;
  offsets.resize(segment.sparse);
  if (segment.sparse > 0) {
    const auto read = read_indexes(bytes, segment.count, offsets);
    if (!read) return read.error();
    at += read.value();
    std::memcpy(plain, offsets.data(), offsets.size() * sizeof(std::uint32_t));
    plain += offsets.size() * sizeof(std::uint32_t);
  }
  values.resize(segment.values());
  const auto read = read_values(bytes.subspan(at), values);
  if (!read) return read.error();
  if (!values.empty()) std::memcpy(plain, values.data(), values.size() * sizeof(float));
  return at + read.value();
}

}  // namespace

Payload encode(const UpdateChunk& chunk, Encoding encoding) {
  if (encoding == Encoding::plain) return chunk.payload;
  std::vector<std::uint32_t> offsets;
  std::vector<float> values;
  auto out = std::make_shared<std::vector<std::byte>>();
  out->reserve(chunk.payload.size() / 2);
  const std::byte* plain = chunk.payload.bytes().data();
  for (const Segment& segment : chunk.header.segments) {
    if (segment.sparse > 0) append_indexes(aligned(plain, segment.sparse, offsets), segment.count, *out);
    const std::byte* const floats = plain + segment.sparse * sizeof(std::uint32_t);
    append_values(aligned(floats, segment.values(), values), *out);
    plain += segment.payload_bytes();
  }
  return {out, {out->data(), out->size()}};
}

Result<UpdateChunk> decode(const Update& header, const Payload& payload, Encoding encoding,
                           const std::vector<datacenter::TableRange>& shared) {
  std::size_t size = 0;
  std::vector<std::size_t> entries(shared.size());
  for (const Segment& segment : header.segments) {
    if (segment.table >= shared.size()) return Error{fmt::format("an update of table {}", segment.table)};
    entries[segment.table] += segment.values();
    if (segment.sparse > segment.count || entries[segment.table] > shared[segment.table].size()) {
      return Error{fmt::format("an update of more entries of table {} than the {} that are shared",
                               segment.table, shared[segment.table].size())};
    }
    size += segment.payload_bytes();
  }
  if (encoding == Encoding::plain) {
    if (size != payload.size())
      return Error{fmt::format("an update of {} bytes in {}", size, payload.size())};
    return UpdateChunk{header, payload};
  }
  const auto plain = std::make_shared_for_overwrite<std::byte[]>(size);
  std::vector<std::uint32_t> offsets;
  std::vector<float> values;
  std::size_t from = 0;
  std::size_t to = 0;
  for (const Segment& segment : header.segments) {
    const auto taken =
        expand_segment(segment, payload.bytes().subspan(from), plain.get() + to, offsets, values);
    if (!taken) return taken.error();
    from += taken.value();
    to += segment.payload_bytes();
  }
  if (from != payload.size()) return Error{fmt::format("{} bytes after an update", payload.size() - from)};
  return UpdateChunk{header, Payload(plain, {plain.get(), size})};
}

}  // namespace meridian::wan
