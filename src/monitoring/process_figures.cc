#include "src/monitoring/process_figures.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace meridian::monitoring {
namespace {

/// Fields of /proc/self/stat that are used here; man 5 proc.
struct Stat {
  double user_ticks = 0;
  double system_ticks = 0;
  double threads = 0;
  double start_ticks = 0;  // since the machine started
  double virtual_bytes = 0;
  double resident_pages = 0;
};

std::optional<Stat> read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  // The second field is the program's name in brackets, which may hold anything.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(name_end + 1));
  std::string skipped;
  Stat stat;
  for (int field = 3; field <= 24; ++field) {
    double* const wanted = field == 14   ? &stat.user_ticks
                           : field == 15 ? &stat.system_ticks
                           : field == 20 ? &stat.threads
                           : field == 22 ? &stat.start_ticks
                           : field == 23 ? &stat.virtual_bytes
                           : field == 24 ? &stat.resident_pages
                                         : nullptr;
    if (wanted != nullptr ? !(rest >> *wanted) : !(rest >> skipped)) return std::nullopt;
  }
  return stat;
}

/// When the machine started, in seconds since 1970.
std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    if (word != "btime") continue;
    double seconds = 0;
    if (file >> seconds) return seconds;
  }
  return std::nullopt;
}

std::optional<double> open_descriptors() {
  std::error_code error;
  double count = 0;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  if (error) return std::nullopt;
  return count - 1;  // without the one that reads the folder
}

}  // namespace

void add_process_figures(MetricSet& set) {
  const auto ticks_per_s = static_cast<double>(::sysconf(_SC_CLK_TCK));
  if (const auto stat = read_stat()) {
    set.add("process_cpu_seconds_total", (stat->user_ticks + stat->system_ticks) / ticks_per_s);
    set.add("process_resident_memory_bytes",
            stat->resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    set.add("process_virtual_memory_bytes", stat->virtual_bytes);
    set.add("process_threads", stat->threads);
    // The machine's start and its clock ticks do not change while the process lives.
    static const std::optional<double> booted = boot_time();
    if (booted) set.add("process_start_time_seconds", *booted + stat->start_ticks / ticks_per_s);
  }
  if (const auto open = open_descriptors()) set.add("process_open_fds", *open);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    set.add("process_max_fds", static_cast<double>(limit.rlim_cur));
}

}  // namespace meridian::monitoring
