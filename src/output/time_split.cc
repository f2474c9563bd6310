#include "src/output/time_split.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace meridian::output {

std::string time_split_text(const Summary& summary) {
  const WorkSummary& work = summary.work_s;
  const WaitsSummary& waits = summary.waits_s;
  std::uint64_t workers = 0;
  for (const DatacenterSummary& datacenter : summary.datacenters) workers += datacenter.workers;
  if (!work.compute || workers == 0) return {};
  const auto each = [&](const std::optional<double>& sum) {
    return sum.value_or(0.0) / static_cast<double>(workers);
  };
  const double lan = each(work.push) + each(work.pull) + each(waits.local_barrier);
  const double all = each(work.compute) + each(work.evaluation) + lan + each(waits.selective_barrier) +
                     each(waits.mirror_clock);
  if (all <= 0.0) return {};
  std::string text = fmt::format("where the time of {} worker{} went, {:.1f} s each\n", workers,
                                 workers == 1 ? "" : "s", all);
  const auto line = [&](const char* part, double seconds, const std::string& more = {}) {
    fmt::format_to(std::back_inserter(text), "  {:<18}{:>6.1f} %{:>9.2f} s{}\n", part, 100.0 * seconds / all,
                   seconds, more);
  };
  line("compute", each(work.compute));
  line("evaluation", each(work.evaluation));
  line("LAN", lan,
       fmt::format("  (push {:.2f}, pull {:.2f}, local barrier {:.2f})", each(work.push), each(work.pull),
                   each(waits.local_barrier)));
  line("selective barrier", each(waits.selective_barrier));
  line("mirror clock", each(waits.mirror_clock));
  return text;
}

}  // namespace meridian::output
