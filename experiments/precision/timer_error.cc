#include "experiments/precision/timer_error.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

#include "experiments/precision/samples.h"

namespace meridian::precision {

namespace {

// Of the last minute.
std::string load_average() {
  std::ifstream file("/proc/loadavg");
  std::string load;
  return file >> load ? load : "unknown";
}

}  // namespace

TimerError timer_error() {
  std::vector<double> errors_ms;
  for (int i = 0; i < 1000; ++i) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(500);
    std::this_thread::sleep_until(until);
    errors_ms.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - until).count());
  }
  return {quantile(errors_ms, 0.5), quantile(errors_ms, 0.99)};
}

Surroundings::Surroundings(int rounds) : rounds_(rounds), load_(load_average()), timer_(timer_error()) {}

std::string Surroundings::line() const {
  const TimerError after = timer_error();
  return fmt::format(
      "{} rounds on {} cores. Load average {} before and {} after; timer error, median and 99th percentile: "
      "{:.2f} and {:.2f} ms before, {:.2f} and {:.2f} ms after.\n",
      rounds_, sysconf(_SC_NPROCESSORS_ONLN), load_, load_average(), timer_.median_ms, timer_.p99_ms,
      after.median_ms, after.p99_ms);
}

}  // namespace meridian::precision
