#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "experiments/bench/kernel.h"
#include "experiments/bench/kernel_chunks.h"
#include "src/base/float_buffer.h"
#include "src/base/random.h"

namespace meridian::bench {
namespace {

using wan::UpdateChunk;

constexpr std::size_t kLineFloats = 16;

/// Updates of one table, each of other entries, taken in turn: so that no cache holds the lines that the next
/// one changes.
struct Arrivals {
  Arrivals(double density, std::size_t updates) {
    for (std::size_t update = 0; update < updates; ++update) {
      Random random(10 + update);
      wan::Selection selection(1);
      std::size_t line = kEntries;
      for (std::size_t i = 0; i < kEntries; ++i) {
        if (density < 1.0 && random.uniform() >= density) continue;
        selection[0].add(i, 1e-3F);
        if (i / kLineFloats != line) ++lines;
        line = i / kLineFloats;
      }
      chunks.push_back(chunks_of(selection, owned));
      for (const UpdateChunk& chunk : chunks.back()) payload_bytes += chunk.payload.size();
    }
  }
  double payload_of_one() const {
    return static_cast<double>(payload_bytes) / static_cast<double>(chunks.size());
  }
  double lines_of_one() const { return static_cast<double>(lines) / static_cast<double>(chunks.size()); }
  const std::vector<UpdateChunk>& next() { return chunks[turn++ % chunks.size()]; }
  void check() {
    for (const UpdateChunk& chunk : next()) {
      if (wan::check_chunk(chunk, owned)) throw std::runtime_error("a chunk that cannot be applied");
    }
  }
  void apply() {
    for (const UpdateChunk& chunk : next()) wan::add_chunk_to(chunk, owned, sums, /*magnitudes=*/false);
  }

  std::vector<datacenter::TableRange> owned = {{0, kEntries}};
  std::vector<FloatBuffer> sums = [] {
    std::vector<FloatBuffer> one;
    one.emplace_back(kEntries);
    return one;
  }();
  std::vector<std::vector<UpdateChunk>> chunks;
  std::size_t lines = 0;  // of `sums` that they change
  std::size_t payload_bytes = 0;
  std::size_t turn = 0;
};

}  // namespace

void add_arrival_kernels(std::vector<Kernel>& kernels) {
  struct Case {
    double density;
    std::size_t updates;
  };
  for (const Case& one : {Case{0.001, 16}, Case{0.01, 4}, Case{0.1, 2}, Case{1.0, 1}}) {
    const auto arrivals = std::make_shared<Arrivals>(one.density, one.updates);
    kernels.push_back({.name = fmt::format("check an update, {:g} %", 100 * one.density),
                       .limit = kScan,
                       .work = arrivals->payload_of_one(),
                       .prepare = {},
                       .call = [arrivals] { arrivals->check(); }});
    // Whole lines are read and written.
    kernels.push_back(
        {.name = fmt::format("apply an update, {:g} %", 100 * one.density),
         .limit = kChange,
         .work = arrivals->payload_of_one() + 2.0 * sizeof(float) * kLineFloats * arrivals->lines_of_one(),
         .prepare = {},
         .call = [arrivals] { arrivals->apply(); }});
  }
}

}  // namespace meridian::bench
