#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "experiments/bench/kernel.h"
#include "src/base/random.h"
#include "wan/rounding.h"
#include "wan/significance_filter.h"
#include "wan/top_k.h"

namespace meridian::bench {
namespace {

using wan::TableSelection;
using wan::What;

constexpr auto kBytes = static_cast<double>(kEntries * sizeof(float));

/// One table; what a call took out of the residual is put back before the next one.
struct Table {
  explicit Table(double share) : values(kEntries, 1.0F), full(kEntries) {
    Random random(2);
    for (float& entry : full) {
      const bool goes = random.uniform() < share;
      entry = (goes ? 0.05F : 1e-4F) * (1.0F + static_cast<float>(random.uniform()));
      if (goes) ++large;
    }
    residual = full;
  }
  void put_back() {
    for (const std::uint32_t offset : out.offsets) residual[offset] = full[offset];
    out.clear();
  }
  void select(const What& what, std::size_t expected) {
    what.select({}, values, residual, out);
    if (out.size() != expected)
      throw std::runtime_error(fmt::format("{} entries were selected in place of {}", out.size(), expected));
  }

  std::vector<float> values;
  std::vector<float> full;
  std::vector<float> residual;
  TableSelection out;
  std::size_t large = 0;
};

void add_filter(std::vector<Kernel>& kernels, const std::string& name, const char* limit, double work,
                std::shared_ptr<Table> table, std::shared_ptr<const What> what, std::size_t expected) {
  kernels.push_back({.name = name,
                     .limit = limit,
                     .work = work,
                     .prepare = [table] { table->put_back(); },
                     .call = [table, what, expected] { table->select(*what, expected); }});
}

void add_rounding(std::vector<Kernel>& kernels, const std::shared_ptr<Table>& table, const char* format,
                  wan::RoundingMode mode) {
  const auto rounded = std::make_shared<wan::Rounded>(std::make_unique<wan::SendAll>(),
                                                      wan::value_format_named(format).value(), mode);
  const char* const how = mode == wan::RoundingMode::nearest ? "nearest" : "stochastic";
  // Residual and selected values are read and written, offsets are written.
  kernels.push_back(
      {.name = fmt::format("select all, rounded to {} {}", format, how),
       .limit = kCopy,
       .work = 5 * kBytes,
       .prepare =
           [table] {
             table->residual = table->full;
             table->out.clear();
           },
       .call = [table, rounded] { rounded->select({}, table->values, table->residual, table->out); }});
}

}  // namespace

void add_filter_kernels(std::vector<Kernel>& kernels) {
  const auto significance = std::make_shared<wan::SignificanceFilter>(0.01, wan::Schedule::constant);
  for (const double share : {0.001, 0.01, 0.1}) {
    const auto table = std::make_shared<Table>(share);
    add_filter(kernels, fmt::format("select significant, {:g} % go", 100 * share), kScan,
               2 * kBytes + 8.0 * static_cast<double>(table->large), table, significance, table->large);
  }
  const auto table = std::make_shared<Table>(1.0);
  add_filter(kernels, "select all", kCopy, 4 * kBytes, table, std::make_shared<wan::SendAll>(), kEntries);
  constexpr std::size_t kFew = kEntries / 128;
  add_filter(kernels, "select top 0.78 %", kScan, kBytes + 8.0 * static_cast<double>(kFew), table,
             std::make_shared<wan::TopK>(1.0 / 128), kFew);
  for (const char* const format : {"bf16", "8bit", "4bit", "2bit"}) {
    add_rounding(kernels, table, format, wan::RoundingMode::nearest);
  }
  add_rounding(kernels, table, "8bit", wan::RoundingMode::stochastic);
}

}  // namespace meridian::bench
