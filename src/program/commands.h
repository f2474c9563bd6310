// The program's commands, one function each. Each returns the process's exit code: 0 done, 1 the run failed,
// 2 bad usage or configuration. Results go to stdout; progress, logs and errors to stderr.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace meridian::program {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadUsage = 2;

/// A configuration file and the --set options beside it.
struct ConfigArguments {
  std::filesystem::path file;
  std::vector<std::string> overrides;
};

struct OutputArguments {
  std::optional<std::filesystem::path> folder;  ///< --out
  bool overwrite = false;
};

struct CheckArguments {
  ConfigArguments config;
  bool explain = false;  ///< say what the synchronisation method comes to
};
int check_command(const CheckArguments& arguments);

struct SimulateArguments {
  ConfigArguments config;
  OutputArguments output;
  unsigned threads = 0;   ///< 0: one for each core
  bool progress = false;  ///< a line of progress each second, also where stderr is no terminal
};
int simulate_command(const SimulateArguments& arguments);

struct RunArguments {
  ConfigArguments config;
  OutputArguments output;
};
int run_command(const RunArguments& arguments);

struct NodeArguments {
  ConfigArguments config;
  OutputArguments output;
  std::string datacenter;
  std::string role;
  std::size_t index = 0;
  std::optional<std::filesystem::path> addresses;  ///< from `meridian run`: where everybody listens
  std::optional<int> launcher_fd;                  ///< from `meridian run`: its end of the line to it
};
int node_command(const NodeArguments& arguments);

struct EmulateArguments {
  ConfigArguments config;
  std::optional<std::filesystem::path> relays;  ///< from `meridian run`: the relays between its processes
  std::optional<int> launcher_fd;
};
int emulate_command(const EmulateArguments& arguments);

struct SweepArguments {
  std::filesystem::path experiment;
  std::optional<std::filesystem::path> folder;  ///< --out; otherwise runs/NAME
  unsigned jobs = 0;   ///< runs at once; 0: one simulation for each core, or one real run
  bool real = false;   ///< real runs on this machine, not simulations
  bool quiet = false;  ///< no progress
};
int sweep_command(const SweepArguments& arguments);

struct ReportArguments {
  std::vector<std::filesystem::path> folders;
  std::optional<std::filesystem::path> baseline;
  std::optional<std::filesystem::path> lan;
  bool json = false;
  std::optional<std::filesystem::path> page;  ///< the folder that takes tables, plots and page of these runs
  bool centralised = false;           ///< compute the row of training in one place, from the --lan run
  std::optional<std::string> region;  ///< where that is
  std::optional<double> data_gb;      ///< 10^9 bytes of training data, in place of what the runs have
};
int report_command(const ReportArguments& arguments);

struct TopArguments {
  std::vector<std::string> where;  ///< a run's folder, a targets file, or addresses of metrics
  double interval_s = 1.0;         ///< between two looks
  bool once = false;               ///< print one page as text, also to a terminal
};
int top_command(const TopArguments& arguments);

struct TopicsArguments {
  std::filesystem::path folder;  ///< of a finished run
  std::size_t words = 10;        ///< of each topic
};
int topics_command(const TopicsArguments& arguments);

}  // namespace meridian::program
