// The `meridian` program as its users meet it: started as a process of its own, watched from outside, and
// ended with everything it started when a test is over, however the test ends.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/program/process_descriptor.h"

namespace meridian::integration {

/// For what must happen on any machine, however busy; reached only when a test fails.
inline constexpr std::chrono::seconds kDeadline{60};
/// Within this a run is over once one of its processes died; its users are promised no more.
inline constexpr std::chrono::seconds kEndDeadline{10};

struct StartOptions {
  std::filesystem::path working_directory;  ///< empty: the test's own
  std::map<std::string, std::string> environment;
  std::optional<std::size_t> file_size_limit_bytes;  ///< no file of the process may grow beyond: a full disk
};

/// How a process ended: its exit code, or 128 plus the signal that killed it, as a shell says it.
struct Ended {
  int code = 0;
  std::string out;
  std::string err;
};

/// One started `meridian`. Not thread-safe. The destructor kills and reaps it; what it started must end by
/// itself, which tests of that look at with processes_of().
class ProgramUnderTest {
 public:
  /// Throws std::runtime_error where the process cannot be started.
  explicit ProgramUnderTest(const std::vector<std::string>& arguments, const StartOptions& options = {});
  ProgramUnderTest(const ProgramUnderTest&) = delete;
  ProgramUnderTest& operator=(const ProgramUnderTest&) = delete;
  ~ProgramUnderTest();

  pid_t pid() const { return pid_; }
  void send_signal(int signal_number) const;

  /// What it has written so far.
  std::string out() const;
  std::string err() const;

  /// Whether the condition came true before the process ended and before the deadline.
  bool wait_until(const std::function<bool()>& condition) const;

  /// Waits for its end; nothing where it still runs after `deadline`.
  std::optional<Ended> wait(std::chrono::seconds deadline = kDeadline);

 private:
  bool ended_within(std::chrono::milliseconds time) const;

  pid_t pid_ = -1;
  program::Descriptor process_;
  program::Descriptor out_;
  program::Descriptor err_;
  bool reaped_ = false;
};

/// Runs `meridian` to its end. Throws std::runtime_error where it does not end before the deadline.
Ended run_meridian(const std::vector<std::string>& arguments, const StartOptions& options = {});

/// The processes whose command line names `folder`, by what they are: "tokyo-worker-1", "emulator",
/// "launcher". Zombies do not count.
std::map<std::string, pid_t> processes_of(const std::filesystem::path& folder);

/// Whether no process whose command line names `folder` is left, at the latest after `deadline`.
bool all_gone(const std::filesystem::path& folder, std::chrono::seconds deadline = kEndDeadline);

/// Waits a little before a condition is looked at again; not a substitute for the condition.
void pause_between_looks();

}  // namespace meridian::integration
