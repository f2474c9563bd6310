// bench_cluster [--quick] [--rounds N] [--kernels FILE] [--json FILE] [--check FILE | --write-expected FILE]
//
// Push and pull between real processes, beside what the machine allows: in every round first the limits, then
// ours, for each placement of the processes. Figures are medians over the rounds.
#include <fmt/format.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "datacenter/transfer.h"
#include "experiments/bench/figure.h"
#include "experiments/bench/network_limits.h"
#include "experiments/bench/push_pull.h"

namespace meridian::bench {
namespace {

// Machines are noisy: what a neighbour does halves a figure now and then.
constexpr double kMargin = 0.6;
// Latency with processes placed freely depends on where the kernel puts them, ours and the limit's apart: the
// same program has been 2.6 times off within ten minutes.
constexpr double kMarginOfFreeLatency = 2.0;
constexpr std::size_t kKilo = 1024;
constexpr std::size_t kMega = kKilo * kKilo;
// Below, a transfer is a matter of latency; from here on, of throughput.
constexpr std::size_t kLarge = kMega;

void say(const std::string& what) { fmt::print(stderr, "bench_cluster: {}\n", what); }

struct Request {
  bool quick = false;
  std::size_t rounds = 5;
  std::string kernels;
  std::string json;
  std::string check;
  std::string write_expected;
};

std::string size_name(std::size_t bytes) {
  return bytes >= kMega ? fmt::format("{} MB", bytes / kMega) : fmt::format("{} KB", bytes / kKilo);
}

std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  MERIDIAN_CHECK(::sched_getaffinity(0, sizeof(set), &set) == 0, "which cores this process may use");
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

std::vector<Placement> placements(std::size_t most_processes) {
  const std::vector<int> cores = allowed_cores();
  std::vector<Placement> all = {{"one core", {cores.front()}}};
  if (cores.size() > 1) {
    // With fewer cores than processes the last of them share one.
    const auto used = static_cast<std::ptrdiff_t>(std::min(cores.size(), most_processes));
    all.push_back({"one core each", {cores.begin(), cores.begin() + used}});
    all.push_back({"free", {}});
  } else {
    say("only one core here: left out are 'one core each' and 'free'");
  }
  return all;
}

/// All that one name has given, one entry a round.
struct Series {
  std::vector<double> p50_s;
  std::vector<double> p99_s;
  std::vector<double> cpu_ns_per_byte;
  std::vector<double> ratios;
  std::string limit;
  Better better = Better::higher;
  double bytes = 0.0;  // that cross in p50_s, for a rate
};

/// The figures of all rounds by name, in the order of their first appearance.
class Table {
 public:
  Series& series(const std::string& name) {
    const auto [at, is_new] = by_name_.try_emplace(name);
    if (is_new) names_.push_back(name);
    return at->second;
  }
  std::vector<Figure> figures() const {
    std::vector<Figure> figures;
    for (const std::string& name : names_) {
      const Series& of = by_name_.at(name);
      Figure figure{name, median(of.p50_s), median(of.p99_s)};
      figure.bytes_per_s = of.bytes / figure.p50_s;
      figure.cpu_ns_per_byte = median(of.cpu_ns_per_byte);
      if (!of.ratios.empty()) figure.ratio = Ratio{of.limit, median(of.ratios), of.better};
      figures.push_back(std::move(figure));
    }
    return figures;
  }

 private:
  std::map<std::string, Series> by_name_;
  std::vector<std::string> names_;
};

template <typename T>
T required(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

/// The limits of one placement in one round, that ours is divided by.
struct Limits {
  double tcp_bytes_per_s = 0.0;
  std::map<std::size_t, double> round_trip_s;  // by bytes of a frame
};

class Round {
 public:
  Round(const Request& request, const Placement& placement, Table& table)
      : request_(request), placement_(placement), table_(table) {}

  void run() {
    measure_limits();
    for (const std::size_t workers : {std::size_t{1}, std::size_t{2}}) {
      for (const auto& [bytes, clocks] : dense()) measure_dense(bytes, clocks, workers);
      measure_sparse("10,000 rows of 64 of 10 million floats", 156250, 64, 10000, workers);
      measure_sparse("1,000 rows of 10 of 10 million floats", 1000000, 10, 1000, workers);
    }
  }

 private:
  std::vector<std::pair<std::size_t, std::size_t>> dense() const {
    if (request_.quick) return {{4 * kKilo, 200}, {kMega, 50}, {16 * kMega, 8}};
    return {{4 * kKilo, 500}, {64 * kKilo, 500}, {kMega, 100},    {4 * kMega, 40},
            {16 * kMega, 15}, {64 * kMega, 6},   {256 * kMega, 3}};
  }

  std::string named(const std::string& what) const { return fmt::format("{}, {}", what, placement_.name); }

  Series& add(const std::string& name, const std::vector<double>& seconds, double bytes, double cpu_s,
              double crossed) {
    Series& of = table_.series(named(name));
    of.p50_s.push_back(median(seconds));
    of.p99_s.push_back(quantile(seconds, 0.99));
    of.cpu_ns_per_byte.push_back(cpu_s * 1e9 / crossed);
    of.bytes = bytes;
    return of;
  }

  static void relate(Series& of, const char* limit, double ratio, Better better) {
    of.limit = limit;
    of.better = better;
    of.ratios.push_back(ratio);
  }

  // The CPU time of a limit covers its warm-up, so it is spread over what crossed then, too.
  double add_limit(const std::string& name, const LimitTimes& limit, double directions) {
    const double crossed = (static_cast<double>(limit.seconds.size()) + limit.warm_up) *
                           static_cast<double>(limit.bytes) * directions;
    const Series& of = add(name, limit.seconds, static_cast<double>(limit.bytes),
                           limit.sender_cpu_s + limit.receiver_cpu_s, crossed);
    return of.p50_s.back();
  }

  void measure_limits() {
    const LimitTimes tcp = required(measure_tcp_stream(placement_, request_.quick ? 5 : 10));
    const double block_s = add_limit("TCP stream", tcp, 1.0);
    limits_.tcp_bytes_per_s = static_cast<double>(tcp.bytes) / block_s;
    add_limit("TCP stream, added up", required(measure_added_stream(placement_, request_.quick ? 5 : 10)),
              1.0);
    for (const std::size_t bytes : {4 * kKilo, 64 * kKilo, kMega}) {
      const std::size_t count = (request_.quick ? 400 : 1000) / (bytes >= kMega ? 10 : 1);
      const LimitTimes trip = required(measure_zmq_round_trip(placement_, bytes, count));
      limits_.round_trip_s[bytes] =
          add_limit(fmt::format("ZeroMQ round trip {}", size_name(bytes)), trip, 2.0);
    }
    for (const std::size_t bytes : {4 * kKilo, 64 * kKilo, kMega, 4 * kMega}) {
      const LimitTimes through = required(measure_zmq_throughput(placement_, bytes, request_.quick ? 4 : 10));
      add_limit(fmt::format("ZeroMQ frames of {}", size_name(bytes)), through, 1.0);
    }
  }

  void add_ours(const std::string& what, const PushPullTimes& times, std::size_t bytes, std::size_t workers,
                bool by_latency) {
    const double crossing = static_cast<double>(bytes * workers);
    // Of worker 0, and of the server, which serves all.
    const double clocks = static_cast<double>(times.push_s.size());
    const double cpu_s = times.server_cpu_s + times.worker_cpu_s * static_cast<double>(workers);
    const double crossed = clocks * crossing * 2.0;
    const auto relate_rate = [&](Series& of, double through) {
      relate(of, "one TCP stream", through / of.p50_s.back() / limits_.tcp_bytes_per_s, Better::higher);
    };
    Series& push = add("push " + what, times.push_s, crossing, cpu_s, crossed);
    if (!by_latency) relate_rate(push, crossing);
    Series& pull = add("pull " + what, times.pull_s, crossing, cpu_s, crossed);
    if (!by_latency) relate_rate(pull, crossing);
    Series& both = add("push and pull " + what, times.round_trip_s, 2.0 * crossing, cpu_s, crossed);
    const auto trip = limits_.round_trip_s.find(bytes);
    if (!by_latency) {
      relate_rate(both, 2.0 * crossing);
    } else if (trip != limits_.round_trip_s.end()) {
      const double bare = trip->second;
      relate(push, "a ZeroMQ round trip", push.p50_s.back() / bare, Better::lower);
      relate(both, "a ZeroMQ round trip", both.p50_s.back() / bare, Better::lower);
    }
  }

  /// As a run does it.
  void add_at_once(const std::string& what, const PushPullTimes& times, std::size_t bytes,
                   std::size_t workers) {
    const double crossing = 2.0 * static_cast<double>(bytes * workers);
    const double cpu_s = times.server_cpu_s + times.worker_cpu_s * static_cast<double>(workers);
    Series& of = add("push and pull at once " + what, times.round_trip_s, crossing, cpu_s,
                     static_cast<double>(times.push_s.size()) * crossing);
    relate(of, "one TCP stream", crossing / of.p50_s.back() / limits_.tcp_bytes_per_s, Better::higher);
  }

  void measure_dense(std::size_t bytes, std::size_t clocks, std::size_t workers) {
    PushPullOptions options;
    options.rows = bytes / sizeof(float);
    options.workers = workers;
    options.clocks = clocks;
    options.placement = placement_;
    const std::string what = fmt::format("{}, {}", size_name(bytes), workers == 1 ? "1 worker" : "2 workers");
    options.both_at_once = false;
    add_ours(what, required(measure_push_pull(options)), bytes, workers, bytes < kLarge);
    if (bytes <= datacenter::kMaxTransferBytes) return;
    options.both_at_once = true;
    add_at_once(what, required(measure_push_pull(options)), bytes, workers);
  }

  void measure_sparse(const char* what, std::size_t rows, std::size_t columns, std::size_t touched,
                      std::size_t workers) {
    PushPullOptions options;
    options.rows = rows;
    options.columns = columns;
    options.rows_touched = touched;
    options.workers = workers;
    options.clocks = request_.quick ? 20 : 50;
    options.placement = placement_;
    add_ours(fmt::format("{}, {}", what, workers == 1 ? "1 worker" : "2 workers"),
             required(measure_push_pull(options)), touched * columns * sizeof(float), workers,
             /*by_latency=*/false);
  }

  const Request& request_;
  const Placement& placement_;
  Table& table_;
  Limits limits_;
};

std::vector<Figure> measure(const Request& request) {
  constexpr std::size_t kMostProcesses = 3;
  const std::vector<Placement> all = placements(kMostProcesses);
  Table table;
  for (std::size_t round = 1; round <= request.rounds; ++round) {
    for (const Placement& placement : all) {
      say(fmt::format("round {} of {}, {}", round, request.rounds, placement.name));
      Round(request, placement, table).run();
    }
  }
  return table.figures();
}

void print(const std::vector<Figure>& figures) {
  constexpr const char* kRow = "{:<76} {:>11} {:>11} {:>8} {:>11} {:>26} {:>9}\n";
  fmt::print(kRow, "figure", "p50 us", "p99 us", "GB/s", "M floats/s", "of its limit", "CPU ns/B");
  for (const Figure& figure : figures) {
    std::string share = "(a limit)";
    if (figure.ratio) {
      share = figure.ratio->better == Better::higher
                  ? fmt::format("{:.1f} % of {}", figure.ratio->value * 100.0, figure.ratio->limit)
                  : fmt::format("{:.2f} x {}", figure.ratio->value, figure.ratio->limit);
    } else if (figure.name.starts_with("pull")) {
      share = "-";
    }
    fmt::print(kRow, figure.name, fmt::format("{:.1f}", figure.p50_s * 1e6),
               fmt::format("{:.1f}", figure.p99_s * 1e6), fmt::format("{:.3f}", figure.bytes_per_s * 1e-9),
               fmt::format("{:.1f}", figure.bytes_per_s / sizeof(float) * 1e-6), share,
               fmt::format("{:.2f}", figure.cpu_ns_per_byte));
  }
}

std::string machine() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name"))
      return fmt::format("{}, {} cores", line.substr(line.find(':') + 2),
                         std::thread::hardware_concurrency());
  }
  return fmt::format("{} cores", std::thread::hardware_concurrency());
}

void write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) throw std::runtime_error(fmt::format("{}: cannot be written", path));
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw std::runtime_error(fmt::format("{}: cannot be read", path));
  return text;
}

std::string to_json(const std::vector<Figure>& figures, const Request& request) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Figure& figure : figures) {
    nlohmann::ordered_json entry = {{"name", figure.name},
                                    {"p50_s", figure.p50_s},
                                    {"p99_s", figure.p99_s},
                                    {"bytes_per_s", figure.bytes_per_s},
                                    {"cpu_ns_per_byte", figure.cpu_ns_per_byte}};
    if (figure.ratio) {
      entry["limit"] = figure.ratio->limit;
      entry["ratio"] = figure.ratio->value;
    }
    list.push_back(std::move(entry));
  }
  nlohmann::ordered_json file;
  file["machine"] = machine();
  file["rounds"] = request.rounds;
  file["figures"] = std::move(list);
  if (!request.kernels.empty()) {
    file["kernels"] = nlohmann::ordered_json::parse(text_of(request.kernels), nullptr, false);
    if (file["kernels"].is_discarded())
      throw std::runtime_error(
          fmt::format("{}: expected JSON, as Google Benchmark writes it", request.kernels));
  }
  return file.dump(1) + "\n";
}

/// Read before anything is measured, so that what is wrong with it is said at once.
Expectations expectations_in(const std::string& path) {
  auto expected = read_expectations(text_of(path));
  if (!expected) throw std::runtime_error(fmt::format("{}: {}", path, expected.error().message));
  return std::move(expected).value();
}

Expectations expectations_from(const std::vector<Figure>& figures) {
  Expectations expectations = expectations_of(figures, machine(), kMargin);
  for (Expected& one : expectations.figures) {
    if (one.better == Better::lower && one.name.ends_with(", free")) one.margin = kMarginOfFreeLatency;
  }
  return expectations;
}

int run(const Request& request) {
  std::optional<Expectations> expected;
  if (!request.check.empty()) expected = expectations_in(request.check);
  const std::vector<Figure> figures = measure(request);
  print(figures);
  if (!request.json.empty()) write(request.json, to_json(figures, request));
  if (!request.write_expected.empty())
    write(request.write_expected, write_expectations(expectations_from(figures)));
  if (!expected) return 0;
  const std::vector<std::string> worse = find_worse(*expected, figures, request.quick);
  for (const std::string& one : worse) say("worse: " + one);
  say(fmt::format("{} of {} ratios are worse than their margin (taken on: {})", worse.size(),
                  expected->figures.size(), expected->machine));
  return worse.empty() ? 0 : 1;
}

}  // namespace
}  // namespace meridian::bench

int main(int argc, char** argv) {
  CLI::App app{"Push and pull between real processes, beside the limits of this machine."};
  meridian::bench::Request request;
  app.add_flag("--quick", request.quick, "fewer sizes, less than a minute");
  auto* const rounds = app.add_option("--rounds", request.rounds, "interleaved rounds")
                           ->check(CLI::PositiveNumber)
                           ->capture_default_str();
  app.add_option("--kernels", request.kernels, "what bench_kernels wrote as JSON: becomes part of --json");
  app.add_option("--json", request.json, "write all figures to this file");
  auto* const check = app.add_option("--check", request.check, "compare ratios with those in this file");
  app.add_option("--write-expected", request.write_expected, "write the ratios to this file")
      ->excludes(check);
  CLI11_PARSE(app, argc, argv);
  if (request.quick && rounds->count() == 0) request.rounds = 1;
  try {
    return meridian::bench::run(request);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_cluster: {}\n", error.what());
    return 1;
  }
}
