#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "experiments/bench/kernel.h"
#include "experiments/bench/kernel_chunks.h"
#include "src/base/random.h"
#include "wan/compact_chunk.h"
#include "wan/rounding.h"

namespace meridian::bench {
namespace {

using wan::Encoding;
using wan::UpdateChunk;

/// Index and bits of every entry.
std::vector<std::pair<std::size_t, std::uint32_t>> entries_of(const UpdateChunk& chunk) {
  std::vector<std::pair<std::size_t, std::uint32_t>> entries;
  wan::for_each_entry(chunk, [&](std::size_t /*table*/, std::size_t flat, float value) {
    entries.emplace_back(flat, std::bit_cast<std::uint32_t>(value));
  });
  return entries;
}

/// A table's rounded entries as chunks, encoded.
struct Encoded {
  Encoded(const char* format, double density) {
    std::vector<float> residual(kEntries);
    Random random(3);
    for (float& entry : residual) {
      if (random.uniform() < density) entry = static_cast<float>(random.normal()) * 0.01F;
    }
    const std::vector<float> values(kEntries, 1.0F);
    wan::Selection selection(1);
    wan::Rounded(std::make_unique<wan::SendAll>(), wan::value_format_named(format).value(),
                 wan::RoundingMode::nearest)
        .select({}, values, residual, selection[0]);
    chunks = chunks_of(selection, owned);
    encode_all();
    for (const UpdateChunk& chunk : chunks) {
      bytes += static_cast<double>(chunk.payload.size() + chunk.encoded.size());
      const auto read = wan::decode(chunk.header, chunk.encoded, Encoding::compact, owned);
      if (!read || entries_of(read.value()) != entries_of(chunk))
        throw std::runtime_error(fmt::format("{} is decoded as something else", format));
    }
  }
  void encode_all() {
    for (UpdateChunk& chunk : chunks) chunk.encoded = wan::encode(chunk, Encoding::compact, owned);
  }
  void decode_all() const {
    for (const UpdateChunk& chunk : chunks) {
      const auto read = wan::decode(chunk.header, chunk.encoded, Encoding::compact, owned);
      if (!read || wan::check_chunk(read.value(), owned)) throw std::runtime_error("no chunk");
    }
  }

  std::vector<datacenter::TableRange> owned = {{0, kEntries}};
  std::vector<UpdateChunk> chunks;
  double bytes = 0.0;  // payload and encoded
};

}  // namespace

void add_codec_kernels(std::vector<Kernel>& kernels) {
  for (const double density : {0.01, 1.0}) {
    for (const char* const format : {"fp32", "bf16", "8bit", "4bit", "2bit", "sign"}) {
      const auto encoded = std::make_shared<Encoded>(format, density);
      const std::string what = fmt::format("{}, {:g} %", format, 100 * density);
      kernels.push_back({.name = "encode " + what,
                         .limit = kCopy,
                         .work = encoded->bytes,
                         .prepare = {},
                         .call = [encoded] { encoded->encode_all(); }});
      kernels.push_back({.name = "decode and check " + what,
                         .limit = kCopy,
                         .work = encoded->bytes,
                         .prepare = {},
                         .call = [encoded] { encoded->decode_all(); }});
    }
  }
}

}  // namespace meridian::bench
