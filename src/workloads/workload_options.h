// What a workload is made of, as its configuration says it: read and checked, nothing opened yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/time.h"
#include "src/data/partition.h"
#include "src/model/layer_description.h"
#include "src/workload/workload.h"

namespace meridian {

struct PathOfDatacenter {
  std::string datacenter;  ///< its name
  std::string path;
};

struct WorkloadData {
  std::string format = "generated";  ///< one of the kind's formats, or generated
  std::string path;  ///< file, pattern or folder; empty where `paths` has one for each datacenter
  /// Of each datacenter in the configuration's order, or none. Only workload_by_datacenter.h sees any.
  std::vector<PathOfDatacenter> paths;
  std::optional<std::size_t> datacenter;  ///< whose data alone `path` has; without it, those of all
  std::string held_out_path;              ///< empty: what the kind says
  std::string vocabulary;                 ///< empty: beside the documents
  bool generate_if_missing = false;       ///< where there is nothing at `path`
  double held_out = 0.1;                  ///< the share of samples, of kinds that hold some out themselves
  std::map<std::string, double, std::less<>> shared;     ///< the kind's keys, all or none
  std::map<std::string, double, std::less<>> generated;  ///< the kind's keys
  std::size_t generated_train = 60000;                   ///< of images
  std::size_t generated_test = 10000;

  /// The value of one of the kind's keys for generated data.
  double generated_number(std::string_view key) const { return generated.find(key)->second; }
  std::size_t generated_count(std::string_view key) const {
    return static_cast<std::size_t>(generated_number(key));
  }

  /// The value of one of the kind's keys of what all data share, 0 where none is given.
  std::size_t shared_count(std::string_view key) const {
    const auto found = shared.find(key);
    return found == shared.end() ? 0 : static_cast<std::size_t>(found->second);
  }
};

struct WorkloadOptions {
  std::string kind;                                    ///< a name in registry.h
  std::map<std::string, double, std::less<>> numbers;  ///< all of the kind's number keys
  std::map<std::string, std::string, std::less<>> words;
  std::vector<std::size_t> hidden;       ///< of an mlp
  std::vector<LayerDescription> layers;  ///< of a cnn
  WorkloadData data;
  PartitionOptions partition;  ///< seed and workers filled in; ranges follow from the data
  std::uint64_t seed = 1;
  std::size_t batch = 64;
  /// The servers' learning rate at a clock, from 1, for state that workers step themselves.
  std::function<float(Clock)> rate_at;
};

/// A workload and what it was made from.
struct MadeWorkload {
  std::unique_ptr<Workload> workload;
  /// What was read instead of what a configuration says: the data's digest, or `generated` where a generated
  /// set took their place; of data of one datacenter alone only what those of the others must have in common
  /// with them and no key says: "labels -1, 1". Empty where nothing was to be read.
  std::string contents;
};

}  // namespace meridian
