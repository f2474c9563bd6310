#include "experiments/bench/push_pull.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <limits>
#include <memory>
#include <span>
#include <thread>
#include <utility>

#include "datacenter/worker.h"
#include "experiments/bench/seconds_of.h"
#include "src/runtime/real/kept_memory.h"
#include "src/runtime/real/real_runtime.h"
#include "wan/mirrored_server.h"

namespace meridian::bench {
namespace {

constexpr std::size_t kWarmUp = 5;
constexpr std::size_t kShards = 16;
constexpr std::chrono::seconds kDeadline{300};
constexpr std::size_t kLongestReason = 1024;

/// What the processes write down for the one that started them; the monotonic clock is the same for all.
struct Times {
  double pushed = 0.0;    // the worker gives its first message away
  double answered = 0.0;  // the server does
  double complete = 0.0;  // the worker has the model
};
struct ProcessLog {
  double cpu_at_warm = 0.0;
  double cpu_at_end = 0.0;
  double making_updates = 0.0;  // CPU time of that, from warm to end
  char failure[kLongestReason] = {};
};

/// Shared memory for one measurement, made before its processes are.
class SharedLog {
 public:
  SharedLog(std::size_t clocks, std::size_t processes)
      : bytes_((clocks + 1) * sizeof(Times) + processes * sizeof(ProcessLog)),
        memory_(::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    MERIDIAN_CHECK(memory_ != MAP_FAILED, "mmap of {} bytes: {}", bytes_, std::strerror(errno));
    clocks_ = {static_cast<Times*>(memory_), clocks + 1};
    // Memory from the kernel is all zeros, which is what both structures begin with.
    processes_ = {reinterpret_cast<ProcessLog*>(clocks_.data() + clocks_.size()), processes};
  }
  ~SharedLog() { ::munmap(memory_, bytes_); }
  SharedLog(const SharedLog&) = delete;
  SharedLog& operator=(const SharedLog&) = delete;

  Times& clock(std::size_t clock) const { return clocks_[clock]; }
  ProcessLog& process(std::size_t index) const { return processes_[index]; }

 private:
  std::size_t bytes_;
  void* memory_;
  std::span<Times> clocks_;
  std::span<ProcessLog> processes_;
};

/// One table; the update is a constant, and each clock touches rows all over the table.
class BenchWorkload final : public Workload {
 public:
  BenchWorkload(const PushPullOptions& options, double* making_updates)
      : tables_{{"table", options.rows, options.columns, options.rows_touched.has_value()}},
        rows_touched_(options.rows_touched.value_or(0)),
        making_updates_(making_updates) {}

  const std::vector<TableSpec>& tables() const override { return tables_; }
  void fill_initial_values(std::size_t /*table*/, std::span<float> values) const override {
    std::fill(values.begin(), values.end(), 1.0F);
  }
  std::size_t samples_per_clock(WorkerPlace /*place*/) const override { return 1; }
  std::unique_ptr<Learner> make_learner(WorkerPlace /*place*/) const override {
    return std::make_unique<BenchLearner>(*this);
  }
  double objective(const EvaluationSums& /*sums*/) const override { return 0.0; }
  const char* metric_name() const override { return "loss"; }
  bool larger_is_better() const override { return false; }

 private:
  class BenchLearner final : public Learner {
   public:
    explicit BenchLearner(const BenchWorkload& workload) : workload_(workload) {}

    void list_rows(Clock clock, std::size_t table, std::vector<std::uint32_t>& rows) override {
      const std::size_t all = workload_.tables_[table].rows;
      const std::size_t stride = all / workload_.rows_touched_;
      for (std::size_t i = 0; i < workload_.rows_touched_; ++i)
        rows.push_back(static_cast<std::uint32_t>(i * stride + clock % stride));
    }
    UpdateReport compute_update(Clock /*clock*/, TablesView /*parameters*/, TablesSpan update) override {
      const double before = seconds_of(CLOCK_THREAD_CPUTIME_ID);
      for (const std::span<float> table : update) std::fill(table.begin(), table.end(), 1e-3F);
      *workload_.making_updates_ += seconds_of(CLOCK_THREAD_CPUTIME_ID) - before;
      return {1, 0.0};
    }
    EvaluationSums evaluate(TablesView /*parameters*/) override { return {0.0, 0.0, 1}; }

   private:
    const BenchWorkload& workload_;
  };

  std::vector<TableSpec> tables_;
  std::size_t rows_touched_;
  double* making_updates_;
};

/// Hands a machine's events on, and lets those derived from it see what the machine asks for.
class Timed : public Machine, private Actions {
 public:
  explicit Timed(Machine& machine) : machine_(machine) {}

  void start(Time now, Actions& actions) override { machine_.start(now, forward_to(actions)); }
  void on_message(Time now, ProcessId from, Channel channel, Message message, Actions& actions) override {
    machine_.on_message(now, from, channel, std::move(message), forward_to(actions));
  }
  void on_timer(Time now, TimerId id, Actions& actions) override {
    machine_.on_timer(now, id, forward_to(actions));
  }
  void on_computed(Time now, ComputationKind kind, Actions& actions) override {
    machine_.on_computed(now, kind, forward_to(actions));
  }
  void on_malformed(Time now, ProcessId from, const std::string& why, Actions& actions) override {
    machine_.on_malformed(now, from, why, forward_to(actions));
  }
  void on_fault(Time now, const std::string& reason, Actions& actions) override {
    machine_.on_fault(now, reason, forward_to(actions));
  }
  void on_interrupt(Time now, Actions& actions) override { machine_.on_interrupt(now, forward_to(actions)); }

 private:
  Actions& forward_to(Actions& actions) {
    actions_ = &actions;
    return *this;
  }
  std::size_t send(ProcessId to, Channel channel, Message message) override {
    sends(to, message.body);
    return actions_->send(to, channel, std::move(message));
  }
  void set_timer(TimerId id, Time at) override { actions_->set_timer(id, at); }
  void cancel_timer(TimerId id) override { actions_->cancel_timer(id); }
  void compute(Computation computation) override {
    computes();
    actions_->compute(std::move(computation));
  }
  void report(Report report) override { actions_->report(std::move(report)); }
  void finish() override { actions_->finish(); }
  void fail(FaultKind kind, std::string reason) override { actions_->fail(kind, std::move(reason)); }

  virtual void sends(ProcessId /*to*/, const Body& /*body*/) {}
  virtual void computes() {}

  Machine& machine_;
  Actions* actions_ = nullptr;
};

class TimedServer final : public Timed {
 public:
  TimedServer(Machine& machine, const SharedLog& log, Clock clocks)
      : Timed(machine), log_(log), clocks_(clocks) {}

 private:
  void sends(ProcessId to, const Body& body) override {
    const auto* const reply = std::get_if<PullReply>(&body);
    // Parts of a large model go out before; the last one does not.
    if (reply == nullptr || !reply->last || to.index != 0 || reply->clock == 0) return;
    answered_ = reply->clock;
    log_.clock(answered_).answered = seconds_of(CLOCK_MONOTONIC);
    if (answered_ == kWarmUp) log_.process(0).cpu_at_warm = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    if (answered_ == clocks_) log_.process(0).cpu_at_end = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  }

  const SharedLog& log_;
  Clock clocks_;
  Clock answered_ = 0;
};

class TimedWorker final : public Timed {
 public:
  TimedWorker(Machine& machine, const SharedLog& log, Clock clocks)
      : Timed(machine), log_(log), clocks_(clocks) {}

 private:
  void sends(ProcessId /*to*/, const Body& body) override {
    const auto* const push = std::get_if<Push>(&body);
    if (push == nullptr || push->clock == pushed_) return;
    pushed_ = push->clock;
    log_.clock(pushed_).pushed = seconds_of(CLOCK_MONOTONIC);
  }
  void computes() override {
    log_.clock(pushed_).complete = seconds_of(CLOCK_MONOTONIC);
    ProcessLog& own = log_.process(1);
    if (pushed_ == kWarmUp) {
      own.cpu_at_warm = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
      own.making_updates = 0.0;
    }
    if (pushed_ == clocks_) own.cpu_at_end = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  }

  const SharedLog& log_;
  Clock clocks_;
  Clock pushed_ = 0;
};

/// A port of the loopback that is free now.
std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  MERIDIAN_CHECK(::bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0, "bind: {}",
                 std::strerror(errno));
  MERIDIAN_CHECK(::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname: {}",
                 std::strerror(errno));
  ::close(probe);
  return ntohs(address.sin_port);
}

/// One measurement, as each of its processes sees it.
struct Measurement {
  const PushPullOptions& options;
  const SharedLog& log;
  std::size_t clocks;  // with the warm-up, and one more that is not timed: the last model is a final one
  std::string control;
  std::string data;

  Identity identity(ProcessId id) const {
    return {.self = id,
            .name = process_name("here", id),
            .run_digest = 8,
            .incarnation = 1,
            .configuration = "",
            .explain_difference = [](const std::string&) { return std::string("nothing differs"); }};
  }

  std::optional<std::string> run(Machine& machine, ProcessId self, Addresses addresses) const {
    RealRuntime::Options runtime{
        .self = self, .run_digest = 8, .incarnation = 1, .addresses = std::move(addresses), .lan = {}};
    auto made = RealRuntime::create(std::move(runtime), machine);
    if (!made) return made.error().message;
    if (const auto fault = made.value()->run()) return fault->reason;
    return {};
  }

  std::optional<std::string> run_server() const {
    double unused = 0.0;
    const BenchWorkload workload(options, &unused);
    const datacenter::ShardMap shards(workload.tables(), kShards);
    const ProcessId self = ProcessId::server(0, 0);
    wan::MirroredServer::Options server;
    server.server = {.self = self,
                     .datacenter_name = "here",
                     .workers = options.workers,
                     .servers = 1,
                     .evaluate_every = std::numeric_limits<std::uint32_t>::max(),
                     .stop_time = {},
                     .optimizer = {},
                     .serves_ahead = options.both_at_once};
    server.mirror.self = self;
    server.mirror.datacenter_name = "here";
    server.mirror.table_names = {"table"};
    server.mirror.stop.clocks = static_cast<Clock>(clocks);
    auto made = wan::MirroredServer::create(std::move(server), identity(self), {}, workload, shards);
    if (!made) return made.error().message;
    TimedServer timed(*made.value(), log, static_cast<Clock>(clocks - 1));
    return run(timed, self, {.listeners = {{Channel::control, control}, {Channel::data, data}}, .peers = {}});
  }

  std::optional<std::string> run_worker(std::size_t index) const {
    double unused = 0.0;
    const BenchWorkload workload(options, index == 0 ? &log.process(1).making_updates : &unused);
    const datacenter::ShardMap shards(workload.tables(), kShards);
    const ProcessId self = ProcessId::worker(0, static_cast<std::uint16_t>(index));
    datacenter::WorkerOptions worker{.datacenter_name = "here",
                                     .servers = 1,
                                     .evaluate_every = std::numeric_limits<std::uint32_t>::max(),
                                     .compute_time = {}};
    datacenter::Worker machine(worker, identity(self), {}, workload, shards);
    TimedWorker timed(machine, log, static_cast<Clock>(clocks - 1));
    return run(index == 0 ? static_cast<Machine&>(timed) : machine, self,
               {.listeners = {}, .peers = {{ProcessId::server(0, 0), {control, data}}}});
  }
};

void place(const Placement& placement, std::size_t process) {
  if (placement.cores.empty()) return;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(placement.cores[std::min(process, placement.cores.size() - 1)], &cores);
  MERIDIAN_CHECK(::sched_setaffinity(0, sizeof(cores), &cores) == 0, "{}: {}", placement.name,
                 std::strerror(errno));
}

/// Runs `work` in a process of its own, which does not outlive this one.
pid_t start(const Measurement& measurement, std::size_t process) {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  std::optional<std::string> failure;
  try {
    place(measurement.options.placement, process);
    keep_freed_memory();
    failure = process == 0 ? measurement.run_server() : measurement.run_worker(process - 1);
  } catch (const std::exception& error) {
    failure = error.what();
  }
  if (failure) {
    std::strncpy(measurement.log.process(process).failure, failure->c_str(), kLongestReason - 1);
    ::_exit(1);
  }
  ::_exit(0);
}

/// Waits for all processes; false where one failed or took too long, and then none is left.
bool wait_for(std::vector<pid_t> processes) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  bool well = true;
  while (!processes.empty() && well && std::chrono::steady_clock::now() < deadline) {
    for (std::size_t i = 0; i < processes.size() && well;) {
      int status = 0;
      if (::waitpid(processes[i], &status, WNOHANG) == 0) {
        ++i;
        continue;
      }
      well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
      processes.erase(processes.begin() + static_cast<std::ptrdiff_t>(i));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (const pid_t process : processes) {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
  }
  return well && processes.empty();
}

}  // namespace

Result<PushPullTimes> measure_push_pull(const PushPullOptions& options) {
  const std::size_t timed = kWarmUp + options.clocks;
  const SharedLog log(timed + 1, 1 + options.workers);
  const Measurement measurement{options, log, timed + 1, fmt::format("tcp://127.0.0.1:{}", free_port()),
                                fmt::format("tcp://127.0.0.1:{}", free_port())};
  std::vector<pid_t> processes;
  for (std::size_t process = 0; process <= options.workers; ++process)
    processes.push_back(start(measurement, process));
  if (!wait_for(processes)) {
    for (std::size_t process = 0; process <= options.workers; ++process) {
      const char* const failure = log.process(process).failure;
      if (*failure == '\0') continue;
      return Error{fmt::format("{}: {}", process == 0 ? "the server" : "a worker", failure)};
    }
    return Error{fmt::format("push and pull of {} x {} floats did not end within {} s", options.rows,
                             options.columns, kDeadline.count())};
  }
  PushPullTimes times;
  for (std::size_t clock = kWarmUp + 1; clock <= timed; ++clock) {
    const Times& at = log.clock(clock);
    times.push_s.push_back(at.answered - at.pushed);
    times.pull_s.push_back(at.complete - at.answered);
    times.round_trip_s.push_back(at.complete - at.pushed);
  }
  times.server_cpu_s = log.process(0).cpu_at_end - log.process(0).cpu_at_warm;
  times.worker_cpu_s = log.process(1).cpu_at_end - log.process(1).cpu_at_warm - log.process(1).making_updates;
  return times;
}

}  // namespace meridian::bench
