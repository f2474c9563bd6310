// From a configuration to the machines of a run: the one place that knows which processes there are and what
// each is made of. The real and the simulated runtime host the same machines, made here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "datacenter/shard_map.h"
#include "datacenter/worker.h"
#include "src/base/process_id.h"
#include "src/base/result.h"
#include "src/config/config.h"
#include "src/runtime/membership.h"
#include "src/workload/workload.h"
#include "wan/mirrored_server.h"

namespace meridian::program {

/// Immutable once made; the machines refer to it, so it must outlive them.
class Deployment {
 public:
  /// Reads or generates the data and builds the model. Where each datacenter has its own data
  /// (workload.data.paths), only those of datacenter `own` are read, for whose workers alone there are
  /// learners then; without it, those of all. Errors are the user's to mend.
  static Result<std::unique_ptr<Deployment>> create(Config config, std::optional<std::size_t> own = {});

  const Config& config() const { return config_; }
  const Workload& workload() const { return *workload_; }
  const datacenter::ShardMap& shards() const { return *shards_; }
  std::string data_note() const;

  /// What must agree between the processes of a run (src/config/run_identity.h), the data that this one has
  /// read included; and its digest.
  const std::string& identity_text() const { return *identity_text_; }
  std::uint64_t run_digest() const;

  /// Puts measured computation times in the place of `compute: measured`. Before any machine is made.
  void set_compute(ComputeConfig compute);

  /// Every process of the run: for each datacenter its servers, then its workers.
  std::vector<ProcessId> processes() const;
  std::string name_of(ProcessId id) const;

  /// `incarnation` differs between starts of the same process.
  std::unique_ptr<datacenter::Worker> make_worker(std::uint16_t datacenter, std::uint16_t index,
                                                  std::uint64_t incarnation) const;
  Result<std::unique_ptr<wan::MirroredServer>> make_server(std::uint16_t datacenter, std::uint16_t index,
                                                           std::uint64_t incarnation) const;

 private:
  explicit Deployment(Config config) : config_(std::move(config)) {}

  Identity identity(ProcessId id, std::uint64_t incarnation) const;
  PeerWatch::Deadlines deadlines() const;
  double weight(std::size_t datacenter) const;

  Config config_;
  std::unique_ptr<Workload> workload_;
  std::string contents_;
  std::unique_ptr<datacenter::ShardMap> shards_;
  std::shared_ptr<const std::string> identity_text_;
};

/// All processes of a configuration, as Deployment::processes(), without building anything.
std::vector<ProcessId> processes_of(const Config& config);

}  // namespace meridian::program
