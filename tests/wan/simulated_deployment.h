// A whole deployment in virtual time for tests: the very workers and servers of a run, over links that the
// test draws, with a tap on every message and every event between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datacenter/worker.h"
#include "src/base/random.h"
#include "src/runtime/simulated/simulation.h"
#include "src/workload/workload.h"
#include "wan/mirrored_server.h"
#include "wan/overlay.h"
#include "wan/reads_first.h"

namespace meridian::wan {

struct DatacenterShape {
  std::size_t workers = 1;
  std::size_t servers = 1;
  double seconds_per_clock = 0.010;
};

/// The unevenness of one direction between two datacenters.
struct LinkNoise {
  Time jitter{0};  ///< on top of the delay, evenly from 0
  WideAreaLink::Repeats repeats = {};
};

struct DeploymentOptions {
  std::vector<DatacenterShape> datacenters;
  std::function<SharedLink::Options(std::size_t from, std::size_t to)> link;
  std::string mode = "gaia";            ///< a preset of parts_of()
  std::optional<ModeParts> parts = {};  ///< in place of the preset's
  /// Plain: what is due takes the links the time that its entries say, whatever their values.
  ModeParameters parameters = {.encoding = Encoding::plain};
  std::optional<Overlay> overlay = {};  ///< a mesh unless given
  Registry registry = Registry::built_in();
  Absences::Options absence = {};
  BarrierPolicy on_barrier = BarrierPolicy::stop;
  Time barrier_deadline = std::chrono::hours(1);
  OptimizerOptions optimizer{"sgd", 0.0625, 0.0};
  std::size_t shards = 5;
  std::size_t part_bytes = datacenter::kMaxTransferBytes;  // of a push or a pull's reply, in one message
  bool reads_first = false;                                // others' updates wait for reads on their way
  std::uint64_t seed = 1;
  double spread = 0.5;  ///< of the computation times
  std::uint32_t evaluate_every = 5;
  std::optional<Clock> clocks;
  std::optional<double> target;
  std::optional<Time> stop_time;
  Time drain_deadline = std::chrono::hours(1);
  PeerWatch::Deadlines deadlines{std::chrono::minutes(10), std::chrono::hours(1)};
  unsigned threads = 1;
  /// Rounds each datacenter's weight down to a power of two: for exact arithmetic.
  bool weights_are_powers_of_two = false;
  std::vector<ProcessId> absent;  ///< never started
  std::vector<ScheduledFault> faults;
  /// Nothing by default; drawn from `seed`.
  std::function<LinkNoise(std::size_t from, std::size_t to)> noise = [](std::size_t, std::size_t) {
    return LinkNoise{};
  };
  std::optional<Time> interrupted_at;
};

/// The parts of a mode, as the presets of the configuration have them.
ModeParts parts_of(const std::string& mode);

/// What happened in one datacenter, as its first server reported it.
struct DatacenterLog {
  std::optional<Clock> stopped_at;
  std::vector<Measured> measured;  ///< before the end
  std::optional<Measured> final;
  std::vector<std::string> notices;
};

class SimulatedDeployment {
 public:
  /// What a test may listen to. All are called between two steps of the machine in question, but for
  /// on_send, which is called when the message goes out.
  struct Taps {
    std::function<void(Time now, ProcessId from, ProcessId to, const Message& message)> on_send;
    std::function<void(Time now, ProcessId to, ProcessId from, const Message& message)> before_message;
    std::function<void(Time now, ProcessId process)> after_event;
    /// Whether this message is delivered a second time.
    std::function<bool(ProcessId to, const Message& message)> repeat;
  };

  /// `workload` must outlive the deployment.
  SimulatedDeployment(DeploymentOptions options, const Workload& workload, Taps taps = {});
  ~SimulatedDeployment();

  Simulation::Outcome run();

  const DeploymentOptions& options() const { return options_; }
  const datacenter::ShardMap& shards() const { return shards_; }
  /// What a datacenter's steps are multiplied by.
  double weight(std::size_t datacenter) const;
  const MirroredServer& server(std::size_t datacenter, std::size_t index) const {
    return *servers_.at(datacenter).at(index);
  }
  /// The chunk that `update`, on its way between these two servers, says.
  UpdateChunk chunk_of(ProcessId to, ProcessId from, const Update& update,
                       const std::vector<Payload>& payloads) const;
  const MirroredServer& server(ProcessId id) const { return server(id.datacenter, id.index); }
  std::string name_of_datacenter(std::size_t datacenter) const;
  std::size_t datacenters() const { return options_.datacenters.size(); }
  std::size_t servers(std::size_t datacenter) const { return options_.datacenters[datacenter].servers; }
  const DatacenterLog& log(std::size_t datacenter) const { return logs_.at(datacenter); }

  /// The replica as it is now, put together from the datacenter's servers.
  std::vector<FloatBuffer> replica(std::size_t datacenter) const;

  /// The largest |a - b| / max|a| over pairs and tables (SEMANTICS: relative difference).
  double relative_difference() const;

  /// Everything that was reported and the final replicas, as one number: two runs that differ anywhere differ
  /// in it.
  std::uint64_t fingerprint() const;

 private:
  class Tapped;

  void observe(Time now, ProcessId from, const Report& report);
  void mix(std::uint64_t bits) { fingerprint_ = mix_bits(fingerprint_ ^ mix_bits(bits)); }
  Identity identity(ProcessId id) const;

  DeploymentOptions options_;
  const Workload& workload_;
  Taps taps_;
  datacenter::ShardMap shards_;
  Time now_{0};
  std::unique_ptr<Simulation> simulation_;
  std::vector<std::vector<std::unique_ptr<MirroredServer>>> servers_;
  std::vector<std::unique_ptr<datacenter::Worker>> workers_;
  std::vector<std::unique_ptr<Tapped>> tapped_;
  std::vector<std::unique_ptr<ReadsFirst>> reads_first_;
  std::vector<DatacenterLog> logs_;
  std::uint64_t fingerprint_ = 0;
};

}  // namespace meridian::wan
