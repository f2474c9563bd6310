// The parts of a configuration, each read from the root's fields into its struct. Order matters where one
// part names another: datacenters come first.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/config/config.h"
#include "src/config/fields.h"
#include "src/workloads/registry.h"

namespace meridian {

/// `name`, of a configuration or of what is made of several: it becomes part of a folder's name.
void read_name(Fields& root, std::string& name);

/// The names the other sections may use; positions are those of config.datacenters.
void read_datacenters(Fields& root, Config& config);

void read_workload(Fields& root, Config& config);

/// workload.data, with the keys and formats of the kind of model, if that is known.
void read_data(Fields fields, const WorkloadKind* kind, Config& config);

/// The keys of a kind's table, each with its default where it is not there.
void read_numbers(Fields& fields, std::span<const NumberKey> keys, std::map<std::string, double>& out);

/// Notes that `key` is given though what was chosen at `chosen`, `user` in words, does not use it. A --set
/// that chooses goes before what the file and earlier ones say: the keys that it leaves without use may stay.
void refuse_without_use(Fields& fields, std::string_view key, Place chosen, const std::string& user,
                        const std::string& expected);

/// workload.optimizer.
void read_optimizer(Fields fields, OptimizerConfig& optimizer);

void read_wan(Fields& root, Config& config);

/// `metrics` and `log`: how a run is watched.
void read_watching(Fields& root, Config& config);

/// wan.topology.
void read_topology(Fields& wan, Config& config);

/// The datacenter that a scalar names, or nothing, with a problem noted under `path`.
std::optional<std::size_t> read_datacenter_name(const YamlNode& node, const std::string& path,
                                                const Config& config, Problems& problems);

/// Notes that the key or value `text` at `place` names no datacenter.
void refuse_datacenter_name(Place place, const std::string& text, const std::string& path,
                            const Config& config, Problems& problems);

/// Notes every key of the map `node`, which `fields` reads, that names no datacenter.
void refuse_keys_of_no_datacenter(Fields& fields, const YamlNode& node, const Config& config);

/// The names of config.datacenters, valid as long as it is.
std::vector<std::string_view> datacenter_names(const Config& config);

}  // namespace meridian
