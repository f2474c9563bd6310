// Goal: nothing is lost and nothing counted twice, exactly: on every link, at every moment, what was given to
// the receiver's merge + what the sender still owes it (chunks on the way, backlog, residual) = the sum of
// the sender's own steps. Reached by drawn deployments whose updates are small multiples of a power of two,
// so that float sums are exact, and in which each entry has one owner; links are slow enough for windows to
// fill and backlogs to form, servers uneven, and some chunks arrive twice.
#include <gtest/gtest.h>

#include <map>

#include "tests/wan/drawn_deployment.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"
#include "wan/update_chunk.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;

/// Books what each server is given by each other one, and compares.
class Ledger {
 public:
  Ledger(const DeploymentOptions& options, const CountingWorkload& workload)
      : workload_(workload), deployment_(options, workload, taps(options.seed)) {}

  /// Runs the deployment and checks all along; stops the run's checks at the first failure.
  void run() {
    const Simulation::Outcome outcome = deployment_.run();
    ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
    check_all();
    ++checks_;
    for (std::size_t d = 1; d < deployment_.datacenters(); ++d) check_equal(deployment_.replica(0), d);
  }

  int checks() const { return checks_; }
  bool saw_backlog() const { return saw_backlog_; }
  bool saw_repeat() const { return saw_repeat_; }

 private:
  using Sums = std::vector<FloatBuffer>;  // whole tables

  SimulatedDeployment::Taps taps(std::uint64_t seed) {
    SimulatedDeployment::Taps taps;
    taps.before_message = [this](Time, ProcessId to, ProcessId from, const Message& message) {
      const auto* update = std::get_if<Update>(&message.body);
      if (update == nullptr) return;
      if (update->number != deployment_.server(to).mirror().applied_number(from) + 1) return;
      for_each_entry(
          deployment_.chunk_of(to, from, *update, message.payloads),
          [&](std::size_t table, std::size_t entry, float value) { given(to, from)[table][entry] += value; });
    };
    taps.after_event = [this, random = Random(seed)](Time, ProcessId process) mutable {
      if (process.role != Role::server || random.below(60) != 0 || testing::Test::HasFailure()) return;
      check_all();
      ++checks_;
    };
    taps.repeat = [this, random = Random(seed + 1)](ProcessId, const Message& message) mutable {
      const bool repeat = std::holds_alternative<Update>(message.body) && random.below(10) == 0;
      saw_repeat_ = saw_repeat_ || repeat;
      return repeat;
    };
    return taps;
  }

  Sums& given(ProcessId to, ProcessId from) {
    Sums& sums = given_[{to, from}];
    if (sums.empty()) {
      for (const TableSpec& table : workload_.tables()) sums.emplace_back(table.size());
    }
    return sums;
  }

  /// The sum of datacenter `d`'s own steps up to `clock`.
  const Sums& due(std::size_t d, Clock clock) {
    auto& by_clock = due_[d];
    if (by_clock.empty()) {
      by_clock.emplace_back();
      for (const TableSpec& table : workload_.tables()) by_clock.back().emplace_back(table.size());
    }
    const double factor =
        -deployment_.options().optimizer.learning_rate * deployment_.weight(d) / CountingWorkload::kSamples;
    while (by_clock.size() <= clock) {
      Sums next;
      for (std::size_t table = 0; table < workload_.tables().size(); ++table) {
        next.push_back(by_clock.back()[table].clone());
        for (std::size_t entry = 0; entry < next.back().size(); ++entry) {
          if (workload_.owner(table, entry) != d) continue;
          next.back()[entry] += static_cast<float>(
              factor * workload_.gradient_sum(table, entry, static_cast<Clock>(by_clock.size())));
        }
      }
      by_clock.push_back(std::move(next));
    }
    return by_clock[clock];
  }

  void check_all() {
    for (std::size_t from = 0; from < deployment_.datacenters(); ++from) {
      for (std::size_t to = 0; to < deployment_.datacenters(); ++to) {
        if (from == to) continue;
        for (std::size_t s = 0; s < deployment_.servers(from); ++s) {
          for (std::size_t t = 0; t < deployment_.servers(to); ++t) {
            check_link(deployment_.server(from, s),
                       ProcessId::server(static_cast<std::uint16_t>(from), static_cast<std::uint16_t>(s)),
                       deployment_.server(to, t),
                       ProcessId::server(static_cast<std::uint16_t>(to), static_cast<std::uint16_t>(t)));
            if (testing::Test::HasFailure()) return;
          }
        }
      }
    }
  }

  void check_link(const MirroredServer& sender, ProcessId from, const MirroredServer& receiver,
                  ProcessId to) {
    const std::vector<TableRange>& owned = sender.store().ranges();
    bool any_shared = false;
    for (std::size_t table = 0; table < owned.size(); ++table) {
      any_shared |= !intersection(owned[table], receiver.store().ranges()[table]).empty();
    }
    if (!any_shared) return;
    saw_backlog_ = saw_backlog_ || sender.mirror().session_with(to).out.has_backlog();
    Sums owed;
    for (const TableRange& range : owned) owed.emplace_back(range.size());
    sender.mirror().add_owed_to(to, receiver.mirror().applied_number(from), owed);
    const Sums& arrived = given(to, from);
    const Clock closed = sender.server().closed();
    const Sums& with_open_step = due(from.datacenter, closed + 1);
    const Sums& steps = due(from.datacenter, closed);
    const bool eager = deployment_.options().mode != "bsp";
    for (std::size_t table = 0; table < owned.size(); ++table) {
      const TableRange shared = intersection(owned[table], receiver.store().ranges()[table]);
      const std::span<const float> values = receiver.store().values(table);
      for (std::size_t entry = shared.begin; entry < shared.end; ++entry) {
        const bool ahead = sender.server().stepped(table, entry) > closed;
        ASSERT_EQ(arrived[table][entry] + owed[table][entry - owned[table].begin],
                  (ahead ? with_open_step : steps)[table][entry])
            << "datacenter " << from.datacenter << " to " << to.datacenter << ", table " << table
            << ", entry " << entry << ", clock " << closed;
        if (workload_.owner(table, entry) != from.datacenter || !eager) continue;
        ASSERT_EQ(values[entry - receiver.store().ranges()[table].begin],
                  workload_.initial_value(table, entry) + arrived[table][entry]);
      }
    }
  }

  /// After the drain: bit for bit, since every sum is exact.
  void check_equal(const Sums& first, std::size_t datacenter) {
    const Sums other = deployment_.replica(datacenter);
    for (std::size_t table = 0; table < first.size(); ++table) {
      for (std::size_t i = 0; i < first[table].size(); ++i) ASSERT_EQ(first[table][i], other[table][i]);
    }
  }

  const CountingWorkload& workload_;
  std::map<std::pair<ProcessId, ProcessId>, Sums> given_;
  std::map<std::size_t, std::vector<Sums>> due_;
  int checks_ = 0;
  bool saw_backlog_ = false;
  bool saw_repeat_ = false;
  SimulatedDeployment deployment_;
};

class Conservation : public testing::TestWithParam<std::string> {};

TEST_P(Conservation, HoldsAtEveryMoment) {
  constexpr std::uint64_t kSeeds = 60;
  int backlogs = 0;
  int checks = 0;
  int repeats = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions options = drawn_deployment(seed, GetParam());
    options.weights_are_powers_of_two = true;
    const CountingWorkload workload({.seed = seed, .workers = workers_of(options), .poison = {}});
    Ledger ledger(options, workload);
    ledger.run();
    if (HasFailure()) return;
    checks += ledger.checks();
    backlogs += ledger.saw_backlog() ? 1 : 0;
    repeats += ledger.saw_repeat() ? 1 : 0;
  }
  // Without these the test would show little.
  EXPECT_GT(checks, 600);
  EXPECT_GT(backlogs, 15);
  EXPECT_GT(repeats, 25);
}

INSTANTIATE_TEST_SUITE_P(Modes, Conservation, testing::ValuesIn(sending_modes()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace meridian::wan
