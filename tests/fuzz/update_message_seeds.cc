// Writes valid messages with updates into a folder, a file each, for the fuzzer to begin with: every density,
// every format of values, every encoding.
#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "src/base/random.h"
#include "src/wire/codec.h"
#include "tests/fuzz/update_messages.h"
#include "wan/compact_chunk.h"
#include "wan/rounding.h"

namespace meridian::wan {
namespace {

/// Entries of one table of that many, each selected with this probability and rounded.
TableSelection drawn(Random& random, std::size_t entries, double density, const char* format) {
  std::vector<float> residual(entries);
  for (float& value : residual) {
    if (random.uniform() < density) value = static_cast<float>(random.normal()) * 0.01F;
  }
  const std::vector<float> values(entries, 1.0F);
  TableSelection selection;
  Rounded(std::make_unique<SendAll>(), value_format_named(format).value(), RoundingMode::nearest)
      .select({}, values, residual, selection);
  return selection;
}

std::vector<std::byte> message_of(const UpdateChunk& chunk, std::size_t choice) {
  const Encoding encoding = kFuzzedEncodings[choice];
  const Payload payload = encode(chunk, encoding, fuzzed_ranges());
  Update update = chunk.header;
  update.segments = header_segments(chunk, encoding);
  const std::vector<std::byte> header = encode_header(update);
  const auto length = static_cast<std::uint16_t>(header.size());
  std::vector<std::byte> bytes(kFuzzedHead);
  bytes[0] = static_cast<std::byte>(choice);
  std::memcpy(bytes.data() + 1, &length, sizeof(length));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), payload.bytes().begin(), payload.bytes().end());
  return bytes;
}

int write_seeds(const std::filesystem::path& folder) {
  constexpr std::size_t kMostBytes = 4096;
  std::filesystem::create_directories(folder);
  Random random(1);
  int written = 0;
  for (const char* format : {"fp32", "fp16", "bf16", "8bit", "4bit", "2bit", "sign"}) {
    for (const double density : {0.01, 0.1, 0.3, 0.7, 1.0}) {
      Selection selection;
      for (const auto& range : fuzzed_ranges())
        selection.push_back(drawn(random, range.size(), density, format));
      ChunkCutter cutter(selection, fuzzed_ranges(), fuzzed_ranges());
      while (!cutter.done()) {
        const UpdateChunk chunk = cutter.next(kMostBytes);
        for (std::size_t choice = 1; choice < kFuzzedEncodings.size(); ++choice) {
          const std::vector<std::byte> bytes = message_of(chunk, choice);
          std::ofstream file(folder / fmt::format("{:04}", written++), std::ios::binary);
          file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
          if (!file.flush()) {
            fmt::print(stderr, "{}: cannot be written; is there room?\n", folder.string());
            return EXIT_FAILURE;
          }
        }
      }
    }
  }
  fmt::print("{} messages in {}\n", written, folder.string());
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace meridian::wan

int main(int count, char** arguments) {
  if (count == 2) return meridian::wan::write_seeds(arguments[1]);
  fmt::print(stderr, "usage: {} FOLDER\n", arguments[0]);
  return EXIT_FAILURE;
}
