// Goal: every kind of workload can be made from a configuration that names nothing but itself, on generated
// data, and trains in a simulation: its objective becomes better. Reached by one small deployment for each
// kind.
#include "src/workloads/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "src/config/config_reader.h"
#include "src/config/expansion.h"
#include "src/program/deployment.h"
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
        "{format: generated, generated: {documents: 60, words: 100, topics: 5, mean_length: 40}}", sgd}},
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
                           "\n  optimizer: " + with.optimizer +
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

std::vector<std::string> all_kinds() {
  std::vector<std::string> names;
  for (const std::string_view name : workload_kind_names()) names.emplace_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKind, testing::ValuesIn(all_kinds()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace meridian
