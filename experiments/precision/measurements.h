// The measurements, each in a file of its own. Each returns Markdown: a table, and below it what it was
// measured on.
#pragma once

#include <string>
#include <string_view>

namespace meridian::precision {

struct Plan {
  int rounds = 3;
  std::string meridian;  ///< the program, for real_and_simulated_runs
  std::string configs;   ///< the folder with its configurations
};

std::string emulator_throughput(const Plan& plan);
std::string emulator_delay(const Plan& plan);
std::string emulator_jitter(const Plan& plan);
std::string emulator_loss(const Plan& plan);
std::string emulator_pairs(const Plan& plan);
std::string kernel(const Plan& plan);
std::string simulator(const Plan& plan);
std::string real_and_simulated_runs(const Plan& plan);

/// One line on stderr.
void say(std::string_view what);

constexpr double bytes_per_s(double mbit_per_s) { return mbit_per_s * 1e6 / 8; }

}  // namespace meridian::precision
