#include "tests/wan/trial/trial_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "src/base/random.h"
#include "tests/wan/drawn_deployment.h"

namespace meridian::wan {
namespace {

/// Draws a plan part by part. The order of the calls in plan() matters: later parts look at earlier ones.
class Planner {
 public:
  explicit Planner(std::uint64_t seed) : random_(Random::for_parts(seed, {hash_text("trial")})) {
    plan_.seed = seed;
    plan_.options.seed = seed;
  }

  TrialPlan plan() {
    draw_datacenters();
    draw_overlay();
    draw_mode();
    draw_policy();
    draw_tables();
    draw_links();
    draw_ending();
    draw_faults();
    set_limit();
    plan_.check_every = one_of<std::uint64_t>(5, 10, 20, 40);
    plan_.run_twice = plan_.seed % 20 == 0;
    return std::move(plan_);
  }

 private:
  template <typename First, typename... More>
  First one_of(First first, More... more) {
    const std::array<First, 1 + sizeof...(more)> all{first, static_cast<First>(more)...};
    return all[random_.below(all.size())];
  }
  bool one_in(std::uint64_t times) { return random_.below(times) == 0; }
  /// From `least` up to `most`, small and large ones alike.
  double spread(double least, double most) {
    return least * std::exp(random_.uniform() * std::log(most / least));
  }
  std::uint16_t any_datacenter() {
    return static_cast<std::uint16_t>(random_.below(plan_.options.datacenters.size()));
  }
  std::size_t datacenters() const { return plan_.options.datacenters.size(); }

  void draw_datacenters() {
    DeploymentOptions& options = plan_.options;
    const auto count = one_of<std::size_t>(2, 2, 2, 3, 3, 3, 4, 4, 5, one_in(4) ? 8 : 5);
    const std::size_t most = count > 4 ? 2 : 3;
    pace_ = one_of(0.004, 0.010, 0.030);
    for (std::size_t d = 0; d < count; ++d) {
      options.datacenters.push_back({.workers = 1 + random_.below(most),
                                     .servers = 1 + random_.below(most),
                                     .seconds_per_clock = pace_ * one_of(1.0, 1.0, 2.0, 4.0)});
    }
    options.weights_are_powers_of_two = true;
    options.shards = 3 + random_.below(6);
    options.clocks = static_cast<Clock>(8 + random_.below(count > 4 ? 12 : 28));
    options.evaluate_every = static_cast<std::uint32_t>(2 + random_.below(6));
  }

  void draw_links() {
    const bool even = one_in(3);
    // Every second deployment has links that take longer for its model than its clocks take.
    const bool narrow = one_in(2);
    const double model = 4.0 * static_cast<double>(entries());
    const double rate = std::clamp(model / pace_ * spread(0.05, 1.0), 2e3, 1e7);
    SharedLink::Options link;
    for (std::size_t i = 0; i < datacenters() * datacenters(); ++i) {
      if (i == 0 || !even) {
        link = {.rate_bytes_per_s = narrow ? rate * spread(0.5, 2.0) : spread(2e4, 1e7),
                .delay = from_seconds(spread(1e-4, 0.3))};
      }
      links_.push_back(link);
      slowest_rate_ = std::min(slowest_rate_, link.rate_bytes_per_s);
      longest_delay_ = std::max(longest_delay_, link.delay);
    }
    if (one_in(2)) noise_.jitter = from_seconds(spread(1e-4, 0.05));
    if (one_in(2)) {
      noise_.repeats.probability = one_of(0.01, 0.05, 0.2);
      noise_.repeats.within = from_seconds(spread(1e-3, 1.0));
    }
    plan_.options.link = [links = links_, count = datacenters()](std::size_t from, std::size_t to) {
      return links[from * count + to];
    };
    plan_.options.noise = [noise = noise_](std::size_t, std::size_t) { return noise; };
  }

  void draw_overlay() {
    plan_.topology = datacenters() == 2 ? one_of("mesh", "mesh", "hubs", "tree")
                                        : one_of("mesh", "mesh", "hubs", "hubs", "tree");
    if (plan_.topology == "mesh") return;
    if (plan_.topology == "tree") {
      std::vector<std::optional<std::size_t>> parents(datacenters());
      // The root is not always the first.
      const std::size_t turn = random_.below(datacenters());
      for (std::size_t d = 1; d < datacenters(); ++d) {
        parents[(d + turn) % datacenters()] = (random_.below(d) + turn) % datacenters();
      }
      plan_.options.overlay = Overlay::tree(datacenters(), parents).value();
      return;
    }
    std::vector<Overlay::Group> groups(1 + random_.below(std::max<std::size_t>(1, datacenters() / 2)));
    const std::size_t turn = random_.below(datacenters());
    for (std::size_t d = 0; d < datacenters(); ++d) {
      const std::size_t datacenter = (d + turn) % datacenters();
      if (d < groups.size()) {
        groups[d].hub = datacenter;
      } else {
        groups[random_.below(groups.size())].members.push_back(datacenter);
      }
    }
    plan_.options.overlay = Overlay::hubs(datacenters(), groups).value();
  }

  void draw_mode() {
    plan_.mode =
        one_of("gaia", "gaia", "gaia", "bsp", "bsp", "ssp", "async", "local_sgd", "local_sgd", "mixed");
    DeploymentOptions& options = plan_.options;
    options.mode = plan_.mode == "mixed" ? "gaia" : plan_.mode;
    ModeParts parts = parts_of(options.mode);
    ModeParameters& parameters = options.parameters;
    if (plan_.mode == "mixed") {
      parts.what = one_of("all", "significance_filter", "top_k");
      parts.when = one_of("every_clock", "every_h_clocks");
      parts.wait = one_of("never", "mirror_clock", "applied_clock");
    }
    const bool filters = parts.what == "significance_filter";
    if (parts.merge == "eager") parts.selective_barrier = filters ? !one_in(4) : one_in(3);
    if (plan_.mode == "local_sgd") parts.what = one_of("all", "all", "all", "significance_filter", "top_k");
    options.parts = parts;
    parameters.filter.defaults.v0 = one_of(0.0, 0.01, 0.1, 0.3, 2.0);
    parameters.filter.defaults.granularity = one_of(Granularity::entry, Granularity::entry, Granularity::row);
    parameters.filter.schedule.kind = one_of(Schedule::inverse_sqrt, Schedule::constant);
    if (filters && one_in(3)) parameters.soft_ratio = one_of(0.1, 0.5);
    parameters.h = static_cast<Clock>(1 + random_.below(plan_.mode == "local_sgd" ? 6 : 3));
    parameters.share = one_of(0.01, 0.1, 0.5);
    // Of everything, each clock is there whole, or not yet.
    if (parts.what != "all" && (!parts.selective_barrier || one_in(4))) {
      using enum ValueFormat;
      parameters.values = one_of(fp32, fp32, bits8, bits4);
      parameters.rounding = one_of(RoundingMode::nearest, RoundingMode::stochastic);
    }
    // Where momentum enters replicas at once, their sums are not the steps' own.
    if (parts.what == "top_k" && plan_.mode == "local_sgd" && one_in(2)) {
      parameters.momentum = 0.5;
      parameters.masking = one_in(2);
    }
    // Totals that begin in several datacenters are the same only where servers are cut alike.
    const std::vector<DatacenterShape>& shapes = options.datacenters;
    const bool alike = std::all_of(shapes.begin(), shapes.end(), [&](const DatacenterShape& shape) {
      return shape.servers == shapes.front().servers;
    });
    if (parts.what != "all" && plan_.mode == "local_sgd" && alike && one_in(2)) {
      parameters.total_share = one_of(0.05, 0.3);
    }
    // Links fall behind, and entries are announced, where updates are not small.
    const bool small = parts.selective_barrier ? one_in(8) : one_in(2);
    parameters.encoding = small ? Encoding::compact : Encoding::plain;
    parameters.ds = static_cast<Clock>(random_.below(6));
    parameters.ds_most = static_cast<Clock>(1 + random_.below(8));
    if (plan_.mode == "bsp") {
      parameters.ds = 0;
    } else if (one_in(5)) {
      parameters.ds = std::nullopt;
    }
    if (plan_.mode == "local_sgd") {
      parameters.outer = {one_of("sgd", "momentum", "nesterov"), one_of(1.0, 0.5), 0.0};
      if (parameters.outer.name != "sgd") parameters.outer.momentum = 0.5;
    }
  }

  /// Deadlines that no fault reaches with the policies stop and wait; ones that cuts pass where the policy is
  /// to go on without who is silent.
  void draw_policy() {
    DeploymentOptions& options = plan_.options;
    const bool eager = options.parts->merge == "eager";
    const std::uint64_t draw = random_.below(10);
    if (draw < 4) {
      options.absence = {SilencePolicy::stop, std::chrono::minutes(20), {}};
    } else if (draw < 7 || !eager) {
      options.absence = {SilencePolicy::wait, from_seconds(spread(0.5, 5.0)), std::chrono::minutes(20)};
    } else {
      options.absence = {SilencePolicy::go_on, from_seconds(spread(1.0, 3.0)), {}};
      // Slow enough for whoever was left out to come back.
      const double slower = one_of(1.0, 10.0, 30.0) * 0.01 / pace_;
      for (DatacenterShape& shape : options.datacenters) shape.seconds_per_clock *= slower;
      pace_ *= slower;
    }
    // Signs of life come four times as often as they are due.
    options.deadlines.silence = std::max(options.absence.silence, Time(std::chrono::seconds(1)));
    if (options.absence.policy == SilencePolicy::wait) options.deadlines.silence = std::chrono::minutes(20);
    if (one_in(8)) {
      options.on_barrier = BarrierPolicy::open;
      options.barrier_deadline = from_seconds(spread(0.05, 5.0));
    }
  }

  void draw_tables() {
    // Most are so large that a window does not hold them.
    const std::size_t rows = datacenters() > 4 ? 100 : one_of<std::size_t>(110, 300, 600);
    std::vector<TableSpec>& tables = plan_.workload.tables;
    tables = {{"wide", 1 + random_.below(rows), one_of<std::size_t>(1, 8, 20, 40)},
              {"narrow", 1 + random_.below(40), 1}};
    if (one_in(2)) tables.push_back({"single", 1, 1 + random_.below(30)});
    plan_.workload.seed = plan_.seed;
    plan_.workload.workers = workers_of(plan_.options);
  }

  std::size_t entries() const {
    std::size_t all = 0;
    for (const TableSpec& table : plan_.workload.tables) all += table.size();
    return all;
  }

  /// The time that training takes where no link is in its way.
  double quick_end() const {
    double slowest = 0.0;
    for (const DatacenterShape& shape : plan_.options.datacenters) {
      slowest = std::max(slowest, shape.seconds_per_clock);
    }
    return slowest * static_cast<double>(*plan_.options.clocks);
  }

  void draw_ending() {
    DeploymentOptions& options = plan_.options;
    const std::uint64_t draw = random_.below(40);
    plan_.ending = "clocks";
    // Who goes on without others may not know what they measured; a fixed clock ends all alike.
    if (options.absence.policy == SilencePolicy::go_on && draw != 0) {
      if (one_in(6)) kill(any_datacenter());
      return;
    }
    if (draw == 0) {
      plan_.ending = "poison";
      plan_.workload.poison =
          CountingWorkload::Poison{any_datacenter(), static_cast<Clock>(1 + random_.below(*options.clocks)),
                                   static_cast<std::size_t>(random_.below(plan_.workload.tables.size()))};
    } else if (draw < 4) {
      plan_.ending = "target";
      plan_.workload.only_positive = true;
      // Half of the way, as every entry falls by three steps a worker and clock on average.
      options.target = 0.5 * *options.clocks * static_cast<double>(entries()) * 3.0 *
                       options.optimizer.learning_rate / CountingWorkload::kSamples / 4.0;
    } else if (draw < 6) {
      plan_.ending = "time";
      options.stop_time = from_seconds(quick_end() * random_.uniform());
    } else if (draw < 8) {
      plan_.ending = "interrupt";
      options.interrupted_at = 2 * greeted() + from_seconds(quick_end() * random_.uniform());
    } else if (draw < 10) {
      // Here the policy is to stop, or to wait in vain.
      plan_.ending = "silence";
      options.absence.silence = from_seconds(spread(2.0, 5.0));
      options.absence.wait = from_seconds(spread(1.0, 5.0));
      options.deadlines.silence = options.absence.silence;
      kill(any_datacenter());
    }
  }

  void kill(std::uint16_t datacenter) {
    plan_.killed = datacenter;
    plan_.options.faults.emplace_back(
        ProcessKill{{.datacenter = datacenter, .role = {}, .index = {}}, any_time()});
    ++plan_.faults.kills;
  }

  /// Hellos are through by then: a real connection that breaks is greeted anew, a simulated one is not.
  Time greeted() const {
    return longest_delay_ + noise_.jitter +
           from_seconds(0.02 + 4096.0 * static_cast<double>(datacenters()) / slowest_rate_);
  }

  Time any_time() {
    const double stretch = one_of(0.5, 1.0, 3.0);
    return greeted() +
           from_seconds(random_.uniform() * stretch * (quick_end() + 2 * to_seconds(longest_delay_)));
  }

  std::pair<std::uint16_t, std::uint16_t> any_link() {
    const std::uint16_t from = any_datacenter();
    const Overlay overlay = plan_.options.overlay.value_or(Overlay::mesh(datacenters()));
    const auto neighbours = overlay.neighbours(from);
    const std::size_t to = neighbours[random_.below(neighbours.size())].datacenter;
    return {from, static_cast<std::uint16_t>(to)};
  }

  void draw_faults() {
    // Every eighth run is left in peace.
    const std::size_t count = one_in(8) ? 0 : 1 + random_.below(6);
    for (std::size_t i = 0; i < count; ++i) draw_fault();
  }

  void draw_fault() {
    std::vector<ScheduledFault>& faults = plan_.options.faults;
    const auto [from, to] = any_link();
    const Time at = any_time();
    const bool goes_on = plan_.options.absence.policy == SilencePolicy::go_on;
    const Time lasts = from_seconds(goes_on ? spread(0.5, 15.0) : spread(0.05, 60.0));
    const std::uint64_t kind = random_.below(10);
    if (kind < 4) {
      const bool both = !one_in(3);
      faults.emplace_back(LinkCut{from, to, at, lasts});
      if (both) faults.emplace_back(LinkCut{to, from, at, lasts});
      plan_.faults.cuts += both ? 2 : 1;
      faulty_ += lasts;
    } else if (kind < 8) {
      const std::uint64_t which = random_.below(4);
      faults.emplace_back(ConnectionReset{from, to, at, which != 0, which != 1, {}, {}});
      if (which > 2) faults.emplace_back(ConnectionReset{to, from, at, true, true, {}, {}});
      plan_.faults.resets += which > 2 ? 2 : 1;
    } else if (kind == 8) {
      const double factor = one_of(0.02, 0.1, 0.5);
      faults.emplace_back(LinkDegradation{from, to, at, lasts, {.rate_factor = factor}});
      ++plan_.faults.slowdowns;
      faulty_ += lasts;
    } else {
      draw_pause(at);
    }
  }

  void draw_pause(Time at) {
    // Whoever finds a process of its own datacenter silent ends the run.
    const double most = std::min(20.0, 0.4 * to_seconds(plan_.options.deadlines.silence));
    ProcessGroup group{.datacenter = any_datacenter(), .role = {}, .index = {}};
    if (!one_in(3)) group.role = one_in(2) ? Role::server : Role::worker;
    if (group.role && one_in(2)) group.index = 0;
    const Time lasts = from_seconds(spread(0.05, most));
    plan_.options.faults.emplace_back(ProcessPause{group, at, lasts});
    ++plan_.faults.pauses;
    faulty_ += lasts;
  }

  void set_limit() {
    const double clocks = *plan_.options.clocks + 10.0;
    // A clock's updates go over each hop, dense or sparse, and again after each break.
    const double exchange = 8.0 * static_cast<double>(entries() * datacenters()) / slowest_rate_ +
                            4.0 * to_seconds(longest_delay_ + noise_.jitter);
    const double hops = 4.0;
    plan_.limit = from_seconds(60.0 + clocks * (0.5 + hops * exchange)) + 10 * faulty_;
    plan_.options.drain_deadline = plan_.limit;
    // Whoever misses a last goodbye stays for as long as a drain may take.
    plan_.limit = 3 * plan_.limit;
  }

  TrialPlan plan_;
  Random random_;
  std::vector<SharedLink::Options> links_;
  LinkNoise noise_;
  double pace_ = 0.01;  // of the fastest datacenters, seconds a clock
  double slowest_rate_ = 1e9;
  Time longest_delay_{0};
  Time faulty_{0};
};

std::string words_of(const ProcessGroup& group) {
  return fmt::format("{} of datacenter {}",
                     group.role ? fmt::format("{} {}", to_string(*group.role),
                                              group.index ? fmt::format("{}", *group.index) : "all")
                                : "all processes",
                     group.datacenter);
}

std::string words_of(const ScheduledFault& fault) {
  if (const auto* cut = std::get_if<LinkCut>(&fault)) {
    return fmt::format("{:.3f} s: link {}->{} cut for {:.3f} s", to_seconds(cut->at), cut->from, cut->to,
                       to_seconds(cut->lasts));
  }
  if (const auto* slow = std::get_if<LinkDegradation>(&fault)) {
    return fmt::format("{:.3f} s: link {}->{} at {} of its rate for {:.3f} s", to_seconds(slow->at),
                       slow->from, slow->to, slow->values.rate_factor, to_seconds(slow->lasts));
  }
  if (const auto* reset = std::get_if<ConnectionReset>(&fault)) {
    return fmt::format("{:.3f} s: connections {}->{} reset ({}{}{})", to_seconds(reset->at), reset->from,
                       reset->to, reset->control ? "control" : "",
                       reset->control && reset->data ? " and " : "", reset->data ? "data" : "");
  }
  if (const auto* pause = std::get_if<ProcessPause>(&fault)) {
    return fmt::format("{:.3f} s: {} paused for {:.3f} s", to_seconds(pause->at), words_of(pause->processes),
                       to_seconds(pause->lasts));
  }
  const auto& kill = std::get<ProcessKill>(fault);
  return fmt::format("{:.3f} s: {} killed", to_seconds(kill.at), words_of(kill.processes));
}

}  // namespace

TrialPlan plan_trial(std::uint64_t seed) { return Planner(seed).plan(); }

std::string TrialPlan::words() const {
  const ModeParts& parts = *options.parts;
  const ModeParameters& with = options.parameters;
  std::string text = fmt::format(
      "mode {} (what {}, when {}, wait {}, merge {}, barrier {}); v0 {}, h {}, ds {}, soft ratio {}, outer "
      "{} "
      "{} {}\n",
      mode, parts.what, parts.when, parts.wait, parts.merge, parts.selective_barrier ? "on" : "off",
      with.filter.defaults.v0, with.h,
      with.ds ? fmt::format("{}", *with.ds) : fmt::format("auto up to {}", with.ds_most), with.soft_ratio,
      with.outer.name, with.outer.learning_rate, with.outer.momentum);
  text += fmt::format(
      "ends by {} (clocks {}, evaluations every {}{}{}{})\n", ending, *options.clocks, options.evaluate_every,
      options.target ? fmt::format(", target {:.3f}", *options.target) : "",
      options.stop_time ? fmt::format(", after {:.3f} s", to_seconds(*options.stop_time)) : "",
      options.interrupted_at ? fmt::format(", at {:.3f} s", to_seconds(*options.interrupted_at)) : "");
  if (workload.poison) {
    text += fmt::format("poison in datacenter {}, clock {}, table {}\n", workload.poison->datacenter,
                        workload.poison->clock, workload.poison->table);
  }
  text += fmt::format("silence after {:.3f} s: {}; barrier deadline {:.3f} s: {}\n",
                      to_seconds(options.absence.silence), to_string(options.absence.policy),
                      to_seconds(options.barrier_deadline),
                      options.on_barrier == BarrierPolicy::open ? "open" : "stop");
  for (const TableSpec& table : workload.tables) {
    text += fmt::format("table {} {} x {}; ", table.name, table.rows, table.columns);
  }
  text += fmt::format("{} shards\n", options.shards);
  const Overlay overlay = options.overlay.value_or(Overlay::mesh(options.datacenters.size()));
  for (std::size_t d = 0; d < options.datacenters.size(); ++d) {
    const DatacenterShape& shape = options.datacenters[d];
    text += fmt::format("datacenter {}: {} servers, {} workers, {:.0f} ms a clock; links to", d,
                        shape.servers, shape.workers, shape.seconds_per_clock * 1e3);
    for (const OverlayNeighbour& neighbour : overlay.neighbours(d)) {
      const SharedLink::Options link = options.link(d, neighbour.datacenter);
      const char* const relation = neighbour.relation == Relation::peer     ? "peer"
                                   : neighbour.relation == Relation::parent ? "parent"
                                                                            : "child";
      text += fmt::format(" {} ({}, {:.0f} B/s, {:.1f} ms)", neighbour.datacenter, relation,
                          link.rate_bytes_per_s, to_seconds(link.delay) * 1e3);
    }
    text += "\n";
  }
  const LinkNoise noise = options.noise(0, 1);
  text += fmt::format("{}; jitter {:.1f} ms, {} of messages repeated within {:.3f} s\n", topology,
                      to_seconds(noise.jitter) * 1e3, noise.repeats.probability,
                      to_seconds(noise.repeats.within));
  for (const ScheduledFault& fault : options.faults) text += words_of(fault) + "\n";
  return text;
}

}  // namespace meridian::wan
