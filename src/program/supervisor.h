// Starts the processes of a run, listens to them, and ends them all whatever happens: when one dies, on
// Ctrl-C, on an exception, and, because each of them holds one end of a socket whose other end only the
// supervisor has, also when the supervisor's own process is killed (the processes then read the end of the
// stream and end themselves).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/result.h"
#include "src/program/line_socket.h"

namespace meridian::program {

/// A child's number, in the order of spawning from 0.
using ChildId = std::size_t;

/// In a child's arguments, this text stands for the number of its end of the socket (LauncherLink::open takes
/// it).
inline constexpr std::string_view kLauncherFdPlaceholder = "{launcher_fd}";

struct ChildSpec {
  std::string name;                                              ///< how messages name it: "tokyo-worker-1"
  std::vector<std::string> arguments;                            ///< the program's path first
  std::vector<std::pair<std::string, std::string>> environment;  ///< set in addition to the launcher's own
  std::filesystem::path
      log_file;  ///< its stdout and stderr are appended here; empty: to the launcher's stderr
};

/// How a child ended.
struct ChildExit {
  ChildId child = 0;
  std::string name;
  std::optional<int> code;    ///< the exit code, unless a signal ended it
  std::optional<int> signal;  ///< the signal that ended it
  std::string
      text;  ///< "tokyo-worker-1 was killed by signal 9 (SIGKILL)", "tokyo-worker-1 exited with code 1"

  bool at_fault = false;  ///< the supervisor killed it for what it sent or did not read

  bool succeeded() const { return code == 0 && !at_fault; }
};

/// What run() calls; each may be empty, and each may call any function of the supervisor but run(). An
/// exception from one leaves run().
struct SupervisorHandlers {
  /// A line from a child, in the order it sent them, all of them before its on_exit.
  std::function<void(ChildId, std::string_view)> on_line;
  std::function<void(const ChildExit&)> on_exit;
  /// The n-th (from 1) SIGINT, SIGTERM or SIGHUP.
  std::function<void(int)> on_interrupt;
  /// Every `tick`, for deadlines and the status line.
  std::function<void()> on_tick;
  std::chrono::milliseconds tick{200};
};

/// Not thread-safe, and there is at most one in a process. Make it before any other thread: it blocks SIGINT,
/// SIGTERM and SIGHUP (unless the process was told to ignore that one, as by nohup) in its thread, and
/// threads made later inherit that.
class Supervisor {
 public:
  Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  /// Kills and reaps what still runs.
  ~Supervisor();

  /// Starts a child in a process group of its own, with stdin empty and nothing of the launcher's open but
  /// its end of the socket. An error names the child, the program or the log file, and the reason.
  Result<ChildId> spawn(const ChildSpec& spec);

  /// Waits and calls the handlers until stop() was called or no child is left. A child that sends a line
  /// longer than LineSocket::kLineLimitBytes, or reads so little that its commands pile up, is killed, and
  /// its exit says so.
  void run(const SupervisorHandlers& handlers);

  /// Makes run() return after the handler that calls it.
  void stop() { stopping_ = true; }

  /// Sends a command to one child or to all that still run. Requires that the line holds no line break.
  void send_line(ChildId id, std::string_view line);
  void broadcast(std::string_view line);

  /// Ends all children and waits for them: SIGTERM, and SIGKILL after the grace, or at once when another
  /// SIGINT, SIGTERM or SIGHUP comes in. Whatever they started in their process groups ends too. Calls no
  /// handler; returns how each ended, in the order in which they did.
  std::vector<ChildExit> terminate_all(std::chrono::milliseconds grace);

  /// Children that have not ended yet.
  std::size_t running() const;
  const std::string& name(ChildId child) const;
  pid_t pid(ChildId child) const;

 private:
  struct Child;
  using TimePoint = std::chrono::steady_clock::time_point;

  void wait_until(TimePoint deadline, bool with_links);
  bool take_signals();
  void deliver_lines(ChildId id, const SupervisorHandlers& handlers);
  void serve(ChildId id, const SupervisorHandlers& handlers);
  void condemn(Child& child, const std::string& fault);
  bool has_ended(const Child& child) const;
  ChildExit reap(ChildId id);
  void reap_until(TimePoint deadline, bool signals_cut_short, std::vector<ChildExit>& exits);
  void signal_all(int signal_number);

  std::vector<std::unique_ptr<Child>> children_;
  Descriptor signals_;
  sigset_t handled_{};
  sigset_t mask_before_{};
  struct sigaction child_action_before_ {};
  int interrupts_ = 0;
  bool stopping_ = false;
};

}  // namespace meridian::program
