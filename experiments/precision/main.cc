// precision [NAME...] [--rounds N] [--out FILE.md] [--meridian PROGRAM --configs FOLDER]
//
// Measures how precise the emulator and the simulator are on this machine and prints tables in Markdown, or
// puts them into a page. NAME is a table or a group of them; without one all are measured.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/precision/measurements.h"
#include "experiments/precision/page.h"

namespace meridian::precision {

void say(std::string_view what) { fmt::print(stderr, "precision: {}\n", what); }

namespace {

struct Measurement {
  std::string_view group;
  std::string_view name;
  std::string (*measure)(const Plan& plan);
};

constexpr Measurement kMeasurements[] = {
    {"simulator", "simulator", simulator}, {"emulator", "throughput", emulator_throughput},
    {"emulator", "delay", emulator_delay}, {"emulator", "jitter", emulator_jitter},
    {"emulator", "loss", emulator_loss},   {"emulator", "pairs", emulator_pairs},
    {"kernel", "kernel", kernel},          {"runs", "runs", real_and_simulated_runs},
};

constexpr int kRoundsOfRuns = 5;

struct Request {
  std::vector<std::string_view> names;
  std::optional<int> rounds;
  std::string out;
  Plan plan;

  bool wants(const Measurement& one) const {
    return names.empty() || std::any_of(names.begin(), names.end(), [&one](std::string_view name) {
             return name == one.name || name == one.group;
           });
  }
};

// Or what is wrong.
Result<Request> parse(const std::vector<std::string_view>& words) {
  Request request;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (!word.starts_with("--")) {
      const bool known =
          std::any_of(std::begin(kMeasurements), std::end(kMeasurements),
                      [word](const auto& one) { return word == one.name || word == one.group; });
      if (!known) {
        return Error{
            fmt::format("there is no table '{}'; expected emulator, simulator, kernel, runs, "
                        "throughput, delay, jitter, loss or pairs",
                        word)};
      }
      request.names.push_back(word);
      continue;
    }
    if (i + 1 == words.size()) return Error{fmt::format("{} needs a value", word)};
    const std::string value(words[++i]);
    if (word == "--out") {
      request.out = value;
    } else if (word == "--meridian") {
      request.plan.meridian = value;
    } else if (word == "--configs") {
      request.plan.configs = value;
    } else if (word == "--rounds") {
      int rounds = 0;
      const auto read = std::from_chars(value.data(), value.data() + value.size(), rounds);
      if (read.ec != std::errc{} || read.ptr != value.data() + value.size() || rounds < 1 || rounds > 1000) {
        return Error{fmt::format("--rounds {}: expected a whole number from 1 to 1000", value)};
      }
      request.rounds = rounds;
    } else {
      return Error{
          fmt::format("there is no option {}; expected --rounds, --out, --meridian or --configs", word)};
    }
  }
  return request;
}

std::optional<std::string> read(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

// Into the page, where there is one, after each measurement: those that follow may be broken off.
Failure put(const std::string& path, const std::string& name, const std::string& text) {
  const std::optional<std::string> page = read(path);
  if (!page) return Error{fmt::format("{}: cannot be read; expected a page with markers", path)};
  auto changed = with_section(*page, name, text);
  if (!changed) return Error{fmt::format("{}: {}", path, changed.error().message)};
  std::ofstream file(path);
  file << changed.value();
  file.close();
  if (!file) return Error{fmt::format("{}: cannot be written", path)};
  return std::nullopt;
}

int measure(const Request& request) {
  int status = 0;
  for (const Measurement& one : kMeasurements) {
    if (!request.wants(one)) continue;
    Plan plan = request.plan;
    plan.rounds = request.rounds.value_or(one.name == "runs" ? kRoundsOfRuns : plan.rounds);
    const std::string name(one.name);
    std::string text;
    try {
      text = one.measure(plan);
    } catch (const std::exception& error) {
      say(fmt::format("{}: {}", name, error.what()));
      status = 1;
      continue;
    }
    fmt::print("{}\n", new_section(name, text));
    std::fflush(stdout);
    if (request.out.empty()) continue;
    if (const Failure failure = put(request.out, name, text)) {
      say(failure->message);
      status = 1;
    }
  }
  return status;
}

}  // namespace

}  // namespace meridian::precision

int main(int count, char** words) {
  using meridian::precision::say;
  const auto request = meridian::precision::parse({words + 1, words + count});
  if (!request) {
    say(request.error().message);
    return 2;
  }
  return meridian::precision::measure(request.value());
}
