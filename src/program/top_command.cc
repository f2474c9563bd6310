// meridian top: a live view of a running deployment, from the metrics of its processes.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <langinfo.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <clocale>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>

#include "src/config/host_port.h"
#include "src/monitoring/deployment_view.h"
#include "src/monitoring/targets_file.h"
#include "src/output/run_folder.h"
#include "src/program/commands.h"
#include "src/program/metrics_reader.h"
#include "src/program/node_metrics.h"
#include "src/program/run_setup.h"
#include "src/program/top_screen.h"
#include "src/program/top_text.h"

namespace meridian::program {
namespace {

using monitoring::DeploymentWatch;
using WallClock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kLongestAnswer = 3s;
constexpr auto kKeyWait = 100ms;
constexpr std::size_t kPlainWidth = 120;

/// The addresses that a targets file lists, without the WAN emulator's.
Failure add_targets(const std::filesystem::path& file, std::vector<std::string>& addresses) {
  const auto groups = monitoring::read_targets(file);
  if (!groups) return groups.error();
  for (const monitoring::TargetGroup& group : groups.value()) {
    const auto role = group.labels.find("role");
    if (role != group.labels.end() && role->second == "emulator") continue;
    addresses.insert(addresses.end(), group.addresses.begin(), group.addresses.end());
  }
  return {};
}

/// Where `metrics.targets` of the configuration in this folder says, if it does.
std::optional<std::filesystem::path> given_targets(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::exists(folder / output::kConfigFile, error)) return std::nullopt;
  const Result<Config> config = load_config({folder / output::kConfigFile, {}});
  return config ? config.value().metrics.targets : std::nullopt;
}

/// The targets files that a run's folder names: its own, where `metrics.targets` says, or its processes'.
std::vector<std::filesystem::path> targets_files(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::path own = folder / output::kTargetsFile;
  if (std::filesystem::exists(own, error)) return {own};
  if (const auto given = given_targets(folder); given && std::filesystem::exists(*given, error))
    return {*given};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::filesystem::path of_process = entry.path() / output::kTargetsFile;
    if (const auto given = given_targets(entry.path()))
      of_process = targets_file_of(*given, entry.path().filename().string());
    if (std::filesystem::exists(of_process, error)) files.push_back(of_process);
  }
  return files;
}

/// The addresses that one argument stands for: a run's folder, a targets file, or an address itself.
Failure add_addresses(const std::string& where, std::vector<std::string>& addresses) {
  const std::filesystem::path path(where);
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    const auto files = targets_files(path);
    if (files.empty())
      return Error{fmt::format("{}: no {} in it; is it a run's folder?", where, output::kTargetsFile)};
    for (const std::filesystem::path& file : files) {
      if (Failure failure = add_targets(file, addresses)) return failure;
    }
    return {};
  }
  if (std::filesystem::is_regular_file(path, error)) return add_targets(path, addresses);
  if (!parse_host_port(where)) {
    return Error{
        fmt::format("{}: neither a run's folder, nor a targets file, nor an address such as "
                    "127.0.0.1:9400",
                    where)};
  }
  addresses.push_back(where);
  return {};
}

Result<std::vector<std::string>> all_addresses(const std::vector<std::string>& where) {
  std::vector<std::string> addresses;
  for (const std::string& one : where) {
    if (const Failure failure = add_addresses(one, addresses)) return *failure;
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

/// What all processes said, and when.
struct Look {
  MetricsRead read;
  double time_s = 0.0;
};

Look look_at(const std::vector<std::string>& addresses) {
  MetricsRead read = read_metrics(addresses, kLongestAnswer);
  return {std::move(read), std::chrono::duration<double>(WallClock::now().time_since_epoch()).count()};
}

void give(Look look, DeploymentWatch& watch) {
  watch.take(look.time_s, std::move(look.read.samples), std::move(look.read.unreachable));
}

/// Looks at the deployment again and again, on a thread of its own, so that a process that does not answer
/// holds up no key.
class Watcher {
 public:
  Watcher(std::vector<std::string> where, std::chrono::duration<double> interval)
      : where_(std::move(where)),
        interval_(interval),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  /// The page.
  std::vector<TopLine> lines(std::size_t width, bool plain) {
    const std::lock_guard lock(mutex_);
    if (looks_ == 0) return {{"looking ..."}};
    std::vector<TopLine> lines = top_lines(watch_.view(), width, plain);
    if (ended_)
      lines.insert(lines.begin(), {"the run has ended; this was seen last", TopLine::Style::heading});
    return lines;
  }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      look();
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, interval_, [] { return false; });
    }
  }

  void look() {
    // The folder is read each time: a run that is started again has other addresses.
    const auto addresses = all_addresses(where_);
    if (!addresses || addresses.value().empty()) {
      const std::lock_guard lock(mutex_);
      ended_ = looks_ > 0;
      return;
    }
    Look look = look_at(addresses.value());
    const std::lock_guard lock(mutex_);
    ++looks_;
    ended_ = false;
    give(std::move(look), watch_);
  }

  std::vector<std::string> where_;
  std::chrono::duration<double> interval_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  DeploymentWatch watch_;
  std::size_t looks_ = 0;
  bool ended_ = false;
  std::jthread thread_;
};

/// Two looks, so that there are rates, and the page as text.
int show_once(const std::vector<std::string>& addresses, std::chrono::duration<double> interval, bool plain) {
  DeploymentWatch watch;
  for (int number = 0; number < 2; ++number) {
    if (number > 0) std::this_thread::sleep_for(interval);
    Look look = look_at(addresses);
    if (look.read.samples.empty()) {
      print_error(fmt::format("nobody answers at {}; has the run ended?", fmt::join(addresses, ", ")));
      return kFailed;
    }
    give(std::move(look), watch);
  }
  for (const TopLine& line : top_lines(watch.view(), kPlainWidth, plain)) fmt::print("{}\n", line.text);
  return kDone;
}

int show_live(const std::vector<std::string>& where, std::chrono::duration<double> interval, bool plain) {
  Watcher watcher(where, interval);
  TopScreen screen;
  do {
    screen.show(watcher.lines(screen.width(), plain));
  } while (!screen.wants_to_leave(kKeyWait));
  return kDone;
}

}  // namespace

int top_command(const TopArguments& arguments) {
  const auto addresses = all_addresses(arguments.where);
  if (!addresses) {
    print_error(addresses.error().message);
    return kBadUsage;
  }
  if (addresses.value().empty()) {
    print_error(
        fmt::format("{}: nobody serves metrics there now: the run has ended, has not begun, or has "
                    "metrics.address: none",
                    fmt::join(arguments.where, ", ")));
    return kFailed;
  }
  std::setlocale(LC_ALL, "");
  const bool plain = std::string_view(::nl_langinfo(CODESET)) != "UTF-8";
  const std::chrono::duration<double> interval(arguments.interval_s);
  const bool live = !arguments.once && ::isatty(STDOUT_FILENO) == 1;
  return live ? show_live(arguments.where, interval, plain) : show_once(addresses.value(), interval, plain);
}

}  // namespace meridian::program
