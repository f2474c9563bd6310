#include "wan/gaia_chunk.h"

#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

namespace meridian::wan {
namespace {

constexpr std::size_t kEntryBytes = sizeof(std::uint64_t) + sizeof(float);

/// Whether an array of all that the segment spans is smaller than its entries with their indexes.
bool as_array(const Segment& segment) {
  return segment.sparse == 0 || segment.sparse * kEntryBytes > segment.count * sizeof(float);
}

std::size_t encoded_bytes(const Segment& segment) {
  return as_array(segment) ? segment.count * sizeof(float) : segment.sparse * kEntryBytes;
}

std::uint32_t offset_at(const std::byte* offsets, std::size_t i) {
  std::uint32_t offset = 0;
  std::memcpy(&offset, offsets + i * sizeof(offset), sizeof(offset));
  return offset;
}

/// `to` is zeros.
void write_segment(const Segment& segment, const std::byte* plain, std::byte* to) {
  const std::byte* const values = plain + segment.sparse * sizeof(std::uint32_t);
  if (segment.sparse == 0) {
    std::memcpy(to, values, segment.count * sizeof(float));
    return;
  }
  const bool array = as_array(segment);
  for (std::size_t i = 0; i < segment.sparse; ++i) {
    const std::uint64_t index = offset_at(plain, i);
    std::byte* const entry = to + (array ? index * sizeof(float) : i * kEntryBytes);
    if (!array) std::memcpy(entry, &index, sizeof(index));
    std::memcpy(entry + (array ? 0 : sizeof(index)), values + i * sizeof(float), sizeof(float));
  }
}

Failure read_entries(const Segment& segment, const std::byte* from, std::byte* plain) {
  std::byte* const values = plain + segment.sparse * sizeof(std::uint32_t);
  for (std::size_t i = 0; i < segment.sparse; ++i) {
    std::uint64_t index = 0;
    std::memcpy(&index, from + i * kEntryBytes, sizeof(index));
    if (index > std::numeric_limits<std::uint32_t>::max()) {
      return Error{fmt::format("an update of entry {} of {}", index, segment.count)};
    }
    const auto offset = static_cast<std::uint32_t>(index);
    std::memcpy(plain + i * sizeof(offset), &offset, sizeof(offset));
    std::memcpy(values + i * sizeof(float), from + i * kEntryBytes + sizeof(index), sizeof(float));
  }
  return {};
}

}  // namespace

Payload encode_gaia(const UpdateChunk& chunk) {
  std::size_t size = 0;
  for (const Segment& segment : chunk.header.segments) size += encoded_bytes(segment);
  const std::shared_ptr<std::byte[]> bytes = std::make_shared<std::byte[]>(size);
  const std::byte* plain = chunk.payload.bytes().data();
  std::byte* to = bytes.get();
  for (const Segment& segment : chunk.header.segments) {
    write_segment(segment, plain, to);
    plain += segment.payload_bytes();
    to += encoded_bytes(segment);
  }
  return {bytes, {bytes.get(), size}};
}

Result<UpdateChunk> decode_gaia(Update header, const Payload& payload) {
  std::size_t encoded = 0;
  std::size_t size = 0;
  for (const Segment& segment : header.segments) {
    encoded += encoded_bytes(segment);
    size += as_array(segment) ? segment.count * sizeof(float) : segment.payload_bytes();
  }
  if (encoded != payload.size()) {
    return Error{fmt::format("an update of {} bytes in {}", encoded, payload.size())};
  }
  const auto plain = std::make_shared_for_overwrite<std::byte[]>(size);
  const std::byte* from = payload.bytes().data();
  std::byte* to = plain.get();
  for (Segment& segment : header.segments) {
    const std::size_t taken = encoded_bytes(segment);
    if (as_array(segment)) {
      segment.sparse = 0;
      std::memcpy(to, from, taken);
    } else if (Failure wrong = read_entries(segment, from, to)) {
      return *wrong;
    }
    from += taken;
    to += segment.payload_bytes();
  }
  return UpdateChunk{std::move(header), Payload(plain, {plain.get(), size})};
}

}  // namespace meridian::wan
