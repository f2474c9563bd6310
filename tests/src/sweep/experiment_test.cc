// Goal: an experiment file says what it says, and whatever is wrong with one is named with its place and what
// was expected. Reached by reading good and bad texts.
#include "src/sweep/experiment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::sweep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kGood = R"(name: study
base: ../configs/small.yaml
set: {workload.batch: 8, workload.stop: {clocks: 20, target: 0.5}}
axes:
  - {key: wan.mode, values: [gaia, bsp]}
  - name: links
    values:
      - {label: WAN, set: {}}
      - {label: "LAN, fast", set: {wan.links: lan, wan.parameters.v0: 0.5}}
seeds: [3, 5]
baseline: {wan.mode: bsp}
lan: {wan.mode: bsp, links: "LAN, fast"}
)";

std::vector<std::string> texts(const std::vector<Setting>& settings) {
  std::vector<std::string> all;
  for (const Setting& setting : settings) all.push_back(setting.text);
  return all;
}

std::string error_of(const std::string& text) {
  const Result<Experiment> read = read_experiment_text(text, "dir/study.yaml");
  return read ? "no error" : read.error().message;
}

/// The good experiment with `from` replaced.
std::string error_with(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const std::size_t at = text.find(from);
  if (at == std::string::npos) return "the good text has no " + from;
  return error_of(text.replace(at, from.size(), to));
}

TEST(Experiment, IsReadAsItStands) {
  const Result<Experiment> read = read_experiment_text(kGood, "dir/study.yaml");
  ASSERT_TRUE(read) << read.error().message;
  const Experiment& experiment = read.value();
  EXPECT_EQ(experiment.name, "study");
  EXPECT_EQ(experiment.base, "configs/small.yaml");
  EXPECT_THAT(texts(experiment.settings),
              ElementsAre("workload.batch=8", "workload.stop={clocks: 20, target: 0.5}"));
  ASSERT_EQ(experiment.axes.size(), 2U);
  EXPECT_EQ(experiment.axes[0].name, "wan.mode");
  EXPECT_EQ(experiment.axes[0].values[1].label, "bsp");
  EXPECT_THAT(texts(experiment.axes[0].values[1].settings), ElementsAre("wan.mode=bsp"));
  EXPECT_THAT(texts(experiment.axes[1].values[0].settings), ElementsAre());
  EXPECT_EQ(experiment.axes[1].values[1].label, "LAN, fast");
  EXPECT_THAT(texts(experiment.axes[1].values[1].settings),
              ElementsAre("wan.links=lan", "wan.parameters.v0=0.5"));
  EXPECT_THAT(experiment.seeds, ElementsAre(3, 5));
  EXPECT_EQ(experiment.baseline, (Reference{1, std::nullopt}));
  EXPECT_EQ(experiment.lan, (Reference{1, 1}));
}

TEST(Experiment, AsksForTrainingInOnePlaceOnlyBesideALan) {
  EXPECT_EQ(read_experiment_text(kGood, "f.yaml").value().centralised, std::nullopt);
  const auto read =
      read_experiment_text(std::string(kGood) + "centralised: {region: east, data_gb: 1000}\n", "f.yaml");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().centralised->region, "east");
  EXPECT_EQ(read.value().centralised->data_gb, 1000.0);
  const auto empty = read_experiment_text(std::string(kGood) + "centralised: {}\n", "f.yaml");
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_EQ(empty.value().centralised->region, std::nullopt);
  EXPECT_EQ(empty.value().centralised->data_gb, std::nullopt);
  const auto error_beside = [](const std::string& centralised) {
    return error_of(std::string(kGood) + "centralised: " + centralised + "\n");
  };
  EXPECT_THAT(error_beside("{data_gb: 0}"),
              HasSubstr("13:24: centralised.data_gb is '0'; expected a number above 0, at most 1000000000"));
  EXPECT_THAT(error_beside("{data_gb: .nan}"), HasSubstr("centralised.data_gb is '.nan'"));
  EXPECT_THAT(error_beside("{data_tb: 1}"), HasSubstr("unknown key 'centralised.data_tb', perhaps"));
  EXPECT_THAT(error_beside("yes"), HasSubstr("13:14: centralised is 'yes'; expected a map"));
  EXPECT_THAT(error_with("lan: {wan.mode: bsp, links: \"LAN, fast\"}", "centralised: {}"),
              HasSubstr("12:14: centralised without lan; expected lan: "));
}

TEST(Experiment, TakesACountOfSeeds) {
  const auto seeds = [](const std::string& line) {
    const Result<Experiment> read =
        read_experiment_text("name: a\nbase: b\naxes: [{key: c, values: [1]}]\n" + line, "f.yaml");
    return read ? read.value().seeds : std::vector<std::uint64_t>{};
  };
  EXPECT_THAT(seeds("seeds: 3"), ElementsAre(1, 2, 3));
  EXPECT_THAT(seeds(""), ElementsAre(1));
}

TEST(Experiment, NamesPlaceAndExpectation) {
  EXPECT_THAT(error_of(""), HasSubstr("dir/study.yaml:1:1: the file holds no experiment"));
  EXPECT_THAT(error_of("name: [a"), StartsWith("dir/study.yaml:"));
  EXPECT_THAT(error_of("axes: 3"), AllOf(HasSubstr("name is missing"), HasSubstr("base is missing"),
                                         HasSubstr("axes is '3'; expected a list")));
  EXPECT_THAT(error_with("seeds", "seed"),
              StartsWith("dir/study.yaml:10:1: unknown key 'seed', perhaps 'seeds'; expected "));
  EXPECT_THAT(error_with("name: study", "name: ../x"), HasSubstr("dir/study.yaml:1:7: name is '../x'"));
  EXPECT_THAT(error_with("[3, 5]", "[3, 3]"), HasSubstr("10:12: the seed 3 is there already"));
  EXPECT_THAT(error_with("[3, 5]", "0"), HasSubstr("seeds is '0'; expected a whole number from 1"));
  EXPECT_THAT(error_with("[3, 5]", "[]"), HasSubstr("seeds has 0 elements"));
}

TEST(Experiment, KnowsWhatOthersReport) {
  const std::string text =
      "name: a\nbase: b\naxes: [{name: mode, key: wan.mode, values: [gaia, bsp]}, {name: s, key: shards, "
      "values: "
      "[1, 2]}]\nbaseline: {mode: bsp}\nlan: {mode: gaia}\npublished:\n  - ";
  const auto read = [&](const std::string& entry) { return read_experiment_text(text + entry, "f.yaml"); };
  const auto good = read("{cell: {mode: bsp, s: 1}, speed_up: 3.7, of_lan_time: 0.95, note: because}");
  ASSERT_TRUE(good) << good.error().message;
  ASSERT_EQ(good.value().published.size(), 1U);
  EXPECT_EQ(good.value().published[0].figures, (Published{3.7, 0.95, "because"}));
  EXPECT_THAT(good.value().published[0].cell, ElementsAre(1U, 0U));
  EXPECT_THAT(
      read("{cell: {mode: bsp}, speed_up: 3}").error().message,
      HasSubstr("7:12: published[0].cell names some axes only; expected a label on each axis: mode or s"));
  EXPECT_THAT(read("{cell: {mode: bsp, s: 3}, speed_up: 3}").error().message,
              HasSubstr("published[0].cell.s is '3'"));
  EXPECT_THAT(read("{cell: {mode: bsp, s: 1}}").error().message, HasSubstr("published[0] says nothing"));
  EXPECT_THAT(read("{speed_up: 3}").error().message, HasSubstr("published[0].cell is missing"));
  EXPECT_THAT(read("{cell: {mode: bsp, s: 1}, speed_up: -3}").error().message,
              HasSubstr("published[0].speed_up is '-3'"));
}

TEST(Experiment, RefusesAxesThatMakeNoGrid) {
  EXPECT_THAT(error_with("[gaia, bsp]", "[gaia, gaia]"),
              HasSubstr("5:36: the label 'gaia' is there already"));
  EXPECT_THAT(error_with("[gaia, bsp]", "[]"), HasSubstr("axes[0].values is empty"));
  EXPECT_THAT(error_with("name: links", "name: wan.mode"), HasSubstr("there is an axis 'wan.mode' already"));
  EXPECT_THAT(error_with("{key: wan.mode,", "{"), HasSubstr("axes[0].name is missing"));
  EXPECT_THAT(error_with("key: wan.mode", "key: seed"), HasSubstr("sets the seed; expected seeds:"));
  EXPECT_THAT(error_with("key: wan.mode", "key: a=b"), HasSubstr("has the key 'a=b'"));
  EXPECT_THAT(error_with("label: WAN", "label: \"a\\nb\""), HasSubstr("text that prints"));
}

TEST(Experiment, RefusesMoreRunsThanAnyoneWaitsFor) {
  std::string axes = "name: a\nbase: b\naxes:\n";
  for (int axis = 0; axis < 16; ++axis) {
    axes += "  - {key: k" + std::to_string(axis) + ", values: [0, 1, 2, 3]}\n";
  }
  EXPECT_THAT(error_of(axes), HasSubstr("these are more than 10000 runs"));
}

TEST(Experiment, RefusesAReferenceToNothing) {
  EXPECT_THAT(
      error_with("baseline: {wan.mode: bsp}", "baseline: {mode: bsp}"),
      HasSubstr("11:12: baseline names the axis 'mode', which there is not; expected wan.mode or links"));
  EXPECT_THAT(error_with("baseline: {wan.mode: bsp}", "baseline: {wan.mode: ssp}"),
              HasSubstr("11:22: baseline.wan.mode is 'ssp'; expected gaia or bsp"));
  EXPECT_THAT(error_with("baseline: {wan.mode: bsp}", "baseline: bsp"), HasSubstr("baseline is 'bsp'"));
}

}  // namespace
}  // namespace meridian::sweep
