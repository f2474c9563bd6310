// The trial by simulation: deployments and fault schedules drawn from seeds, run in virtual time with the
// very machines of a real run, and the rules of the design checked all along (trial_checks.h). A failure says
// which rule did not hold, with values, what the seed drew, and the command that replays it.
//
//   wan_trial --seeds 1..2000 --jobs 2    a range of seeds on two threads; figures at the end
//   wan_trial --seeds 1..10000            what to run after a change of the protocol
//   wan_trial --seeds 1..500 --keep-going a line for each seed that fails, instead of stopping at the first
//   wan_trial --seed 17                   one seed: what it draws, and what happened
//
// Exit codes: 0 all rules held; 1 one did not, or the figures show that the seeds tried too little; 2 bad
// usage.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/wan/trial/trial_checks.h"
#include "tests/wan/trial/trial_plan.h"

namespace meridian::wan {
namespace {

/// A check of the code itself aborts the program: what each thread is at must be known by then.
thread_local std::array<char, 160> at_work{};

void name_seed(int /*signal*/) {
  const std::string_view words(at_work.data());
  if (::write(STDERR_FILENO, words.data(), words.size()) < 0) std::_Exit(1);
}

/// Sums over all seeds.
struct Totals {
  std::map<std::string, std::uint64_t> modes;
  std::map<std::string, std::uint64_t> topologies;
  std::map<std::string, std::uint64_t> endings;
  std::map<std::string, std::uint64_t> policies;
  PlannedFaults faults;
  TrialFigures figures;
  std::uint64_t seeds = 0;
  std::uint64_t twice = 0;
  std::vector<std::uint64_t> failed;

  void add(const TrialPlan& plan, const TrialResult& result) {
    ++seeds;
    ++modes[plan.mode];
    ++topologies[plan.topology];
    ++endings[plan.ending];
    ++policies[to_string(plan.options.absence.policy)];
    twice += plan.run_twice ? 1 : 0;
    faults.cuts += plan.faults.cuts;
    faults.slowdowns += plan.faults.slowdowns;
    faults.resets += plan.faults.resets;
    faults.pauses += plan.faults.pauses;
    faults.kills += plan.faults.kills;
    figures.add(result.figures);
    if (result.violation) failed.push_back(plan.seed);
  }
};

std::string words_of(const std::map<std::string, std::uint64_t>& counts) {
  std::string words;
  for (const auto& [name, count] : counts)
    words += fmt::format("{}{} {}", words.empty() ? "" : ", ", count, name);
  return words;
}

void print(const Totals& totals) {
  const TrialFigures& f = totals.figures;
  fmt::print("{} seeds, {} of them twice: {}; {}; ended by {}; on silence {}\n", totals.seeds, totals.twice,
             words_of(totals.modes), words_of(totals.topologies), words_of(totals.endings),
             words_of(totals.policies));
  fmt::print("faults: {} cuts, {} slowdowns, {} resets, {} pauses, {} kills\n", totals.faults.cuts,
             totals.faults.slowdowns, totals.faults.resets, totals.faults.pauses, totals.faults.kills);
  fmt::print(
      "sessions: {} chunks applied, {} chunks not taken, {} breaks, {} resumed; {} links with a backlog\n",
      f.chunks, f.repeats, f.breaks, f.resumed, f.backlogs);
  fmt::print(
      "waits: {} announcements, {} releases checked, {} reads asked meanwhile; {} reads served at the limit "
      "of DS; "
      "{} times went on without a datacenter, {} times it came back\n",
      f.announcements, f.releases, f.held_reads, f.ahead, f.left, f.returned);
  fmt::print(
      "checked: {} servers' links, {} reads, {} anchors; {} ends compared, {} ended apart; {} events\n",
      f.checks, f.reads, f.anchors, f.agreed, f.ended_apart, f.events);
}

/// What a trial of many seeds must at least have met, for each of a thousand seeds.
bool tried_enough(const Totals& totals) {
  if (totals.seeds < 500) return true;
  const double thousands = static_cast<double>(totals.seeds) / 1000.0;
  const TrialFigures& f = totals.figures;
  bool enough = true;
  const auto at_least = [&](const char* what, std::uint64_t met, double least) {
    if (static_cast<double>(met) >= least * thousands) return;
    enough = false;
    fmt::print("too few {}: {}, where {:.0f} are to be expected\n", what, met, least * thousands);
  };
  for (const char* const mode : {"gaia", "bsp", "ssp", "async", "local_sgd", "mixed"}) {
    const auto found = totals.modes.find(mode);
    at_least(mode, found == totals.modes.end() ? 0 : found->second, 50);
  }
  at_least("cuts", totals.faults.cuts, 800);
  at_least("resets", totals.faults.resets, 800);
  at_least("slowdowns", totals.faults.slowdowns, 150);
  at_least("pauses", totals.faults.pauses, 150);
  at_least("kills", totals.faults.kills, 40);
  at_least("breaks of sessions", f.breaks, 500);
  at_least("resumed sessions", f.resumed, 500);
  at_least("chunks not taken", f.repeats, 1000);
  at_least("backlogs", f.backlogs, 400);
  at_least("announcements", f.announcements, 500);
  at_least("releases checked", f.releases, 300);
  at_least("reads asked while announcements were open", f.held_reads, 250);
  at_least("reads at the limit of DS", f.ahead, 500);
  at_least("datacenters gone on without", f.left, 50);
  at_least("datacenters that came back", f.returned, 40);
  at_least("ends compared", f.agreed, 800);
  at_least("anchors compared", f.anchors, 1000);
  return enough;
}

std::string replay(std::uint64_t seed) { return fmt::format("replay: wan_trial --seed {}\n", seed); }

TrialResult one_seed(const TrialPlan& plan, bool narrate) {
  const std::string words = fmt::format("seed {} ended the program; {}", plan.seed, replay(plan.seed));
  at_work.fill('\0');
  words.copy(at_work.data(), at_work.size() - 1);
  TrialResult result = carry_out(plan, narrate);
  at_work.fill('\0');
  return result;
}

void print_violation(const TrialPlan& plan, const Violation& violation) {
  fmt::print("FAILED: seed {}, rule {}: {}\n{}{}", plan.seed, violation.rule, violation.what, plan.words(),
             replay(plan.seed));
}

/// Goes through a range of seeds on several threads.
class Range {
 public:
  Range(std::uint64_t first, std::uint64_t last, bool keep_going)
      : next_(first), last_(last), keep_going_(keep_going) {}

  int run(unsigned jobs) {
    std::vector<std::thread> threads;
    for (unsigned job = 0; job < jobs; ++job) threads.emplace_back([this] { work(); });
    std::thread progress([this] { tell_progress(); });
    for (std::thread& thread : threads) thread.join();
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    told_.notify_all();
    progress.join();
    print(totals_);
    if (!totals_.failed.empty()) {
      std::sort(totals_.failed.begin(), totals_.failed.end());
      fmt::print("{} of {} seeds failed, the first {}: {}", totals_.failed.size(), totals_.seeds,
                 totals_.failed.front(), replay(totals_.failed.front()));
      return 1;
    }
    return tried_enough(totals_) ? 0 : 1;
  }

 private:
  void work() {
    while (true) {
      std::uint64_t seed = 0;
      {
        const std::lock_guard lock(mutex_);
        if (next_ > last_ || (!keep_going_ && !totals_.failed.empty())) return;
        seed = next_++;
        at_.insert(seed);
      }
      const TrialPlan plan = plan_trial(seed);
      const TrialResult result = one_seed(plan, /*narrate=*/false);
      const std::lock_guard lock(mutex_);
      at_.erase(seed);
      totals_.add(plan, result);
      if (!result.violation) continue;
      if (keep_going_) {
        fmt::print("FAILED: seed {}, {} over a {}, rule {}: {}\n", seed, plan.mode, plan.topology,
                   result.violation->rule, result.violation->what);
      } else {
        print_violation(plan, *result.violation);
      }
      std::fflush(stdout);
    }
  }

  void tell_progress() {
    std::unique_lock lock(mutex_);
    while (!told_.wait_for(lock, std::chrono::seconds(5), [this] { return over_; })) {
      std::string seeds;
      for (const std::uint64_t seed : at_) seeds += fmt::format(" {}", seed);
      fmt::print(stderr, "{} of {} seeds done, {} failed; at{}\n", totals_.seeds,
                 totals_.seeds + at_.size() + (last_ + 1 - next_), totals_.failed.size(), seeds);
    }
  }

  std::mutex mutex_;
  std::condition_variable told_;
  std::uint64_t next_;
  std::uint64_t last_;
  bool keep_going_;
  bool over_ = false;
  std::set<std::uint64_t> at_;
  Totals totals_;
};

int replay_one(std::uint64_t seed) {
  const TrialPlan plan = plan_trial(seed);
  fmt::print("{}", plan.words());
  std::fflush(stdout);
  const TrialResult result = one_seed(plan, /*narrate=*/true);
  Totals totals;
  totals.add(plan, result);
  print(totals);
  fmt::print("ended after {:.3f} virtual seconds\n", result.ended_s);
  if (!result.violation) return 0;
  fmt::print("FAILED: rule {}: {}\n", result.violation->rule, result.violation->what);
  return 1;
}

int trial_main(int argc, char** argv) {
  CLI::App app{"Draws deployments and faults from seeds, simulates them and checks the rules of the design."};
  std::string seeds = "1..2000";
  std::uint64_t seed = 0;
  unsigned jobs = 1;
  bool keep_going = false;
  app.add_option("--seeds", seeds, "FROM..TO");
  CLI::Option* const one = app.add_option("--seed", seed, "replay this one and tell what happened");
  app.add_option("--jobs", jobs, "threads")->check(CLI::Range(1, 64));
  app.add_flag("--keep-going", keep_going, "do not stop at the first failure");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::signal(SIGABRT, name_seed);
  if (one->count() > 0) return replay_one(seed);
  unsigned long long first = 0;
  unsigned long long last = 0;
  if (std::sscanf(seeds.c_str(), "%llu..%llu", &first, &last) != 2 || first > last) {
    fmt::print(stderr, "--seeds {}: expected FROM..TO\n", seeds);
    return 2;
  }
  return Range(first, last, keep_going).run(jobs);
}

}  // namespace
}  // namespace meridian::wan

int main(int argc, char** argv) { return meridian::wan::trial_main(argc, argv); }
