// Goal: a clock that is like the one before it takes no memory anew for values, headers or sums, neither
// where a model crosses nor where it is summed, however large it is: all that is taken are a message's few
// small parts, the lists of its segments and payloads and who holds them. Reached by a worker and a server
// over real sockets in one process, with every call of operator new counted once they have warmed up.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <thread>

#include "datacenter/worker.h"
#include "src/runtime/real/real_runtime.h"
#include "tests/src/output/temporary_folder.h"
#include "wan/mirrored_server.h"

namespace {

std::atomic<bool> counting = false;
std::atomic<std::size_t> calls = 0;
std::atomic<std::size_t> largest = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  if (counting) {
    ++calls;
    std::size_t before = largest;
    while (size > before && !largest.compare_exchange_weak(before, size)) {
    }
  }
  const std::size_t whole = (std::max<std::size_t>(size, 1) + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, whole);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}

namespace meridian {
namespace {

constexpr Clock kWarm = 50;
constexpr Clock kCounted = 100;

/// One table; counts while its worker computes the clocks after the warm-up.
class OneTable final : public Workload {
 public:
  explicit OneTable(std::size_t rows) : tables_{{"table", rows, 1}} {}
  const std::vector<TableSpec>& tables() const override { return tables_; }
  void fill_initial_values(std::size_t /*table*/, std::span<float> values) const override {
    std::fill(values.begin(), values.end(), 1.0F);
  }
  std::size_t samples_per_clock(WorkerPlace /*place*/) const override { return 1; }
  std::unique_ptr<Learner> make_learner(WorkerPlace /*place*/) const override {
    return std::make_unique<Constant>();
  }
  double objective(const EvaluationSums& /*sums*/) const override { return 0.0; }
  const char* metric_name() const override { return "loss"; }
  bool larger_is_better() const override { return false; }

 private:
  class Constant final : public Learner {
   public:
    UpdateReport compute_update(Clock clock, TablesView /*parameters*/, TablesSpan update) override {
      if (clock == kWarm) counting = true;
      if (clock == kWarm + kCounted) counting = false;
      std::fill(update[0].begin(), update[0].end(), 1e-3F);
      return {1, 0.0};
    }
    EvaluationSums evaluate(TablesView /*parameters*/) override { return {}; }
  };

  std::vector<TableSpec> tables_;
};

class Allocations : public testing::Test {
 protected:
  static Identity identity(ProcessId id) {
    return {.self = id,
            .name = process_name("here", id),
            .run_digest = 1,
            .incarnation = 1,
            .configuration = "",
            .explain_difference = [](const std::string&) { return std::string(); }};
  }

  static void run(Machine& machine, ProcessId self, Addresses addresses) {
    auto made = RealRuntime::create(
        {.self = self, .run_digest = 1, .incarnation = 1, .addresses = std::move(addresses), .lan = {}},
        machine);
    ASSERT_TRUE(made) << made.error().message;
    const auto fault = made.value()->run();
    EXPECT_FALSE(fault) << fault->reason;
  }

  /// Trains a table of `floats` and counts what a clock takes.
  void train(std::size_t floats) {
    calls = 0;
    largest = 0;
    const OneTable workload(floats);
    const datacenter::ShardMap shards(workload.tables(), 16);
    wan::MirroredServer::Options options;
    options.server = {.self = kServer,
                      .datacenter_name = "here",
                      .evaluate_every = 1'000'000,
                      .stop_time = {},
                      .optimizer = {}};
    options.mirror.self = kServer;
    options.mirror.datacenter_name = "here";
    options.mirror.table_names = {"table"};
    options.mirror.stop.clocks = kWarm + kCounted + 1;
    auto server = wan::MirroredServer::create(std::move(options), identity(kServer), {}, workload, shards);
    ASSERT_TRUE(server) << server.error().message;
    datacenter::Worker worker({.datacenter_name = "here", .evaluate_every = 1'000'000, .compute_time = {}},
                              identity(kWorker), {}, workload, shards);
    const std::string control = "ipc://" + (folder_.path() / "control").string();
    const std::string data = "ipc://" + (folder_.path() / "data").string();
    std::thread other([&] {
      run(worker, kWorker, {.listeners = {}, .peers = {{kServer, {control, data}}}});
    });
    run(*server.value(), kServer,
        {.listeners = {{Channel::control, control}, {Channel::data, data}}, .peers = {}});
    other.join();
  }

  static constexpr ProcessId kServer{0, Role::server, 0};
  static constexpr ProcessId kWorker{0, Role::worker, 0};
  output::TemporaryFolder folder_;
};

constexpr std::size_t kLargestSmallPart = 256;  // bytes
constexpr std::size_t kMostSmallParts = 7;      // of one message, on both sides

TEST_F(Allocations, OfAClockOfTwoMessages) {
  train(1024);  // floats
  EXPECT_GT(calls, 0U) << "nothing was counted";
  EXPECT_LE(largest, kLargestSmallPart);
  EXPECT_LE(calls, 2 * kMostSmallParts * kCounted);
}

TEST_F(Allocations, OfAClockOfALargeModelAreThoseOfItsMessages) {
  constexpr std::size_t kParts = 4;
  train(kParts * datacenter::kMaxTransferBytes / sizeof(float));
  EXPECT_LE(largest, kLargestSmallPart);
  EXPECT_LE(calls, (2 * kParts + 1) * kMostSmallParts * kCounted);
}

}  // namespace
}  // namespace meridian
