// Goal: a deployment trains over data that stay where they are: each process starts where only its own
// datacenter's files exist, and what comes of it is, bit for bit, what a simulation makes of all of them.
// Data that do not go together are refused before the first clock, by what differs. Reached with the example
// of docs/applications.md, each datacenter in a folder of its own as on a host of its own, and with the other
// kinds of data put in its place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/integration/program_under_test.h"
#include "tests/integration/run_files_check.h"
#include "tests/integration/workspace.h"
#include "tests/src/workloads/small_data.h"

namespace meridian::integration {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

/// The example: a block of the page that begins so.
std::string example() {
  const char* const source = std::getenv("MERIDIAN_SOURCE_DIR");
  if (source == nullptr) throw std::runtime_error("MERIDIAN_SOURCE_DIR is not set; ctest sets it");
  const std::string page = read_file(fs::path(source) / "docs" / "applications.md");
  const std::size_t begin = page.find("# own-data.yaml\n");
  if (begin == std::string::npos) throw std::runtime_error("docs/applications.md has no own-data.yaml");
  return page.substr(begin, page.find("```", begin) - begin);
}

/// What takes the place of the example's model and data.
struct Kind {
  std::vector<std::string> overrides;
  std::function<void(const fs::path& folder, std::uint64_t seed)> put;
};

const std::map<std::string, Kind>& kinds() {
  const std::string paths = ", paths: {virginia: own, ireland: own}}";
  static const std::map<std::string, Kind> all{
      {"example",
       {{},
        [](const fs::path& folder, std::uint64_t seed) {
          small_data::put_ratings(folder.parent_path() / "ratings", seed, 200);
        }}},
      {"images",
       {{"workload.model={kind: mlp, hidden: [8]}",
         "workload.data={format: idx, mean: 0.5, deviation: 0.3" + paths},
        [](const fs::path& folder, std::uint64_t seed) { small_data::put_images(folder, seed, 6); }}},
      {"documents",
       {{"workload.model={kind: topics, topics: 3}", "workload.data={format: bag_of_words" + paths,
         "workload.batch=10"},
        [](const fs::path& folder, std::uint64_t seed) { small_data::put_documents(folder, seed, "z"); }}},
      {"samples",
       {{"workload.model=sparse_logistic", "workload.data={format: libsvm, features: 30" + paths},
        [](const fs::path& folder, std::uint64_t seed) { small_data::put_samples(folder, seed, "-1"); }}},
  };
  return all;
}

/// Each datacenter's host is a folder with the configuration and its own data.
class OwnData : public ::testing::Test {
 protected:
  OwnData() : ports_(free_port_blocks(2)) {
    for (const std::string& name : names_) work_.write(name + "/own-data.yaml", example());
  }

  fs::path host(const std::string& name) const { return work_ / name; }
  fs::path out() const { return work_ / "out"; }

  void start_all(const std::vector<std::string>& overrides) {
    for (std::size_t d = 0; d < names_.size(); ++d) {
      for (const char* role : {"worker", "server"}) {
        std::vector<std::string> words{
            "node",   host(names_[d]) / "own-data.yaml", "--out", out(), "--role", role, "--datacenter",
            names_[d]};
        for (std::size_t i = 0; i < names_.size(); ++i) {
          words.insert(words.end(), {"--set", "datacenters." + names_[i] + ".hosts=[\"127.0.0.1:" +
                                                  std::to_string(ports_[i]) + "\"]"});
        }
        for (const std::string& override_text : overrides)
          words.insert(words.end(), {"--set", override_text});
        nodes_[names_[d] + "-" + role + "-0"] = std::make_unique<ProgramUnderTest>(words);
      }
    }
  }

  std::map<std::string, Ended> ends() {
    std::map<std::string, Ended> ends;
    for (const auto& [name, program] : nodes_) {
      const auto ended = program->wait();
      if (!ended) {
        ADD_FAILURE() << name << " still runs";
        continue;
      }
      ends[name] = *ended;
    }
    return ends;
  }

  const std::vector<std::string> names_{"virginia", "ireland"};
  Workspace work_;
  std::vector<int> ports_;
  std::map<std::string, std::unique_ptr<ProgramUnderTest>> nodes_;
};

class OwnDataOfEveryKind : public OwnData, public ::testing::WithParamInterface<std::string> {};

TEST_P(OwnDataOfEveryKind, TrainAsTheirSimulationDoes) {
  const Kind& kind = kinds().at(GetParam());
  kind.put(host("virginia") / "own", 1);
  kind.put(host("ireland") / "own", 2);
  std::vector<std::string> overrides = kind.overrides;
  overrides.emplace_back("wan.mode=bsp");  // in which no sum depends on who comes first
  start_all(overrides);
  for (const auto& [name, ended] : ends()) ASSERT_EQ(ended.code, 0) << name << ": " << ended.err;

  // Where all data are: the paths lead to the others' folders.
  const std::string data = GetParam() == "example" ? "ratings" : "own";
  std::vector<std::string> simulation{"simulate", host("virginia") / "own-data.yaml", "--out",
                                      work_ / "simulated"};
  overrides.push_back("workload.data.paths={virginia: ../virginia/" + data + ", ireland: ../ireland/" + data +
                      "}");
  overrides.emplace_back("workload.compute={seconds_per_clock: 0.001}");
  for (const std::string& override_text : overrides)
    simulation.insert(simulation.end(), {"--set", override_text});
  const Ended simulated_end = run_meridian(simulation);
  ASSERT_EQ(simulated_end.code, 0) << simulated_end.err;

  ASSERT_EQ(run_meridian({"report", out()}).code, 0);
  expect_summary_keys(out());
  const json real = read_json(out() / "summary.json");
  const json simulated = read_json(work_ / "simulated" / "summary.json");
  const std::string model = read_file(work_ / "simulated" / "model.safetensors");
  ASSERT_NE(model, "");
  EXPECT_EQ(real["clocks"], 40);
  EXPECT_EQ(real["stop_reason"], "clocks");
  EXPECT_EQ(real["data_note"], simulated["data_note"]);
  EXPECT_EQ(real["objective"]["final"], simulated["objective"]["final"]);
  for (std::size_t d = 0; d < names_.size(); ++d) {
    EXPECT_EQ(read_file(out() / (names_[d] + "-server-0") / "model.safetensors"), model) << names_[d];
    EXPECT_EQ(real["datacenters"][d]["training_bytes"], simulated["datacenters"][d]["training_bytes"]);
    EXPECT_GT(real["datacenters"][d]["training_bytes"], 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, OwnDataOfEveryKind,
                         ::testing::Values("example", "images", "documents", "samples"),
                         [](const auto& each) { return each.param; });

TEST_F(OwnData, ThatDoNotGoTogetherAreRefused) {
  small_data::put_samples(host("virginia") / "own", 1, "-1");
  small_data::put_samples(host("ireland") / "own", 2, "0");
  std::vector<std::string> overrides = kinds().at("samples").overrides;
  overrides.emplace_back("wan.deadlines.start_s=5");
  start_all(overrides);
  std::string errors;
  for (const auto& [name, ended] : ends()) {
    EXPECT_EQ(ended.code, 1) << name;
    errors += ended.err;
  }
  EXPECT_THAT(errors, HasSubstr("workload.data.contents is 'labels "));
}

TEST_F(OwnData, AreMissedInTheirOwnDatacenter) {
  small_data::put_ratings(host("virginia") / "ratings", 1, 200);
  const Ended ended = run_meridian({"node", host("ireland") / "own-data.yaml", "--out", out(), "--role",
                                    "server", "--datacenter", "ireland"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("ireland/ratings"));
}

TEST_F(OwnData, OfOneMachineMakeARunToo) {
  for (const std::string& name : names_) small_data::put_ratings(host(name) / "ratings", name.size(), 200);
  const Ended run = run_meridian({"run", host("virginia") / "own-data.yaml", "--out", out(), "--set",
                                  "workload.data.paths={virginia: ratings, ireland: ../ireland/ratings}",
                                  "--set", "wan.links=lan"});
  ASSERT_EQ(run.code, 0) << run.err;
  expect_summary_keys(out());
  EXPECT_THAT(run.err, HasSubstr("virginia has ratings: "));
  EXPECT_THAT(run.err, HasSubstr("; ireland has ratings: "));
  const json summary = read_json(out() / "summary.json");
  EXPECT_EQ(summary["replicas"]["drained"], true);
  EXPECT_EQ(summary["datacenters"].size(), 2U);
  for (const json& datacenter : summary["datacenters"]) EXPECT_GT(datacenter["training_bytes"], 0);
}

}  // namespace
}  // namespace meridian::integration
