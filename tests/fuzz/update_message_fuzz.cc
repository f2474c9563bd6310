// Goal: whatever arrives as an update is refused, or is applied within its bounds, and comes back when it is
// encoded again. Reached by libFuzzer, which mutates valid messages (update_message_seeds.cc) towards paths
// not taken yet, under AddressSanitizer and UndefinedBehaviorSanitizer: `./dev fuzz`.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "src/wire/codec.h"
#include "tests/fuzz/update_messages.h"
#include "wan/compact_chunk.h"

namespace meridian::wan {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// Encodes a checked chunk again and looks whether it is the same when it is decoded.
void expect_to_come_back(const UpdateChunk& chunk) {
  const Payload encoded = encode(chunk, Encoding::compact, fuzzed_ranges());
  const auto again = decode(chunk.header, encoded, Encoding::compact, fuzzed_ranges());
  require(again.ok());
  std::vector<FloatBuffer> sums;
  std::vector<FloatBuffer> others;
  for (const auto& range : fuzzed_ranges()) {
    sums.emplace_back(range.size());
    others.emplace_back(range.size());
  }
  add_chunk_to(chunk, fuzzed_ranges(), sums, /*magnitudes=*/false);
  add_chunk_to(again.value(), fuzzed_ranges(), others, /*magnitudes=*/false);
  for (std::size_t table = 0; table < sums.size(); ++table) {
    require(std::memcmp(sums[table].data(), others[table].data(), sums[table].size() * sizeof(float)) == 0);
  }
}

void receive(std::span<const std::byte> bytes) {
  if (bytes.size() < kFuzzedHead) return;
  const auto choice = std::to_integer<std::size_t>(bytes.front());
  std::uint16_t length = 0;
  std::memcpy(&length, bytes.data() + 1, sizeof(length));
  bytes = bytes.subspan(kFuzzedHead);
  // Copies of their own, so that whoever reads beyond one of them is seen.
  const std::size_t header_bytes = std::min<std::size_t>(length, bytes.size());
  const std::vector<std::byte> header(bytes.begin(),
                                      bytes.begin() + static_cast<std::ptrdiff_t>(header_bytes));
  const auto rest = std::make_shared<std::vector<std::byte>>(
      bytes.begin() + static_cast<std::ptrdiff_t>(header_bytes), bytes.end());
  rest->shrink_to_fit();
  std::vector<Payload> payloads;
  if (!rest->empty()) payloads.emplace_back(rest, *rest);

  const auto decoded = decode_header(header, payloads);
  if (!decoded) return;
  const Update* const update = std::get_if<Update>(&decoded.value().body);
  if (update == nullptr) return;
  const Encoding encoding = kFuzzedEncodings[choice % kFuzzedEncodings.size()];
  const auto chunk =
      decode(*update, payloads.empty() ? Payload{} : payloads.front(), encoding, fuzzed_ranges());
  if (!chunk || check_chunk(chunk.value(), fuzzed_ranges())) return;
  for_each_entry(chunk.value(), [](std::size_t table, std::size_t flat, float /*value*/) {
    require(table < fuzzed_ranges().size());
    require(flat >= fuzzed_ranges()[table].begin && flat < fuzzed_ranges()[table].end);
  });
  if (encoding == Encoding::compact) expect_to_come_back(chunk.value());
}

}  // namespace
}  // namespace meridian::wan

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  meridian::wan::receive({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
