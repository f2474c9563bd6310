// Goal: every kind of workload can be made from a configuration that names nothing but itself, on generated
// data, and trains in a simulation: its objective becomes better. Reached by one small deployment for each
// kind.
#include "src/workloads/registry.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <tuple>

#include "src/config/config_reader.h"
#include "src/config/expansion.h"
#include "src/config/run_identity.h"
#include "src/program/deployment.h"
#include "tests/src/data/real_data.h"
#include "tests/src/output/temporary_folder.h"
#include "tests/wan/simulated_deployment.h"

namespace meridian {
namespace {

/// What a kind needs besides its name, and an optimizer that suits it.
struct Smallest {
  std::string model;
  std::string data;
  std::string optimizer;
};

Smallest smallest(const std::string& kind) {
  static const std::string images = "{format: generated, generated_train: 600, generated_test: 200}";
  static const std::string sgd = "{learning_rate: 0.1}";
  static const std::map<std::string, Smallest> known{
      {"softmax", {"{kind: softmax}", images, sgd}},
      {"mlp", {"{kind: mlp, hidden: [16]}", images, sgd}},
      {"cnn", {"{kind: cnn, layers: [{conv: {channels: 2, kernel: 5, stride: 2}}, relu]}", images, sgd}},
      {"matrix_factorisation",
       {"{kind: matrix_factorisation, rank: 4, mean: 3}",
        "{format: generated, generated: {users: 60, items: 80, ratings: 1500, rank: 2}}",
        "{learning_rate: 0.02}"}},
      {"topics",
       {"{kind: topics, topics: 5}",
        "{format: generated, generated: {documents: 60, words: 100, topics: 5, mean_length: 40}}", ""}},
      {"sparse_logistic",
       {"{kind: sparse_logistic}",
        "{format: generated, generated: {samples: 2000, held_out_samples: 500, features: 200, "
        "features_per_sample: 10}}",
        "{name: adagrad, learning_rate: 0.1}"}},
  };
  return known.at(kind);
}

wan::DeploymentOptions deployment_of(const Config& config) {
  wan::DeploymentOptions options;
  options.datacenters = {{.workers = 2}, {.workers = 1}};
  options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = 1e8, .delay = std::chrono::milliseconds(5)};
  };
  options.optimizer.name = config.workload.optimizer.name;
  options.optimizer.learning_rate = config.workload.optimizer.learning_rate;
  options.mode = "ssp";
  options.parameters.ds = 3;
  options.evaluate_every = 2;
  options.clocks = 60;
  return options;
}

class EveryKind : public testing::TestWithParam<std::string> {};

TEST_P(EveryKind, LearnsFromGeneratedData) {
  const Smallest with = smallest(GetParam());
  const std::string yaml = "name: small\nworkload:\n  model: " + with.model + "\n  data: " + with.data +
                           (with.optimizer.empty() ? "" : "\n  optimizer: " + with.optimizer) +
                           "\n  batch: 32\n  stop: {clocks: 60}\ndatacenters:\n  - {name: a, workers: 2}\n"
                           "  - {name: b, workers: 1}\nwan:\n  links: lan\n";
  const Result<Config> config = read_config_text(yaml, "small.yaml", {}, process_environment);
  ASSERT_TRUE(config.ok()) << config.error().message;
  const auto deployment = program::Deployment::create(config.value());
  ASSERT_TRUE(deployment.ok()) << deployment.error().message;
  const Workload& workload = deployment.value()->workload();
  EXPECT_THAT(workload.note(), testing::StartsWith("GENERATED"));

  wan::SimulatedDeployment run(deployment_of(config.value()), workload);
  const Simulation::Outcome outcome = run.run();
  ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
  ASSERT_FALSE(run.log(0).measured.empty());
  const double first = run.log(0).measured.front().objective;
  const double last = run.log(0).final->objective;
  if (workload.larger_is_better()) {
    EXPECT_GT(last, first);
  } else {
    EXPECT_LT(last, first);
  }
}

/// The identity of a process that reads, from `path`, data of the kind.
std::string identity_with(const std::string& kind, const std::string& format,
                          const std::filesystem::path& path) {
  const std::string yaml = "name: small\nworkload:\n  model: " + kind + "\n  data: {format: " + format +
                           ", path: " + path.string() + ", if_missing: generated" +
                           (kind == "topics" ? "}\n" : "}\n  optimizer: {learning_rate: 0.1}\n") +
                           "  stop: {clocks: 6}\ndatacenters: [{name: a}]\n";
  const Result<Config> config = read_config_text(yaml, "small.yaml", {}, process_environment);
  EXPECT_TRUE(config.ok()) << config.error().message;
  const auto deployment = program::Deployment::create(config.value());
  EXPECT_TRUE(deployment.ok()) << deployment.error().message;
  return deployment.value()->identity_text();
}

TEST(DataOfARun, ArePartOfItsIdentityWhereverTheyLie) {
  const output::TemporaryFolder folder;
  std::string ratings;
  for (int user = 1; user <= 20; ++user) {
    for (int item = 1; item <= 10; ++item) ratings += fmt::format("{} {} {}\n", user, item, user % 5 + 1);
  }
  output::put(folder.path() / "here", ratings);
  output::put(folder.path() / "there", ratings);
  const auto identity = [&](const char* name) {
    return identity_with("matrix_factorisation", "ratings", folder.path() / name);
  };
  const std::string here = identity("here");
  EXPECT_EQ(identity("there"), here);
  ratings.back() = ' ';
  output::put(folder.path() / "there", ratings + "\n1 11 3\n");
  EXPECT_THAT(first_difference(here, identity("there")).value_or(""),
              testing::MatchesRegex("workload.data.contents is '[0-9a-f]+' here and '[0-9a-f]+' there"));
  EXPECT_THAT(first_difference(here, identity("nowhere")).value_or(""),
              testing::MatchesRegex("workload.data.contents is '[0-9a-f]+' here and 'generated' there"));
}

TEST(DataOfARun, CountForImagesDocumentsAndSamplesToo) {
  if (!real_data("")) GTEST_SKIP() << kNoRealData;
  for (const auto& [kind, format, name] :
       {std::tuple{"softmax", "idx", "fashion-mnist"}, std::tuple{"topics", "bag_of_words", "kos"},
        std::tuple{"sparse_logistic", "libsvm", "a9a"}}) {
    const std::string read = identity_with(kind, format, *real_data(name));
    EXPECT_EQ(identity_with(kind, format, *real_data(name)), read);
    EXPECT_THAT(first_difference(read, identity_with(kind, format, "nowhere")).value_or(""),
                testing::MatchesRegex("workload.data.contents is '[0-9a-f]+' here and 'generated' there"))
        << kind;
  }
}

std::vector<std::string> all_kinds() {
  std::vector<std::string> names;
  for (const std::string_view name : workload_kind_names()) names.emplace_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKind, testing::ValuesIn(all_kinds()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace meridian
