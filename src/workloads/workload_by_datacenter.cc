#include "src/workloads/workload_by_datacenter.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/base/check.h"
#include "src/workloads/registry.h"

namespace meridian {
namespace {

/// What is the same everywhere is asked of any datacenter's workload.
class WorkloadByDatacenter final : public Workload {
 public:
  /// `parts` has one for each datacenter, null where its data are elsewhere; not all of them are.
  WorkloadByDatacenter(std::vector<std::unique_ptr<Workload>> parts, std::size_t batch, std::string note)
      : parts_(std::move(parts)), batch_(batch), note_(std::move(note)) {}

  const std::vector<TableSpec>& tables() const override { return any().tables(); }
  void fill_initial_values(std::size_t table, std::span<float> values) const override {
    any().fill_initial_values(table, values);
  }
  std::size_t samples_per_clock(WorkerPlace place) const override {
    MERIDIAN_CHECK(place.datacenter < parts_.size(), "datacenter {} of {}", place.datacenter, parts_.size());
    return batch_;
  }
  std::optional<std::uint64_t> training_bytes(WorkerPlace place) const override {
    const std::unique_ptr<Workload>& part = parts_.at(place.datacenter);
    return part == nullptr ? std::nullopt : part->training_bytes(place);
  }
  std::unique_ptr<Learner> make_learner(WorkerPlace place) const override {
    const std::unique_ptr<Workload>& part = parts_.at(place.datacenter);
    MERIDIAN_CHECK(part != nullptr, "a learner of datacenter {}, whose data are elsewhere", place.datacenter);
    return part->make_learner(place);
  }
  double objective(const EvaluationSums& sums) const override { return any().objective(sums); }
  const char* metric_name() const override { return any().metric_name(); }
  bool larger_is_better() const override { return any().larger_is_better(); }
  std::size_t further_sums() const override { return any().further_sums(); }
  std::vector<NamedFigure> figures(const EvaluationSums& sums) const override { return any().figures(sums); }
  std::string note() const override { return note_; }

 private:
  const Workload& any() const {
    return **std::find_if(parts_.begin(), parts_.end(), [](const auto& part) { return part != nullptr; });
  }

  std::vector<std::unique_ptr<Workload>> parts_;
  std::size_t batch_;
  std::string note_;
};

// A step counts by its datacenter's share of all samples of a clock, which others reckon with unseen.
Failure check_batch(const WorkloadOptions& options, const Workload& part, std::size_t datacenter) {
  for (std::size_t worker = 0; worker < options.partition.workers[datacenter]; ++worker) {
    const std::size_t samples = part.samples_per_clock({datacenter, worker});
    if (samples == options.batch) continue;
    return Error{
        fmt::format("workload.batch is {}, and worker {} of {} has {} samples a clock; expected a batch of "
                    "at most that: with workload.data.paths the others reckon with a whole one",
                    options.batch, worker, options.data.paths[datacenter].datacenter, samples)};
  }
  return {};
}

Result<MadeWorkload> make_part(const WorkloadOptions& options, std::size_t datacenter) {
  WorkloadOptions own = options;
  own.data.paths.clear();
  own.data.path = options.data.paths[datacenter].path;
  own.data.datacenter = datacenter;
  Result<MadeWorkload> part = workload_kind(options.kind).make(own);
  if (!part) return part;
  if (Failure failure = check_batch(options, *part.value().workload, datacenter)) return std::move(*failure);
  return part;
}

}  // namespace

Result<MadeWorkload> make_workload_by_datacenter(const WorkloadOptions& options,
                                                 std::optional<std::size_t> own) {
  const std::vector<PathOfDatacenter>& paths = options.data.paths;
  MERIDIAN_CHECK(!paths.empty() && own.value_or(0) < paths.size(), "datacenter {} of {}", own.value_or(0),
                 paths.size());
  std::vector<std::unique_ptr<Workload>> parts(paths.size());
  std::string contents;
  std::string note;
  const std::size_t first = own.value_or(0);
  const std::size_t end = own ? first + 1 : paths.size();
  for (std::size_t datacenter = first; datacenter < end; ++datacenter) {
    Result<MadeWorkload> part = make_part(options, datacenter);
    if (!part) return part;
    if (datacenter == first) contents = part.value().contents;
    if (part.value().contents != contents) {
      return Error{fmt::format(
          "workload.data.paths: the data of {} have {}, and those of {} have {}; expected the same",
          paths[first].datacenter, contents, paths[datacenter].datacenter, part.value().contents)};
    }
    parts[datacenter] = std::move(part.value().workload);
    MERIDIAN_CHECK(parts[datacenter]->tables() == parts[first]->tables(), "other tables for the data of {}",
                   paths[datacenter].datacenter);
    note += fmt::format("{}{} has {}", note.empty() ? "" : "; ", paths[datacenter].datacenter,
                        parts[datacenter]->note());
  }
  return MadeWorkload{
      std::make_unique<WorkloadByDatacenter>(std::move(parts), options.batch, std::move(note)), contents};
}

}  // namespace meridian
