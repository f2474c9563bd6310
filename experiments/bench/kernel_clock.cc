#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "datacenter/dense_sums.h"
#include "experiments/bench/kernel.h"
#include "src/base/float_buffer.h"
#include "src/base/random.h"
#include "src/optimizer/optimizer.h"
#include "wan/eager_sum.h"
#include "wan/significance_filter.h"

namespace meridian::bench {
namespace {

constexpr auto kBytes = static_cast<double>(kEntries * sizeof(float));
constexpr std::size_t kMessageFloats = (std::size_t{1} << 20U) / sizeof(float);

/// Hands a worker's push over message by message, as they arrive.
template <typename Summed>
void push(datacenter::DenseSums& sums, std::size_t worker, const FloatBuffer& update, Summed summed) {
  for (std::size_t first = 0; first < update.size(); first += kMessageFloats)
    sums.add(worker, first, std::as_bytes(update.span().subspan(first, kMessageFloats)), summed);
}

void add_sums(std::vector<Kernel>& kernels) {
  struct Place {
    explicit Place(std::size_t workers) : sums(kEntries, workers) {}
    datacenter::DenseSums sums;
    FloatBuffer update = FloatBuffer(kEntries);
  };
  const auto look = [](std::size_t, std::span<float> sums) { benchmark::DoNotOptimize(sums.data()); };
  const auto alone = std::make_shared<Place>(1);
  kernels.push_back(
      {.name = "sums, 1 worker", .limit = kScan, .work = kBytes, .prepare = {}, .call = [alone, look] {
         push(alone->sums, 0, alone->update, look);
         alone->sums.restart();
       }});
  // The first push is copied; the second one and that copy are read.
  const auto two = std::make_shared<Place>(2);
  kernels.push_back(
      {.name = "sums, 2 workers", .limit = kCopy, .work = 4 * kBytes, .prepare = {}, .call = [two, look] {
         push(two->sums, 0, two->update, look);
         push(two->sums, 1, two->update, look);
         two->sums.restart();
       }});
}

void add_optimizer(std::vector<Kernel>& kernels, const std::string& name, double momentum, double streams) {
  struct Place {
    std::unique_ptr<Optimizer> optimizer;
    FloatBuffer values = FloatBuffer(kEntries);
    FloatBuffer gradient = FloatBuffer(kEntries);
    Clock clock = 0;
  };
  const auto place = std::make_shared<Place>();
  place->optimizer =
      make_optimizer({.name = name, .learning_rate = 1.0, .momentum = momentum}, kEntries).value();
  const auto fill = [place] {
    for (float& value : place->gradient.span()) value = 0.5F;
  };
  kernels.push_back({.name = fmt::format("step, {}", name),
                     .limit = kChange,
                     .work = streams * kBytes,
                     .prepare = fill,
                     .call = [place] {
                       if (!place->optimizer->step(++place->clock, 1.0F, 1.0F, 0, place->values.span(),
                                                   place->gradient.span()))
                         throw std::runtime_error("a step is not finite");
                     }});
}

/// A link that counts what it is offered.
class CountingOutlets final : public wan::Outlets {
 public:
  void offer(std::size_t, Clock, const wan::Selection& selection) override { offered = selection[0].size(); }
  void withhold(std::size_t, Clock, const wan::Selection&) override {}
  double threshold_scale(std::size_t) const override { return 1.0; }

  std::size_t offered = 0;
};

/// A server of one table with one neighbour.
wan::MergePlace place_of(datacenter::ParameterStore& store, std::size_t columns, bool by_row) {
  return {.store = &store,
          .own_name = "here",
          .neighbours = {{.name = "there"}},
          .columns = {columns},
          .table_names = {"table"},
          .by_row = {by_row},
          .learning_rate = {}};
}

/// A server's table, from the update of its one worker to what goes out to its one neighbour. A `share` of
/// the gradient's entries goes out at each clock, and the others never do.
struct Closing {
  explicit Closing(double share) {
    Random random(1);
    for (float& entry : update.span()) {
      const bool goes = random.uniform() < share;
      const float size = goes ? 0.5F : 1e-6F;
      entry = random.uniform() < 0.5 ? -size : size;
      if (goes) ++going;
    }
    for (float& value : store.change(0)) value = 1.0F;
  }

  void close() {
    ++clock;
    push(sums, 0, update, [this](std::size_t first, std::span<float> block) {
      const std::span<float> values = store.change(0).subspan(first, block.size());
      if (!optimizer->step(clock, 1.0F, 1.0F, first, values, block))
        throw std::runtime_error("a step is not finite");
      merge.own_step(clock, 0, first, values, block);
    });
    sums.restart();
    finish();
  }
  /// Only the merge, with the update as the step.
  void merge_alone() {
    ++clock;
    constexpr std::size_t kBlock = datacenter::DenseSums::kBlock;
    for (std::size_t first = 0; first < kEntries; first += kBlock) {
      merge.own_step(clock, 0, first, store.change(0).subspan(first, kBlock),
                     update.span().subspan(first, kBlock));
    }
    finish();
  }
  void finish() {
    if (merge.own_clock_closed(clock, outlets)) throw std::runtime_error("a clock could not be closed");
    if (outlets.offered != going)
      throw std::runtime_error(fmt::format("{} entries went out in place of {}", outlets.offered, going));
  }

  datacenter::DenseSums sums = datacenter::DenseSums(kEntries, 1);
  std::unique_ptr<Optimizer> optimizer = make_optimizer({.learning_rate = 0.1}, kEntries).value();
  datacenter::ParameterStore store = datacenter::ParameterStore({{0, kEntries}});
  wan::SignificanceFilter what = wan::SignificanceFilter(0.01, wan::Schedule::constant);
  wan::EveryClocks when = wan::EveryClocks(1);
  wan::EagerSum merge = wan::EagerSum(place_of(store, 1, /*by_row=*/false), what, when);
  CountingOutlets outlets;
  FloatBuffer update = FloatBuffer(kEntries);
  std::size_t going = 0;
  Clock clock = 0;
};

void add_closing(std::vector<Kernel>& kernels, double share) {
  const auto closing = std::make_shared<Closing>(share);
  const double selected = 8.0 * static_cast<double>(closing->going);
  kernels.push_back({.name = fmt::format("clock: sums, sgd, merge, {:g} % go", 100 * share),
                     .limit = kFusedWalk,
                     .work = 5 * kBytes + selected,
                     .prepare = {},
                     .call = [closing] { closing->close(); }});
  const auto merging = std::make_shared<Closing>(share);
  kernels.push_back({.name = fmt::format("clock: merge alone, {:g} % go", 100 * share),
                     .limit = kFusedWalk,
                     .work = 5 * kBytes + selected,
                     .prepare = {},
                     .call = [merging] { merging->merge_alone(); }});
}

/// The same table read by row, of which a clock changes few rows, elsewhere each time. Nothing goes out.
struct ClosingRows {
  static constexpr std::size_t kColumns = 64;
  static constexpr std::size_t kRowsTouched = 1000;

  ClosingRows() {
    for (float& value : store.change(0)) value = 1.0F;
    merge.own_clock_closed(++clock, outlets);
  }
  void close() {
    ++clock;
    for (std::size_t i = 0; i < kRowsTouched; ++i) {
      const std::size_t first = random.below(kEntries / kColumns) * kColumns;
      merge.own_step(clock, 0, first, store.change(0).subspan(first, kColumns), step);
    }
    if (merge.own_clock_closed(clock, outlets) || outlets.offered > 0)
      throw std::runtime_error("a clock of few rows was not closed as it should be");
  }

  datacenter::ParameterStore store = datacenter::ParameterStore({{0, kEntries}});
  wan::SignificanceFilter what = wan::SignificanceFilter(0.01, wan::Schedule::constant);
  wan::EveryClocks when = wan::EveryClocks(1);
  wan::EagerSum merge = wan::EagerSum(place_of(store, kColumns, /*by_row=*/true), what, when);
  CountingOutlets outlets;
  Random random = Random(4);
  std::vector<float> step = std::vector<float>(kColumns, 1e-6F);
  Clock clock = 0;
};

/// Each entry's step is read, values and residual are read and written, and tested once more.
void add_closing_rows(std::vector<Kernel>& kernels) {
  const auto closing = std::make_shared<ClosingRows>();
  constexpr auto kTouched = static_cast<double>(ClosingRows::kRowsTouched * ClosingRows::kColumns);
  kernels.push_back(
      {.name = fmt::format("clock: merge alone, {} rows of {} out of {}", ClosingRows::kRowsTouched,
                           ClosingRows::kColumns, kEntries / ClosingRows::kColumns),
       .limit = kChange,
       .work = 7 * sizeof(float) * kTouched,
       .prepare = {},
       .call = [closing] { closing->close(); }});
}

}  // namespace

void add_clock_kernels(std::vector<Kernel>& kernels) {
  add_sums(kernels);
  add_optimizer(kernels, "sgd", 0.0, 2);
  add_optimizer(kernels, "momentum", 0.5, 4);
  for (const double share : {0.001, 0.01, 0.1}) add_closing(kernels, share);
  add_closing_rows(kernels);
}

}  // namespace meridian::bench
