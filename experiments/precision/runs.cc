// The same configuration in `run` and in `simulate`.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "experiments/precision/measurements.h"
#include "experiments/precision/samples.h"
#include "experiments/precision/table.h"
#include "experiments/precision/timer_error.h"

namespace meridian::precision {

namespace {

namespace fs = std::filesystem;

struct Case {
  std::string file;
  std::string mode;
  std::vector<std::string> replaced = {};  // as after --set
  std::string computing = "given";
};

struct Outcome {
  double time_to_target_s = 0;
  double wan_bytes = 0;
  double accuracy = 0;
};

// Of the pairs measured so far.
struct Pairs {
  std::vector<double> real_s;
  std::vector<double> simulated_s;
  std::vector<double> time_ratio;
  std::vector<double> bytes_ratio;
  std::vector<double> accuracy_points;
};

/// A folder that goes when this does.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (fs::temp_directory_path() / "meridian-precision-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error(name + ": " + std::strerror(errno));
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// What the program says goes to `log`. Its exit status.
int call(std::vector<std::string> words, const fs::path& log) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error(words[0] + ": " + std::strerror(error));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Outcome train(const Plan& plan, const Case& one, const std::string& command, const fs::path& scratch) {
  const fs::path out = scratch / command;
  const fs::path log = scratch / "log";
  std::vector<std::string> words{plan.meridian,
                                 command,
                                 (fs::path(plan.configs) / one.file).string(),
                                 "--set",
                                 "wan.mode=" + one.mode,
                                 "--out",
                                 out.string(),
                                 "--overwrite"};
  for (const std::string& replaced : one.replaced) {
    words.emplace_back("--set");
    words.push_back(replaced);
  }
  if (const int status = call(words, log); status != 0) {
    throw std::runtime_error(
        fmt::format("meridian {} {} ended with {}:\n{}", command, one.file, status, text_of(log)));
  }
  const auto summary = nlohmann::json::parse(text_of(out / "summary.json"));
  const auto& objective = summary.at("objective");
  if (objective.at("time_to_target_s").is_null()) {
    throw std::runtime_error(fmt::format("meridian {} {} did not reach its target", command, one.file));
  }
  return {objective.at("time_to_target_s").get<double>(), summary.at("wan").at("bytes_sent").get<double>(),
          objective.at("final").get<double>()};
}

}  // namespace

std::string real_and_simulated_runs(const Plan& plan) {
  if (plan.meridian.empty() || plan.configs.empty()) {
    return "Not measured: needs --meridian PROGRAM and --configs FOLDER.\n";
  }
  const Surroundings surroundings(plan.rounds);
  const std::vector<std::string> measured{"workload.compute=measured"};
  const std::vector<Case> cases{{"two-datacenters.yaml", "gaia"},
                                {"two-datacenters.yaml", "bsp"},
                                {"three-datacenters.yaml", "gaia"},
                                {"three-datacenters.yaml", "bsp"},
                                {"two-datacenters.yaml", "gaia", measured, "measured"}};
  const ScratchFolder scratch;
  std::vector<Pairs> pairs(cases.size());
  for (int round = 1; round <= plan.rounds; ++round) {
    for (std::size_t i = 0; i < cases.size(); ++i) {
      say(fmt::format("runs, round {} of {}: {}, {}, computing time {}", round, plan.rounds, cases[i].file,
                      cases[i].mode, cases[i].computing));
      const Outcome real = train(plan, cases[i], "run", scratch.path());
      const Outcome simulated = train(plan, cases[i], "simulate", scratch.path());
      pairs[i].real_s.push_back(real.time_to_target_s);
      pairs[i].simulated_s.push_back(simulated.time_to_target_s);
      pairs[i].time_ratio.push_back(real.time_to_target_s / simulated.time_to_target_s);
      pairs[i].bytes_ratio.push_back(real.wan_bytes / simulated.wan_bytes);
      pairs[i].accuracy_points.push_back((real.accuracy - simulated.accuracy) * 100);
    }
  }
  Table table({"configuration", "mode", "computing time", "to target, run", "to target, simulate",
               "time, run / simulate", "WAN bytes, run / simulate", "accuracy, run − simulate, points"});
  for (std::size_t i = 0; i < cases.size(); ++i) {
    table.add(
        {cases[i].file, cases[i].mode, cases[i].computing, fmt::format("{:.2f} s", median(pairs[i].real_s)),
         fmt::format("{:.2f} s", median(pairs[i].simulated_s)), median_and_range(pairs[i].time_ratio, 3),
         median_and_range(pairs[i].bytes_ratio, 3), median_and_range(pairs[i].accuracy_points, 2)});
  }
  return table.markdown() + "\n" + surroundings.line();
}

}  // namespace meridian::precision
