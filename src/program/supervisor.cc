#include "src/program/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>  // NOLINT(modernize-deprecated-headers): sigabbrev_np is not in <cstring>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <system_error>

#include "src/base/check.h"
#include "src/program/process_descriptor.h"

namespace meridian::program {

struct Supervisor::Child {
  std::string name;
  pid_t pid = -1;
  Descriptor process;  ///< readable once the process has ended
  LineSocket link;
  std::optional<std::string> fault;  ///< why it was killed by us
  bool ended = false;
};

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// For a killed process to be gone: only one stuck in the kernel takes longer.
constexpr milliseconds kKillDeadline{10000};
constexpr int kRoundsAfterEnd = 64;

std::string reason(int error_number) { return std::generic_category().message(error_number); }

/// A process whose standard streams are closed would find its sockets under their numbers.
void open_standard_streams() {
  for (int number = 0; number <= 2; ++number) {
    if (::fcntl(number, F_GETFD) >= 0) continue;
    [[maybe_unused]] const int opened =
        ::open("/dev/null", O_RDWR);  // Takes the lowest free number: this one.
  }
}

bool is_ignored(int signal_number) {
  struct sigaction action {};
  return ::sigaction(signal_number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

/// The launcher's environment with the additions over it, as execve takes it.
std::vector<std::string> make_environment(const ChildSpec& spec) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view key = text.substr(0, text.find('='));
    if (std::ranges::any_of(spec.environment, [&](const auto& added) { return added.first == key; }))
      continue;
    environment.emplace_back(text);
  }
  for (const auto& [key, value] : spec.environment) environment.push_back(fmt::format("{}={}", key, value));
  return environment;
}

std::vector<std::string> fill_arguments(const ChildSpec& spec, int link) {
  std::vector<std::string> arguments = spec.arguments;
  for (std::string& argument : arguments) {
    const std::size_t at = argument.find(kLauncherFdPlaceholder);
    if (at != std::string::npos) argument.replace(at, kLauncherFdPlaceholder.size(), std::to_string(link));
  }
  return arguments;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// All that the child's side of a fork needs, made beforehand: between fork and exec nothing may allocate or
/// lock.
struct ExecPlan {
  const char* program;
  char* const* arguments;
  char* const* environment;
  int input;
  int output;
  int link;
  int failure;  ///< a pipe that takes the error number where there is no exec
};

[[noreturn]] void become_child(const ExecPlan& plan) {
  // A group of its own: the terminal's Ctrl-C reaches the launcher alone, and the whole group can be ended at
  // once.
  ::setpgid(0, 0);
  for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGPIPE, SIGCHLD}) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(plan.input, STDIN_FILENO);
  ::dup2(plan.output, STDOUT_FILENO);
  ::dup2(plan.output, STDERR_FILENO);
  // Also what some library opened without close-on-exec: above all no other child's link may come along, or
  // that child would not see the launcher die.
  ::close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC);
  ::fcntl(plan.link, F_SETFD, 0);
  ::execve(plan.program, plan.arguments, plan.environment);
  const int error_number = errno;
  [[maybe_unused]] const ssize_t written = ::write(plan.failure, &error_number, sizeof error_number);
  ::_exit(127);
}

/// Forks and execs; the error number where either failed, 0 otherwise.
int start(const ExecPlan& plan, Descriptor failure_reader, Descriptor failure_writer, pid_t& pid) {
  pid = ::fork();
  if (pid < 0) return errno;
  if (pid == 0) become_child(plan);
  failure_writer.close();
  int error_number = 0;
  ssize_t count = 0;
  do {
    count = ::read(failure_reader.number(), &error_number, sizeof error_number);
  } while (count < 0 && errno == EINTR);
  if (count != sizeof error_number) return 0;
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return error_number;
}

std::string describe(const std::string& name, const ChildExit& exit) {
  if (exit.code) return fmt::format("{} exited with code {}", name, *exit.code);
  const char* short_name = ::sigabbrev_np(*exit.signal);
  const std::string signal_name = short_name == nullptr ? "unknown" : fmt::format("SIG{}", short_name);
  return fmt::format("{} was killed by signal {} ({})", name, *exit.signal, signal_name);
}

}  // namespace

Supervisor::Supervisor() {
  open_standard_streams();
  ::sigemptyset(&handled_);
  ::sigaddset(&handled_, SIGINT);
  ::sigaddset(&handled_, SIGTERM);
  if (!is_ignored(SIGHUP)) ::sigaddset(&handled_, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &handled_, &mask_before_);
  signals_ = Descriptor(::signalfd(-1, &handled_, SFD_NONBLOCK | SFD_CLOEXEC));
  // A parent that ignores SIGCHLD hands that on, and children would then vanish before they could be asked
  // how they ended.
  struct sigaction default_action {};
  default_action.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &default_action, &child_action_before_);
}

Supervisor::~Supervisor() {
  try {
    terminate_all(milliseconds(0));
  } catch (...) {  // Only for want of memory, which the signals below do without.
    signal_all(SIGKILL);
  }
  // Signals that came while the children ended have had their effect.
  take_signals();
  ::sigaction(SIGCHLD, &child_action_before_, nullptr);
  ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

Result<ChildId> Supervisor::spawn(const ChildSpec& spec) {
  MERIDIAN_CHECK(!spec.arguments.empty(), "{}", spec.name);
  const auto failed = [&](const std::string& what, int error_number) {
    return Error{fmt::format("cannot start {}: {}: {}", spec.name, what, reason(error_number))};
  };
  Descriptor input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!input) return failed("/dev/null", errno);
  Descriptor log;
  if (!spec.log_file.empty()) {
    log = Descriptor(::open(spec.log_file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
    if (!log) return failed(spec.log_file.string(), errno);
  }
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return failed("socketpair", errno);
  Descriptor own_end(ends[0]);
  const Descriptor child_end(ends[1]);
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed("pipe", errno);
  Descriptor failure_reader(ends[0]);
  Descriptor failure_writer(ends[1]);

  std::vector<std::string> arguments = fill_arguments(spec, child_end.number());
  std::vector<std::string> environment = make_environment(spec);
  const std::vector<char*> argument_pointers = pointers_to(arguments);
  const std::vector<char*> environment_pointers = pointers_to(environment);
  const ExecPlan plan{arguments.front().c_str(),
                      argument_pointers.data(),
                      environment_pointers.data(),
                      input.number(),
                      log ? log.number() : STDERR_FILENO,
                      child_end.number(),
                      failure_writer.number()};
  // Made before the fork, so that a child once started is never lost for want of memory.
  auto child =
      std::make_unique<Child>(Child{spec.name, -1, Descriptor(), LineSocket(std::move(own_end)), {}, true});
  Child& started = *children_.emplace_back(std::move(child));
  const int error_number = start(plan, std::move(failure_reader), std::move(failure_writer), started.pid);
  if (error_number == 0) {
    started.process = open_process(started.pid);
    if (started.process) {
      started.ended = false;
      return children_.size() - 1;
    }
  }
  const int pidfd_error = errno;
  if (error_number == 0) {
    ::kill(-started.pid, SIGKILL);
    while (::waitpid(started.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  children_.pop_back();
  if (error_number == 0) return failed("pidfd_open", pidfd_error);
  return failed(arguments.front(), error_number);
}

void Supervisor::run(const SupervisorHandlers& handlers) {
  MERIDIAN_CHECK(handlers.tick > milliseconds(0), "{} ms", handlers.tick.count());
  stopping_ = false;
  TimePoint next_tick = steady_clock::now() + handlers.tick;
  while (!stopping_ && running() > 0) {
    wait_until(next_tick, true);
    const int interrupts_before = interrupts_;
    take_signals();
    for (int n = interrupts_before + 1; n <= interrupts_ && !stopping_; ++n) {
      if (handlers.on_interrupt) handlers.on_interrupt(n);
    }
    for (ChildId id = 0; id < children_.size() && !stopping_; ++id) {
      if (!children_[id]->ended) serve(id, handlers);
    }
    const TimePoint now = steady_clock::now();
    if (stopping_ || now < next_tick) continue;
    next_tick = now + handlers.tick;
    if (handlers.on_tick) handlers.on_tick();
  }
}

/// Everything a child may have for us: room for its commands, its lines, its end.
void Supervisor::serve(ChildId id, const SupervisorHandlers& handlers) {
  Child& child = *children_[id];
  // Looked at before the lines are read, so that none of an ended child's can come later.
  const bool ended = has_ended(child);
  if (ended)
    ::kill(-child.pid, SIGKILL);  // What it started ends with it; the group exists until it is reaped.
  child.link.flush();
  // All that an ended child left; bounded, for a process that left its group may still hold the socket.
  const int rounds = ended ? kRoundsAfterEnd : 1;
  for (int i = 0; i < rounds && !stopping_ && !child.ended; ++i) {
    const bool came = child.link.receive();
    deliver_lines(id, handlers);
    if (!came) break;
  }
  if (child.ended || stopping_) return;
  if (child.link.overflowed()) {
    condemn(child, fmt::format("sent a line longer than {} bytes", LineSocket::kLineLimitBytes));
  }
  if (!ended) return;
  const ChildExit exit = reap(id);
  if (handlers.on_exit) handlers.on_exit(exit);
}

void Supervisor::deliver_lines(ChildId id, const SupervisorHandlers& handlers) {
  Child& child = *children_[id];
  while (!stopping_ && !child.ended) {
    const std::optional<std::string> line = child.link.next_line();
    if (!line) return;
    if (handlers.on_line) handlers.on_line(id, *line);
  }
}

/// Waits for signals, ends of children and, with `with_links`, their lines.
void Supervisor::wait_until(TimePoint deadline, bool with_links) {
  std::vector<pollfd> waiting = {{signals_.number(), POLLIN, 0}};
  for (const auto& child : children_) {
    if (child->ended) continue;
    waiting.push_back({child->process.number(), POLLIN, 0});
    if (!with_links || child->link.gone() || child->link.overflowed()) continue;
    const int events = POLLIN | (child->link.wants_write() ? POLLOUT : 0);
    waiting.push_back({child->link.fd(), static_cast<short>(events), 0});
  }
  const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
  const auto timeout_ms = static_cast<int>(std::clamp<milliseconds::rep>(left.count(), 0, 60000));
  ::poll(waiting.data(), waiting.size(), timeout_ms);
}

bool Supervisor::take_signals() {
  bool taken = false;
  signalfd_siginfo info{};
  while (::read(signals_.number(), &info, sizeof info) == sizeof info) {
    ++interrupts_;
    taken = true;
  }
  return taken;
}

void Supervisor::condemn(Child& child, const std::string& fault) {
  if (child.fault) return;
  child.fault = fault;
  ::kill(-child.pid, SIGKILL);
}

bool Supervisor::has_ended(const Child& child) const {
  siginfo_t info{};
  const auto process = static_cast<id_t>(child.process.number());
  return ::waitid(P_PIDFD, process, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/// Requires that the child has ended.
ChildExit Supervisor::reap(ChildId id) {
  Child& child = *children_[id];
  ::kill(-child.pid, SIGKILL);
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(child.process.number()), &info, WEXITED) != 0 &&
         errno == EINTR) {
  }
  child.ended = true;
  child.process.close();
  ChildExit exit;
  exit.child = id;
  exit.name = child.name;
  if (info.si_code == CLD_EXITED) {
    exit.code = info.si_status;
  } else {
    exit.signal = info.si_status;
  }
  exit.at_fault = child.fault.has_value();
  exit.text =
      child.fault ? fmt::format("{} was ended: it {}", child.name, *child.fault) : describe(child.name, exit);
  return exit;
}

void Supervisor::send_line(ChildId id, std::string_view line) {
  MERIDIAN_CHECK(id < children_.size(), "{} of {}", id, children_.size());
  Child& child = *children_[id];
  if (child.ended || child.link.gone()) return;
  const bool was_full = child.link.wants_write();
  if (!child.link.send_line(line) && was_full) condemn(child, "does not read its commands");
}

void Supervisor::broadcast(std::string_view line) {
  for (ChildId id = 0; id < children_.size(); ++id) send_line(id, line);
}

std::vector<ChildExit> Supervisor::terminate_all(milliseconds grace) {
  std::vector<ChildExit> exits;
  if (grace > milliseconds(0)) {
    signal_all(SIGTERM);
    signal_all(SIGCONT);  // A stopped process would not see the one before.
    reap_until(steady_clock::now() + grace, true, exits);
  }
  signal_all(SIGKILL);
  reap_until(steady_clock::now() + kKillDeadline, false, exits);
  return exits;
}

void Supervisor::reap_until(TimePoint deadline, bool signals_cut_short, std::vector<ChildExit>& exits) {
  for (;;) {
    for (ChildId id = 0; id < children_.size(); ++id) {
      if (!children_[id]->ended && has_ended(*children_[id])) exits.push_back(reap(id));
    }
    if (running() == 0 || steady_clock::now() >= deadline) return;
    wait_until(deadline, false);
    if (take_signals() && signals_cut_short) return;
  }
}

void Supervisor::signal_all(int signal_number) {
  for (const auto& child : children_) {
    if (!child->ended) ::kill(-child->pid, signal_number);
  }
}

std::size_t Supervisor::running() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(children_, [](const auto& child) { return !child->ended; }));
}

const std::string& Supervisor::name(ChildId child) const {
  MERIDIAN_CHECK(child < children_.size(), "{} of {}", child, children_.size());
  return children_[child]->name;
}

pid_t Supervisor::pid(ChildId child) const {
  MERIDIAN_CHECK(child < children_.size(), "{} of {}", child, children_.size());
  return children_[child]->pid;
}

}  // namespace meridian::program
