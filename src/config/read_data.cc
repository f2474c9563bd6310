// The part of a configuration that says what is learnt from, and how it is divided.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "src/config/choices.h"
#include "src/config/sections.h"
#include "src/config/spelling.h"
#include "src/workloads/registry.h"

namespace meridian {

namespace {

/// One key of a kind's table. Nothing where it is not there, or refused.
std::optional<double> read_number(Fields& fields, const NumberKey& key, Presence presence) {
  switch (key.form) {
    case NumberKey::Form::real:
      if (double value = 0; fields.number(key.name, value, Range::from_to(key.least, key.most), presence))
        return value;
      break;
    case NumberKey::Form::whole:
      if (std::uint64_t value = 0; fields.integer(key.name, value, static_cast<std::uint64_t>(key.least),
                                                  static_cast<std::uint64_t>(key.most), presence)) {
        return static_cast<double>(value);
      }
      break;
    case NumberKey::Form::truth:
      if (bool value = false; fields.truth(key.name, value, presence)) return value ? 1 : 0;
      break;
  }
  return std::nullopt;
}

}  // namespace

/// The keys of a kind's table that are numbers, each with its default where it is not there.
void read_numbers(Fields& fields, std::span<const NumberKey> keys, std::map<std::string, double>& out) {
  for (const NumberKey& key : keys)
    out[std::string(key.name)] = read_number(fields, key, Presence::optional).value_or(key.standard);
}

namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kMostSamples = 10'000'000;
constexpr double kLargestWeight = 1e9;

/// The last of the places that wrote something of `node`.
Place latest_place(const YamlNode& node) {
  Place latest = node.place;
  for (const YamlNode& child : node.children) {
    const Place place = latest_place(child);
    if (place.source > latest.source) latest = place;
  }
  return latest;
}

/// A key that only goes with a certain word of another key.
void refuse_unless(Fields& fields, std::string_view key, std::string_view word, const std::string& found) {
  if (word == found || !fields.has_value(key)) return;
  fields.problems().add(fields.place_of(key),
                        fmt::format("{} is given, which {} does not use", fields.path_of(key), found),
                        fmt::format("no such key, or {}", word));
}

void read_sizes(Fields& fields, PartitionConfig& partition, const Config& config) {
  const YamlNode* node = fields.find("sizes");
  if (node == nullptr || node->kind == Kind::broken) return;
  Fields sizes(fields.problems(), node, fields.path_of("sizes"));
  if (!sizes.has_map()) return;
  for (const std::string_view name : datacenter_names(config)) {
    double size = 1;
    if (sizes.number(name, size, Range::above(0, kLargestWeight), Presence::required))
      partition.sizes[std::string(name)] = size;
  }
  refuse_keys_of_no_datacenter(sizes, *node, config);
}

void read_partition(Fields& data, PartitionConfig& partition, const Config& config) {
  const YamlNode* node = data.find("partition");
  if (node == nullptr || node->kind == Kind::broken) return;
  const std::string path = data.path_of("partition");
  if (node->kind == Kind::scalar) {
    // `partition: random` is short for `partition: {workers: random}`.
    const auto kind = read_choice(*node, path, kPartitions, data.problems());
    if (kind) partition.workers = *kind;
    return;
  }
  if (node->kind != Kind::map) {
    data.problems().add(node->place, fmt::format("{} is {}", path, describe_value(*node)),
                        fmt::format("a map with workers and datacenters, or one of {}", one_of(kPartitions)));
    return;
  }
  Fields fields(data.problems(), node, path);
  fields.choice("workers", partition.workers, kPartitions);
  fields.number("overlap", partition.overlap, Range::from_to(0, 1));
  refuse_unless(fields, "overlap", "overlap", partition.workers);
  fields.choice("datacenters", partition.datacenters, kPartitionsBetweenDatacenters);
  fields.number("label_skew", partition.label_skew, Range::from_to(0, 1));
  refuse_unless(fields, "label_skew", "label_skew", partition.datacenters);
  fields.number("concentration", partition.concentration, Range::above(0, kLargestWeight));
  refuse_unless(fields, "concentration", "dirichlet", partition.datacenters);
  read_sizes(fields, partition, config);
  fields.refuse_unknown();
}

/// One path for each datacenter: the real case, in which the data never were in one place.
void read_paths(Fields& fields, DataConfig& data, const Config& config) {
  const YamlNode* node = fields.find("paths");
  if (node == nullptr || node->kind == Kind::broken) return;
  Fields paths(fields.problems(), node, fields.path_of("paths"));
  if (!paths.has_map()) return;
  for (const std::string_view name : datacenter_names(config)) {
    std::string path;
    if (paths.text(name, path, "a file, a pattern or a folder", Presence::required))
      data.paths[std::string(name)] = (config.file.parent_path() / path).lexically_normal();
  }
  refuse_keys_of_no_datacenter(paths, *node, config);
  const PartitionConfig& partition = data.partition;
  if (partition.datacenters != "by_sizes" || !partition.sizes.empty()) {
    fields.problems().add(fields.place_of("partition"),
                          fmt::format("{} divides between datacenters, and {} gives each its own data",
                                      fields.path_of("partition"), paths.path()),
                          "one of the two");
  }
}

bool has_data_key(const WorkloadKind* kind, std::string_view key) {
  // Without a kind nobody knows which keys there are.
  return kind == nullptr ||
         std::find(kind->data_keys.begin(), kind->data_keys.end(), key) != kind->data_keys.end();
}

/// The keys of what all datacenters' data must share, which the data themselves say where they are all read.
void read_shared(Fields& fields, const WorkloadKind& kind, DataConfig& data) {
  const auto is_given = [&](const NumberKey& key) { return fields.has_value(key.name); };
  const bool any = std::any_of(kind.shared.begin(), kind.shared.end(), is_given);
  const bool paths = fields.has_value("paths");
  for (const NumberKey& key : kind.shared) {
    if (paths && !is_given(key)) {
      fields.find(key.name);
      fields.problems().add(
          fields.place_of("paths"),
          fmt::format("{} is given and {} is missing, which no process can find out from its own "
                      "datacenter's data",
                      fields.path_of("paths"), fields.path_of(key.name)),
          key.form == NumberKey::Form::whole
              ? fmt::format("a whole number from {} to {}", key.least, key.most)
              : Range::from_to(key.least, key.most).describe());
      continue;
    }
    const Presence presence = any ? Presence::required : Presence::optional;
    if (const auto value = read_number(fields, key, presence)) data.shared[std::string(key.name)] = *value;
  }
}

/// The keys about data in files.
void read_files(Fields& fields, const WorkloadKind* kind, DataConfig& data, const Config& config) {
  read_paths(fields, data, config);
  const std::string what =
      kind != nullptr && data.format == "idx" ? "a folder" : "a file, a pattern or a folder";
  std::string path;
  const bool needs_path = kind != nullptr && !fields.has_value("paths");
  if (fields.text("path", path, what, needs_path ? Presence::required : Presence::optional))
    data.path = (config.file.parent_path() / path).lexically_normal();
  if (!data.path.empty() && fields.has_value("paths")) {
    fields.problems().add(
        fields.place_of("paths"),
        fmt::format("{} and {} are both given", fields.path_of("path"), fields.path_of("paths")),
        "one of the two");
  }
  for (const auto& [key, out] :
       {std::pair<std::string_view, std::filesystem::path*>{"held_out_path", &data.held_out_path},
        {"vocabulary", &data.vocabulary}}) {
    if (has_data_key(kind, key) && fields.text(key, path, "a file, a pattern or a folder"))
      *out = (config.file.parent_path() / path).lexically_normal();
  }
  fields.choice("if_missing", data.if_missing, kDataIfMissing);
  if (data.if_missing == "generated" && fields.has_value("paths")) {
    fields.problems().add(
        fields.place_of("if_missing"),
        fmt::format(
            "{} is generated, and {} gives each datacenter its own data: where one's are missing, the "
            "others cannot know that it trains on generated ones",
            fields.path_of("if_missing"), fields.path_of("paths")),
        "error, or path in place of paths");
  }
  if (kind != nullptr) {
    read_shared(fields, *kind, data);
    return;
  }
  for (const WorkloadKind& any : workload_kinds()) {
    for (const NumberKey& key : any.shared) fields.find(key.name);
  }
}

void refuse_files(Fields& fields, const WorkloadKind& kind) {
  std::vector<std::string_view> keys{"paths", "path", "if_missing"};
  std::copy_if(kind.data_keys.begin(), kind.data_keys.end(), std::back_inserter(keys),
               [](std::string_view key) { return key != "held_out"; });
  for (const NumberKey& key : kind.shared) keys.push_back(key.name);
  for (const std::string_view key : keys) {
    refuse_without_use(fields, key, fields.place_of("format"), "format: generated",
                       fmt::format("no such key, or format: {}", one_of(kind.formats)));
  }
}

/// The keys about generated data.
void read_generated(Fields& fields, const WorkloadKind* kind, DataConfig& data) {
  if (kind != nullptr && !kind->generated.empty()) {
    Fields generated = fields.map("generated");
    read_numbers(generated, kind->generated, data.generated);
    generated.refuse_unknown();
    return;
  }
  fields.integer("generated_train", data.generated_train, 10, kMostSamples);
  fields.integer("generated_test", data.generated_test, 10, kMostSamples);
  if (kind == nullptr) fields.find("generated");
}

void refuse_generated(Fields& fields, const WorkloadKind& kind, const DataConfig& data) {
  Place chosen = fields.place_of("format");
  if (fields.has("if_missing") && fields.place_of("if_missing").source > chosen.source)
    chosen = fields.place_of("if_missing");
  const std::vector<std::string_view> keys =
      kind.generated.empty() ? std::vector<std::string_view>{"generated_train", "generated_test"}
                             : std::vector<std::string_view>{"generated"};
  for (const std::string_view key : keys) {
    refuse_without_use(fields, key, chosen, fmt::format("format: {}", data.format),
                       "no such key, or if_missing: generated");
  }
}

}  // namespace

void refuse_without_use(Fields& fields, std::string_view key, Place chosen, const std::string& user,
                        const std::string& expected) {
  const YamlNode* const node = fields.find(key);
  if (node == nullptr || node->kind == Kind::broken) return;
  const Place place = latest_place(*node);
  if (place.source < chosen.source) return;
  fields.problems().add(place, fmt::format("{} is given, which {} does not use", fields.path_of(key), user),
                        expected);
}

void read_data(Fields fields, const WorkloadKind* kind, Config& config) {
  DataConfig& data = config.workload.data;
  std::vector<std::string_view> formats;
  if (kind != nullptr) formats = kind->formats;
  formats.emplace_back("generated");
  // Without a kind nobody knows which formats there are.
  const bool known = kind != nullptr && fields.choice("format", data.format, formats, Presence::required);
  if (kind == nullptr) fields.find("format");

  read_partition(fields, data.partition, config);
  if (known && !data.may_read()) {
    refuse_files(fields, *kind);
  } else {
    read_files(fields, kind, data, config);
  }
  if (has_data_key(kind, "held_out")) {
    double held_out = 0.1;
    fields.number("held_out", held_out, Range::from_to(0, 0.9));
    data.held_out = held_out;
  }
  if (known && !data.may_generate()) {
    refuse_generated(fields, *kind, data);
  } else {
    read_generated(fields, kind, data);
  }
  fields.refuse_unknown();
}

}  // namespace meridian
