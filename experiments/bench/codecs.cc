// What rounding and the compact codes cost: GB/s of dense input (4 bytes for each entry of the table, also
// for those that are not selected) on one core, for every format and density, beside a plain copy of the same
// table measured just before. And how close the codes come to the entropy of few entries of a large table.
// Everything that is decoded is compared with what was encoded.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "experiments/bench/wanted_instruction_set.h"
#include "src/base/float_buffer.h"
#include "src/base/random.h"
#include "wan/compact_chunk.h"
#include "wan/rounding.h"
#include "wan/top_k.h"
#include "wan/update_chunk.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;

constexpr std::size_t kEntries = std::size_t{4} << 20U;
constexpr std::size_t kChunkBytes = std::size_t{1} << 20U;
constexpr int kFewestCalls = 5;
constexpr double kSecondsPerFigure = 0.05;

struct Format {
  const char* name;
  double bits;  // of a value, without what its block says once
};
constexpr Format kFormats[] = {{"fp32", 32}, {"fp16", 16}, {"bf16", 16}, {"8bit", 8},
                               {"4bit", 4},  {"2bit", 2},  {"sign", 1}};

/// Seconds of the fastest call: what else the machine does makes others slower, never faster. `prepare` is
/// not timed.
template <typename Prepare, typename Call>
double fastest(Prepare prepare, Call call) {
  using SteadyClock = std::chrono::steady_clock;
  const auto elapsed = [](SteadyClock::time_point since) {
    return std::chrono::duration<double>(SteadyClock::now() - since).count();
  };
  double best = std::numeric_limits<double>::max();
  const auto begin = SteadyClock::now();
  for (int calls = 0; calls < kFewestCalls || elapsed(begin) < kSecondsPerFigure; ++calls) {
    prepare();
    const auto start = SteadyClock::now();
    call();
    best = std::min(best, elapsed(start));
  }
  return best;
}

double gigabytes_per_s(double seconds) {
  return static_cast<double>(kEntries * sizeof(float)) / seconds * 1e-9;
}

double copy_rate() {
  const FloatBuffer from(kEntries);
  FloatBuffer to(kEntries);
  return gigabytes_per_s(
      fastest([] {}, [&] { std::memcpy(to.data(), from.data(), from.size() * sizeof(float)); }));
}

TableSelection drawn(std::size_t entries, double density, std::uint64_t seed) {
  Random random(seed);
  TableSelection selection;
  for (std::size_t i = 0; i < entries; ++i) {
    if (random.uniform() < density) selection.add(i, static_cast<float>(random.normal()) * 0.01F);
  }
  return selection;
}

/// Selects the same entries each time, so that what rounding costs can be seen. The selection must outlive
/// it.
class Given final : public What {
 public:
  explicit Given(const TableSelection& selection) : selection_(selection) {}
  void select(const FilterPass& /*pass*/, std::span<const float> /*values*/, std::span<float> /*residual*/,
              TableSelection& out) const override {
    out.offsets.insert(out.offsets.end(), selection_.offsets.begin(), selection_.offsets.end());
    out.values.insert(out.values.end(), selection_.values.begin(), selection_.values.end());
  }

 private:
  const TableSelection& selection_;
};

std::vector<UpdateChunk> chunks_of(const Selection& selection, const std::vector<TableRange>& owned) {
  std::vector<UpdateChunk> chunks;
  ChunkCutter cutter(selection, owned, owned);
  while (!cutter.done()) chunks.push_back(cutter.next(kChunkBytes));
  return chunks;
}

std::size_t encoded_bytes(const std::vector<UpdateChunk>& chunks) {
  std::size_t bytes = 0;
  for (const UpdateChunk& chunk : chunks) bytes += chunk.encoded.size();
  return bytes;
}

/// Decodes and checks what `chunks` were encoded into. False where it is not what they are.
bool decodes(const std::vector<UpdateChunk>& chunks, const std::vector<TableRange>& owned) {
  return std::all_of(chunks.begin(), chunks.end(), [&](const UpdateChunk& chunk) {
    const auto read = decode(chunk.header, chunk.encoded, Encoding::compact, owned);
    return read && !check_chunk(read.value(), owned);
  });
}

/// Flat index and bits of every entry.
std::vector<std::pair<std::size_t, std::uint32_t>> entries_of(const UpdateChunk& chunk) {
  std::vector<std::pair<std::size_t, std::uint32_t>> entries;
  for_each_entry(chunk, [&](std::size_t /*table*/, std::size_t flat, float value) {
    entries.emplace_back(flat, std::bit_cast<std::uint32_t>(value));
  });
  return entries;
}

bool come_back(const std::vector<UpdateChunk>& chunks, const std::vector<TableRange>& owned) {
  return std::all_of(chunks.begin(), chunks.end(), [&](const UpdateChunk& chunk) {
    const auto read = decode(chunk.header, chunk.encoded, Encoding::compact, owned);
    return read && entries_of(read.value()) == entries_of(chunk);
  });
}

constexpr const char* kRow = "{:>8} {:<5} {:<10} {:>9} {:>9} {:>9} {:>12}\n";

/// One row of the first table. False where what was decoded is not what was encoded.
bool measure(const TableSelection& given, double density, const Format& format, RoundingMode mode) {
  const std::vector<TableRange> owned = {{0, kEntries}};
  const std::vector<float> values(kEntries, 1.0F);
  std::vector<float> residual(kEntries);
  Selection selection(1);
  const Rounded rounded(std::make_unique<Given>(given), value_format_named(format.name).value(), mode);
  const double round =
      fastest([&] { selection[0].clear(); }, [&] { rounded.select({}, values, residual, selection[0]); });
  std::vector<UpdateChunk> chunks = chunks_of(selection, owned);
  const double encoding = fastest([] {},
                                  [&] {
                                    for (UpdateChunk& chunk : chunks)
                                      chunk.encoded = encode(chunk, Encoding::compact, owned);
                                  });
  const double decoding = fastest([] {}, [&] { decodes(chunks, owned); });
  const auto rate = [](double seconds) { return fmt::format("{:.2f}", gigabytes_per_s(seconds)); };
  fmt::print(kRow, fmt::format("{:g} %", 100 * density), format.name,
             mode == RoundingMode::nearest ? "nearest" : "stochastic", rate(round), rate(encoding),
             rate(decoding),
             fmt::format("{:.3f}", static_cast<double>(encoded_bytes(chunks)) /
                                       static_cast<double>(selection[0].size())));
  return decodes(chunks, owned) && come_back(chunks, owned);
}

bool measure_speed() {
  bool right = true;
  fmt::print("GB/s of dense input, one table of {} entries, chunks of {} kB\n", kEntries, kChunkBytes / 1024);
  for (const double density : {0.001, 0.01, 0.05, 0.2, 1.0}) {
    fmt::print("a copy of the table: {:.2f} GB/s\n", copy_rate());
    fmt::print(kRow, "density", "", "rounding", "round", "encode", "decode", "bytes/entry");
    const TableSelection given = drawn(kEntries, density, 1);
    for (const Format& format : kFormats) {
      right = measure(given, density, format, RoundingMode::nearest) && right;
      if (format.bits < 32) right = measure(given, density, format, RoundingMode::stochastic) && right;
    }
  }
  return right;
}

/// How fast entries are chosen before they are rounded.
void measure_selecting() {
  constexpr const char* kSelectRow = "{:<24} {:>9}\n";
  fmt::print("\n");
  fmt::print(kSelectRow, "selecting", "GB/s");
  const TableSelection all = drawn(kEntries, 1.0, 2);
  const std::vector<float> values(kEntries, 1.0F);
  std::vector<float> residual;
  TableSelection out;
  const auto print = [&](const std::string& name, const What& what) {
    const double seconds = fastest(
        [&] {
          residual = all.values;
          out.clear();
        },
        [&] { what.select({}, values, residual, out); });
    fmt::print(kSelectRow, name, fmt::format("{:.2f}", gigabytes_per_s(seconds)));
  };
  print("everything", SendAll{});
  for (const double share : {0.0003, 0.001, 0.01, 0.05, 0.2})
    print(fmt::format("top_k, {:g} %", 100 * share), TopK(share));
}

/// log2 of the number of ways to choose `few` of `many`.
double choice_bits(std::size_t few, std::size_t many) {
  const auto log_factorial = [](std::size_t n) { return std::lgamma(static_cast<double>(n) + 1.0); };
  return (log_factorial(many) - log_factorial(few) - log_factorial(many - few)) / std::numbers::ln2;
}

/// One row of the second table: the mean over draws of the encoded payload of `few` entries of `many`.
void measure_few(std::size_t few, std::size_t many, const Format& format) {
  constexpr int kDraws = 200;
  const std::vector<TableRange> owned = {{0, many}};
  std::size_t bytes = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    Random random = Random::for_parts(3, {few, many, static_cast<std::uint64_t>(draw)});
    std::vector<float> residual(many);
    for (float& value : residual) value = static_cast<float>(random.normal()) * 0.01F;
    const std::vector<float> values(many, 1.0F);
    Selection selection(1);
    const double share = (static_cast<double>(few) - 0.5) / static_cast<double>(many);
    Rounded(std::make_unique<TopK>(share), value_format_named(format.name).value(), RoundingMode::nearest)
        .select({}, values, residual, selection[0]);
    for (const UpdateChunk& chunk : chunks_of(selection, owned))
      bytes += encode(chunk, Encoding::compact, owned).size();
  }
  const double mean = static_cast<double>(bytes) / kDraws;
  const auto entries = static_cast<double>(few);
  const double least = (choice_bits(few, many) + format.bits * entries) / 8;
  fmt::print("{:>8} {:>8} {:<5} {:>12} {:>12} {:>12} {:>10}\n", few, many, format.name,
             fmt::format("{:.1f}", mean), fmt::format("{:.3f}", mean / entries), fmt::format("{:.1f}", least),
             fmt::format("{:+.1f}", mean - least));
}

void measure_small_segments() {
  fmt::print(
      "\nfew entries, the largest of a table: bytes of a chunk's payload, with its list of segments, mean of "
      "200\n"
      "draws; least: log2 of the ways to choose them, and the bits of their values\n");
  fmt::print("{:>8} {:>8} {:<5} {:>12} {:>12} {:>12} {:>10}\n", "entries", "of", "", "bytes", "bytes/entry",
             "least", "more");
  for (const std::size_t many : {100'352U, 1'280U}) {
    for (const Format& format : {kFormats[5], kFormats[6]}) {
      for (const std::size_t few : {10U, 30U, 100U, 300U}) measure_few(few, many, format);
    }
  }
}

int measure_all() {
  const bool right = measure_speed();
  measure_selecting();
  measure_small_segments();
  if (right) return EXIT_SUCCESS;
  fmt::print(stderr, "what was decoded is not what was encoded: the figures mean nothing\n");
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace meridian::wan

int main() {
  meridian::bench::require_wanted_instruction_set();
  return meridian::wan::measure_all();
}
