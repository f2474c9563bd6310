// bench_kernels [--rounds N] [--calls N] [--filter REGEX] [--json FILE]
//
// The loops that a server and a worker spend their time in, beside what this machine's memory and arithmetic
// let one core do. First comes what limits them: scan and copy of memory, walks that change it, a product of
// matrices. All are run by Google Benchmark in interleaved rounds, in an order drawn anew, so that what else
// the machine does befalls all of them alike. Each stream has 64 MB; a kernel touches 64 to 256 MB.
//
// p50 is the median of the rounds' medians, p99 that of all calls. A share is the rate by p50 over the
// limit's.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include "experiments/bench/figure.h"
#include "experiments/bench/kernel.h"
#include "experiments/bench/wanted_instruction_set.h"
#include "src/base/instruction_sets.h"

namespace meridian::bench {
namespace {

struct Request {
  int rounds = 5;
  int calls = 5;
  std::string filter = ".*";
  std::string json;
};

/// Seconds of each call, for each round of each kernel.
using Rounds = std::vector<std::vector<double>>;
using Samples = std::map<std::string, Rounds>;

struct Found {
  const Kernel* kernel = nullptr;
  double p50_s = 0.0;
  double p99_s = 0.0;

  double rate() const { return kernel->work / p50_s; }
};

void say(const std::string& what) { fmt::print(stderr, "bench_kernels: {}\n", what); }

/// All, or those whose names match and the limits.
std::vector<Kernel> kernels_matching(const std::string& filter) {
  std::vector<Kernel> kernels;
  for (const auto add : {add_limits, add_clock_kernels, add_filter_kernels, add_codec_kernels,
                         add_arrival_kernels, add_network_kernels})
    add(kernels);
  const std::regex wanted(filter);
  std::erase_if(kernels, [&](const Kernel& kernel) {
    return !kernel.limit.empty() && !std::regex_search(kernel.name, wanted);
  });
  return kernels;
}

/// One round: a call that is not timed, for the caches, and then those that are.
void run_round(benchmark::State& state, const Kernel& kernel, Rounds& rounds) {
  using SteadyClock = std::chrono::steady_clock;
  if (kernel.prepare) kernel.prepare();
  kernel.call();
  std::vector<double> seconds;
  for ([[maybe_unused]] auto _ : state) {
    if (kernel.prepare) kernel.prepare();
    const auto begin = SteadyClock::now();
    kernel.call();
    benchmark::ClobberMemory();
    seconds.push_back(std::chrono::duration<double>(SteadyClock::now() - begin).count());
    state.SetIterationTime(seconds.back());
  }
  if (kernel.unit == Work::bytes) {
    const auto iterations = static_cast<double>(state.iterations());
    state.SetBytesProcessed(static_cast<std::int64_t>(kernel.work * iterations));
  }
  rounds.push_back(std::move(seconds));
}

/// Prints nothing: one table in the end says all.
class Quiet final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& /*context*/) override { return true; }
  void ReportRuns(const std::vector<Run>& /*runs*/) override {}
};

Samples measure(const std::vector<Kernel>& kernels, const Request& request) {
  Samples samples;
  std::size_t done = 0;
  const std::size_t all = kernels.size() * static_cast<std::size_t>(request.rounds);
  for (const Kernel& kernel : kernels) {
    benchmark::RegisterBenchmark(kernel.name.c_str(),
                                 [&](benchmark::State& state) {
                                   run_round(state, kernel, samples[kernel.name]);
                                   if (++done % kernels.size() == 0)
                                     say(fmt::format("{} of {} measurements", done, all));
                                 })
        ->UseManualTime()
        ->Iterations(request.calls)
        ->Repetitions(request.rounds);
  }
  std::string name = "bench_kernels";
  std::string interleaved = "--benchmark_enable_random_interleaving=true";
  std::vector<char*> arguments = {name.data(), interleaved.data()};
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  Quiet quiet;
  benchmark::RunSpecifiedBenchmarks(&quiet);
  return samples;
}

Found found_of(const Kernel& kernel, const Rounds& rounds) {
  std::vector<double> medians;
  std::vector<double> all;
  for (const std::vector<double>& round : rounds) {
    medians.push_back(median(round));
    all.insert(all.end(), round.begin(), round.end());
  }
  return {&kernel, median(medians), quantile(all, 0.99)};
}

const Found* limit_of(const Found& one, const std::vector<Found>& all) {
  const auto limit = std::find_if(
      all.begin(), all.end(), [&](const Found& other) { return other.kernel->name == one.kernel->limit; });
  return limit == all.end() ? nullptr : &*limit;
}

void print(const std::vector<Found>& all) {
  constexpr const char* kRow = "{:<52} {:>9} {:>9} {:>14} {:>9} {:>6}  {}\n";
  fmt::print("instruction set: {}\n", to_string(instruction_set()));
  fmt::print(kRow, "kernel", "p50 ms", "p99 ms", "rate", "limit", "share", "of");
  for (const Found& one : all) {
    const char* const unit = one.kernel->unit == Work::bytes ? "GB/s" : "Gflop/s";
    const auto giga = [](double rate) { return fmt::format("{:.2f}", 1e-9 * rate); };
    const Found* const limit = limit_of(one, all);
    fmt::print(kRow, one.kernel->name, fmt::format("{:.3f}", 1e3 * one.p50_s),
               fmt::format("{:.3f}", 1e3 * one.p99_s), giga(one.rate()) + " " + unit,
               limit == nullptr ? "" : giga(limit->rate()),
               limit == nullptr ? "" : fmt::format("{:.0f} %", 100 * one.rate() / limit->rate()),
               limit == nullptr ? "" : limit->kernel->name.substr(sizeof("limit: ") - 1));
  }
}

void write_json(const std::vector<Found>& all, const std::string& path) {
  nlohmann::ordered_json file = nlohmann::ordered_json::object();
  for (const Found& one : all) {
    const char* const rate = one.kernel->unit == Work::bytes ? "bytes_per_s" : "flops";
    nlohmann::ordered_json entry = {{"p50_s", one.p50_s}, {"p99_s", one.p99_s}, {rate, one.rate()}};
    if (const Found* const limit = limit_of(one, all)) {
      entry["limit"] = limit->kernel->name;
      entry["ratio"] = one.rate() / limit->rate();
    }
    file[one.kernel->name] = std::move(entry);
  }
  std::ofstream out(path);
  out << file.dump(1) << "\n";
  if (!out.flush()) throw std::runtime_error(path + ": cannot be written");
}

void run(const Request& request) {
  say("preparing");
  const std::vector<Kernel> kernels = kernels_matching(request.filter);
  const Samples samples = measure(kernels, request);
  std::vector<Found> all;
  for (const Kernel& kernel : kernels) all.push_back(found_of(kernel, samples.at(kernel.name)));
  print(all);
  if (!request.json.empty()) write_json(all, request.json);
}

}  // namespace
}  // namespace meridian::bench

int main(int argc, char** argv) {
  CLI::App app{"Loops over the model, beside the limits of one core of this machine."};
  meridian::bench::Request request;
  app.add_option("--rounds", request.rounds, "interleaved rounds")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--calls", request.calls, "timed calls in each")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--filter", request.filter, "only kernels whose names this regular expression finds");
  app.add_option("--json", request.json, "write all figures to this file");
  CLI11_PARSE(app, argc, argv);
  meridian::bench::require_wanted_instruction_set();
  try {
    meridian::bench::run(request);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_kernels: {}\n", error.what());
    return 1;
  }
}
