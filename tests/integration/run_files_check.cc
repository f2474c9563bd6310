#include "tests/integration/run_files_check.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/integration/workspace.h"

namespace meridian::integration {
namespace {

using nlohmann::json;

/// The value under a path such as "wan/bytes_sent"; a failure, and null, where it is missing.
json at(const json& object, const std::string& path) {
  const json::json_pointer pointer("/" + path);
  if (!object.contains(pointer)) {
    ADD_FAILURE() << path << " is missing";
    return nullptr;
  }
  return object.at(pointer);
}

void expect_text(const json& object, const std::string& path) {
  EXPECT_TRUE(at(object, path).is_string()) << path << ": " << at(object, path);
}

void expect_number(const json& object, const std::string& path) {
  EXPECT_TRUE(at(object, path).is_number()) << path << ": " << at(object, path);
}

void expect_count(const json& object, const std::string& path) {
  EXPECT_TRUE(at(object, path).is_number_unsigned()) << path << ": " << at(object, path);
}

void expect_number_or_null(const json& object, const std::string& path) {
  const json value = at(object, path);
  EXPECT_TRUE(value.is_number() || value.is_null()) << path << ": " << value;
}

void expect_timeline(const std::filesystem::path& folder, std::size_t datacenters) {
  const std::vector<json> lines = read_json_lines(folder / "timeline.jsonl");
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.size() % datacenters, 0U);
  double last_s = 0;
  for (const json& line : lines) {
    ASSERT_TRUE(line.is_object()) << line;
    expect_number(line, "time_s");
    expect_count(line, "clock");
    expect_text(line, "datacenter");
    expect_number(line, "objective");
    expect_count(line, "wan_bytes");
    expect_number_or_null(line, "entries_sent_share");
    EXPECT_GE(line["time_s"], last_s) << line;
    last_s = line["time_s"];
  }
}

void expect_bytes_add_up(const json& wan) {
  EXPECT_EQ(wan["bytes_sent"],
            wan["data_bytes"].get<std::uint64_t>() + wan["control_bytes"].get<std::uint64_t>());
  std::uint64_t sum = 0;
  for (const json& link : wan["links"]) {
    expect_text(link, "from");
    expect_text(link, "to");
    expect_count(link, "bytes");
    expect_number_or_null(link, "utilization");
    sum += link["bytes"].get<std::uint64_t>();
  }
  EXPECT_EQ(wan["bytes_sent"], sum);
}

}  // namespace

void expect_summary_keys(const std::filesystem::path& folder) {
  const json summary = read_json(folder / "summary.json");
  ASSERT_TRUE(summary.is_object()) << folder;
  for (const char* key : {"name", "mode", "stop_reason", "objective/metric"}) expect_text(summary, key);
  for (const char* key : {"seed", "clocks", "wan/bytes_sent", "wan/data_bytes", "wan/control_bytes",
                          "wan/entries_considered", "wan/entries_sent"}) {
    expect_count(summary, key);
  }
  expect_number(summary, "time_s");
  for (const char* key :
       {"objective/final", "objective/target", "objective/time_to_target_s", "objective/clocks_to_target",
        "wan/bytes_to_target", "waits_s/local_barrier", "waits_s/selective_barrier", "waits_s/mirror_clock",
        "replicas/max_relative_difference", "replicas/max_relative_difference_after_drain"}) {
    expect_number_or_null(summary, key);
  }
  ASSERT_TRUE(at(summary, "wan/links").is_array());
  expect_bytes_add_up(summary["wan"]);
  ASSERT_TRUE(at(summary, "datacenters").is_array());
  for (const json& datacenter : summary["datacenters"]) {
    expect_text(datacenter, "name");
    for (const char* key : {"clocks", "workers", "servers"}) expect_count(datacenter, key);
    expect_number_or_null(datacenter, "objective");
  }
}

void expect_finished_run(const std::filesystem::path& folder) {
  for (const char* file : {"config.yaml", "summary.json", "timeline.jsonl", "model.safetensors", "log"}) {
    ASSERT_TRUE(std::filesystem::is_regular_file(folder / file)) << file;
    EXPECT_GT(std::filesystem::file_size(folder / file), 0U) << file;
  }
  expect_summary_keys(folder);
  if (::testing::Test::HasFailure()) return;
  const json summary = read_json(folder / "summary.json");
  const std::size_t datacenters = summary["datacenters"].size();
  expect_timeline(folder, datacenters);

  EXPECT_GT(summary["time_s"], 0.0);
  EXPECT_GT(summary["clocks"], 0);
  ASSERT_TRUE(summary["objective"]["final"].is_number());
  EXPECT_EQ(summary["objective"]["metric"], "accuracy");
  // Generated images have ten classes: this model knows more of them than chance does.
  EXPECT_GT(summary["objective"]["final"], 0.15);
  EXPECT_LE(summary["objective"]["final"], 1.0);
  double worst = 1.0;
  std::uint64_t slowest = UINT64_MAX;
  for (const json& datacenter : summary["datacenters"]) {
    ASSERT_TRUE(datacenter["objective"].is_number());
    worst = std::min(worst, datacenter["objective"].get<double>());
    slowest = std::min(slowest, datacenter["clocks"].get<std::uint64_t>());
  }
  EXPECT_EQ(summary["objective"]["final"], worst);
  EXPECT_EQ(summary["clocks"], slowest);

  const json& wan = summary["wan"];
  EXPECT_EQ(wan["links"].size(), datacenters * (datacenters - 1));
  EXPECT_GT(wan["data_bytes"], wan["control_bytes"]);
  EXPECT_GT(wan["entries_considered"], 0);
  EXPECT_GT(wan["entries_sent"], 0);
  EXPECT_LE(wan["entries_sent"], wan["entries_considered"]);
  for (const char* key : {"local_barrier", "selective_barrier", "mirror_clock"}) {
    ASSERT_TRUE(summary["waits_s"][key].is_number()) << key;
    EXPECT_GE(summary["waits_s"][key], 0.0) << key;
  }
  for (const char* key : {"compute", "evaluation", "push", "pull"}) {
    ASSERT_TRUE(summary["work_s"][key].is_number()) << key;
    EXPECT_GE(summary["work_s"][key], 0.0) << key;
  }
  EXPECT_GT(summary["work_s"]["compute"], 0.0);
  ASSERT_TRUE(summary["replicas"]["max_relative_difference"].is_number());
  ASSERT_TRUE(summary["replicas"]["max_relative_difference_after_drain"].is_number());
  EXPECT_LE(summary["replicas"]["max_relative_difference_after_drain"], 1e-5);
}

}  // namespace meridian::integration
