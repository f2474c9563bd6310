// Goal: each kind of workload takes its own keys and formats and no others; data are divided as the file
// says; and a resolved configuration of any kind reads back as the same. Reached by small texts, right and
// wrong ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "src/config/resolved_yaml.h"
#include "src/config/run_identity.h"
#include "tests/src/config/sample_config.h"

namespace meridian {
namespace {

using sample::config_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr const char* kOptimizer = "  optimizer: {learning_rate: 0.1}\n";

/// Without an optimizer where none is used.
std::string text_of(const std::string& model, const std::string& data) {
  const bool counts = model.find("topics") != std::string::npos;
  return "name: kinds\nworkload:\n  model: " + model + "\n  data: " + data + "\n" +
         (counts ? "" : kOptimizer) +
         "  stop: {clocks: 9}\ndatacenters:\n  - {name: east, workers: 2}\n  - {name: west}\n"
         "wan: {links: lan}\n";
}

std::string problems_of(const std::string& model, const std::string& data) {
  return sample::problems_of(text_of(model, data));
}

TEST(WorkloadKinds, FillInWhatTheFileDoesNotSay) {
  const WorkloadConfig workload = config_of(text_of("{kind: matrix_factorisation, rank: 5, biases: false}",
                                                    "{format: generated, generated: {users: 7}}"))
                                      .workload;
  EXPECT_THAT(workload.model.numbers, ElementsAre(Pair("biases", 0), Pair("initial_scale", 0.1),
                                                  Pair("l2", 0.05), Pair("mean", 0), Pair("rank", 5)));
  EXPECT_EQ(workload.data.held_out, 0.1);
  EXPECT_EQ(workload.data.generated.at("users"), 7);
  EXPECT_EQ(workload.data.generated.at("items"), 1000);
  EXPECT_THAT(config_of(text_of("sparse_logistic", "{format: generated}")).workload.model.words,
              ElementsAre(Pair("objective", "accuracy")));
}

TEST(WorkloadKinds, RefuseWhatIsNotTheirs) {
  EXPECT_THAT(
      problems_of("{kind: topics, rank: 5}", "{format: generated}"),
      HasSubstr(
          "dir/test.yaml:3:25: unknown key 'workload.model.rank'; expected kind, hidden, layers, topics, "
          "alpha, beta or proposals"));
  EXPECT_THAT(problems_of("{kind: topics, topics: 0}", "{format: generated}"),
              HasSubstr("workload.model.topics is '0'; expected a whole number from 1 to 65535"));
  EXPECT_THAT(problems_of("{kind: topics, hidden: [5]}", "{format: generated}"),
              HasSubstr("workload.model.hidden with a topics model"));
  EXPECT_THAT(problems_of("topics", "{format: libsvm, path: x}"),
              HasSubstr("workload.data.format is 'libsvm'; expected bag_of_words or generated"));
  EXPECT_THAT(problems_of("topics", "{format: generated, held_out_path: x}"),
              HasSubstr("unknown key 'workload.data.held_out_path'"));
  EXPECT_THAT(problems_of("topics", "{format: generated, generated: {users: 5}}"),
              HasSubstr("unknown key 'workload.data.generated.users'"));
  EXPECT_THAT(problems_of("softmax", "{format: generated, generated: {users: 5}}"),
              HasSubstr("unknown key 'workload.data.generated'"));
  EXPECT_THAT(problems_of("{kind: sparse_logistic, objective: rmse}", "{format: generated}"),
              HasSubstr("workload.model.objective is 'rmse'; expected accuracy, auc or loss"));
  EXPECT_THAT(sample::problems_of(text_of("topics", "{format: generated}"), {"workload.stop.target=0.5"}),
              HasSubstr("workload.stop.target is '0.5'; expected a number from -1000 to 0"));
}

TEST(WorkloadKinds, RefuseKeysOfFilesForGeneratedData) {
  EXPECT_EQ(
      problems_of("softmax", "{format: generated, path: x}"),
      "dir/test.yaml:4:35: workload.data.path is given, which format: generated does not use; expected no "
      "such key, or format: idx");
  for (const auto& [model, key] :
       {std::pair{"softmax", "paths: {east: a, west: b}"}, std::pair{"softmax", "if_missing: generated"},
        std::pair{"topics", "vocabulary: x"}, std::pair{"sparse_logistic", "held_out_path: x"}}) {
    EXPECT_THAT(problems_of(model, std::string("{format: generated, ") + key + "}"),
                HasSubstr("is given, which format: generated does not use"))
        << key;
  }
}

TEST(WorkloadKinds, RefuseKeysOfGeneratedDataWhereNoneIsGenerated) {
  EXPECT_EQ(
      problems_of("softmax", "{format: idx, path: x, generated_train: 100}"),
      "dir/test.yaml:4:49: workload.data.generated_train is given, which format: idx does not use; expected "
      "no such key, or if_missing: generated");
  EXPECT_THAT(problems_of("softmax", "{format: idx, path: x, generated_test: 100, if_missing: error}"),
              HasSubstr("workload.data.generated_test is given, which"));
  EXPECT_THAT(problems_of("topics", "{format: bag_of_words, path: x, generated: {words: 50}}"),
              HasSubstr("workload.data.generated is given, which format: bag_of_words does not use"));
  EXPECT_EQ(
      config_of(text_of("softmax", "{format: idx, path: x, generated_train: 100, if_missing: generated}"))
          .workload.data.generated_train,
      100U);
}

TEST(WorkloadKinds, RefuseAnOptimizerWhereNoneIsUsed) {
  const std::string counts = text_of("topics", "{format: generated}");
  EXPECT_EQ(
      sample::problems_of(sample::with("  stop:", std::string(kOptimizer) + "  stop:", counts)),
      "dir/test.yaml:5:14: workload.optimizer is given, which kind: topics does not use; expected no such "
      "key, or kind: softmax, mlp, cnn, matrix_factorisation or sparse_logistic");
  EXPECT_THAT(
      sample::problems_of(counts, {"workload.optimizer.learning_rate=1"}),
      HasSubstr("--set workload.optimizer.learning_rate=1: workload.optimizer is given, which kind: topics"));
  EXPECT_THAT(resolved_yaml(config_of(counts)), testing::Not(HasSubstr("optimizer:")));
  EXPECT_THAT(identity_text(config_of(counts)), testing::Not(HasSubstr("workload.optimizer")));
}

TEST(WorkloadKinds, RefuseAThresholdThatFollowsALearningRateWhereThereIsNone) {
  const std::vector<std::string> follows{"wan.parameters.schedule=learning_rate"};
  const std::string counts = text_of("topics", "{format: generated}");
  EXPECT_EQ(
      sample::problems_of(counts, follows),
      "--set wan.parameters.schedule=learning_rate: wan.parameters.schedule is 'learning_rate', and kind: "
      "topics has no learning rate; expected inverse_sqrt, constant or linear, or kind: softmax, mlp, "
      "cnn, matrix_factorisation or sparse_logistic");
  EXPECT_EQ(config_of(text_of("softmax", "{format: generated}"), follows).wan.parameters.schedule,
            "learning_rate");
  EXPECT_EQ(config_of(counts, {"wan.parameters.schedule=constant"}).wan.parameters.schedule, "constant");
}

// One --set switches a file from one kind of data or model to another: what the file has for the other one
// may stay, and counts for nothing.
TEST(WorkloadKinds, KeepKeysThatASwitchLeavesWithoutUse) {
  const std::string real =
      text_of("softmax", "{format: idx, path: x, if_missing: generated, generated_train: 99}");
  const Config generated = config_of(real, {"workload.data.format=generated"});
  EXPECT_EQ(generated.workload.data.path, "");
  EXPECT_EQ(generated.workload.data.generated_train, 99U);
  EXPECT_EQ(run_id(generated),
            run_id(config_of(text_of("softmax", "{format: generated, generated_train: 99}"))));
  const Config strict = config_of(real, {"workload.data.if_missing=error"});
  EXPECT_EQ(run_id(strict), run_id(config_of(text_of("softmax", "{format: idx, path: x}"))));
  const Config counts = config_of(text_of("softmax", "{format: generated}"), {"workload.model=topics"});
  EXPECT_EQ(run_id(counts), run_id(config_of(text_of("topics", "{format: generated}"))));
  for (const Config& config : {generated, strict, counts}) {
    EXPECT_EQ(run_id(config_of(resolved_yaml(config))), run_id(config));
  }
  // What a later --set says is meant.
  EXPECT_THAT(sample::problems_of(real, {"workload.data.format=generated", "workload.data.path=y"}),
              HasSubstr("--set workload.data.path=y: workload.data.path is given, which format: generated"));
  EXPECT_THAT(sample::problems_of(real, {"workload.data.format=generated", "workload.data.paths.east=y"}),
              HasSubstr("--set workload.data.paths.east=y: workload.data.paths is given"));
}

TEST(Partitions, SayHowDataAreDivided) {
  const auto partition_of = [](const std::string& partition) {
    return config_of(text_of("softmax", "{format: generated, partition: " + partition + "}"))
        .workload.data.partition;
  };
  EXPECT_EQ(partition_of("round_robin").workers, "round_robin");
  const PartitionConfig skewed = partition_of(
      "{workers: overlap, overlap: 0.25, datacenters: label_skew, label_skew: 0.8, sizes: {east: 3, west: "
      "1}}");
  EXPECT_EQ(skewed.workers, "overlap");
  EXPECT_EQ(skewed.overlap, 0.25);
  EXPECT_EQ(skewed.datacenters, "label_skew");
  EXPECT_EQ(skewed.label_skew, 0.8);
  EXPECT_THAT(skewed.sizes, ElementsAre(Pair("east", 3), Pair("west", 1)));
  EXPECT_EQ(partition_of("{datacenters: dirichlet, concentration: 0.3}").concentration, 0.3);
}

TEST(Partitions, RefuseWhatHasNoUseOrNoPlace) {
  const auto refused = [](const std::string& data) {
    return problems_of("softmax", "{format: idx, " + data + "}");
  };
  EXPECT_THAT(refused("partition: {label_skew: 0.5}"),
              HasSubstr("workload.data.partition.label_skew is given, which by_sizes does not use"));
  EXPECT_THAT(refused("partition: {overlap: 0.5}"),
              HasSubstr("partition.overlap is given, which random does not use"));
  EXPECT_THAT(refused("partition: {sizes: {east: 1}}"),
              HasSubstr("workload.data.partition.sizes.west is missing"));
  EXPECT_THAT(refused("partition: {sizes: {east: 1, west: 2, north: 3}}"), HasSubstr("'north'"));
  EXPECT_THAT(refused("paths: {east: a}"), HasSubstr("workload.data.paths.west is missing"));
  EXPECT_THAT(refused("paths: {east: a, west: b}, path: c"), HasSubstr("are both given"));
  EXPECT_THAT(refused("paths: {east: a, west: b}, partition: {datacenters: dirichlet}"),
              HasSubstr("one of the two"));
}

TEST(DataOfTheirOwn, NeedTheKeysThatOneDatacentersDataDoNotSay) {
  const std::string paths = "paths: {east: a, west: b}";
  EXPECT_EQ(
      problems_of("matrix_factorisation", "{format: ratings, " + paths + "}"),
      "dir/test.yaml:4:34: workload.data.paths is given and workload.data.items is missing, which no "
      "process can find out from its own datacenter's data; expected a whole number from 1 to 100000000");
  EXPECT_THAT(problems_of("sparse_logistic", "{format: libsvm, " + paths + "}"),
              HasSubstr("workload.data.features is missing"));
  EXPECT_THAT(problems_of("softmax", "{format: idx, mean: 0.3, " + paths + "}"),
              HasSubstr("workload.data.deviation is missing, which no process can find out from its own "
                        "datacenter's data; expected a number from 0.001 to 1"));
  const WorkloadConfig images =
      config_of(text_of("softmax", "{format: idx, mean: 0.286, deviation: 0.353, " + paths + "}")).workload;
  EXPECT_THAT(images.data.shared, ElementsAre(Pair("deviation", 0.353), Pair("mean", 0.286)));
  // A vocabulary lies beside each datacenter's documents.
  EXPECT_TRUE(
      config_of(text_of("topics", "{format: bag_of_words, " + paths + "}")).workload.data.shared.empty());
}

TEST(DataOfTheirOwn, AreNotGeneratedWhereTheyAreMissing) {
  EXPECT_THAT(
      problems_of("sparse_logistic",
                  "{format: libsvm, features: 9, paths: {east: a, west: b}, if_missing: generated}"),
      HasSubstr("workload.data.if_missing is generated, and workload.data.paths gives each datacenter "
                "its own data"));
}

TEST(SharedKeys, GoWithOnePathTooButOnlyWithTheirKindAndTogether) {
  EXPECT_EQ(config_of(text_of("matrix_factorisation", "{format: ratings, path: x, items: 40}"))
                .workload.data.shared.at("items"),
            40);
  EXPECT_THAT(problems_of("matrix_factorisation", "{format: ratings, path: x, items: 0}"),
              HasSubstr("workload.data.items is '0'; expected a whole number from 1 to 100000000"));
  EXPECT_THAT(problems_of("softmax", "{format: idx, path: x, deviation: 0.3}"),
              HasSubstr("workload.data.mean is missing"));
  EXPECT_THAT(problems_of("sparse_logistic", "{format: libsvm, path: x, items: 5}"),
              HasSubstr("unknown key 'workload.data.items'"));
  EXPECT_THAT(problems_of("matrix_factorisation", "{format: generated, items: 5}"),
              HasSubstr("workload.data.items is given, which format: generated does not use"));
  const auto identity = [](const std::string& items) {
    return identity_text(
        config_of(text_of("matrix_factorisation", "{format: ratings, path: x" + items + "}")));
  };
  EXPECT_EQ(first_difference(identity(", items: 5"), identity(", items: 6")),
            "workload.data.items is '5' here and '6' there");
  EXPECT_EQ(first_difference(identity(", items: 5"), identity("")),
            "workload.data.items is '5' here and not given there");
}

TEST(ResolvedYaml, ReadsBackForEveryKind) {
  for (const auto& [model, data] : {
           std::pair{"softmax", "{format: generated, partition: {workers: overlap, overlap: 0.5}}"},
           std::pair{"{kind: matrix_factorisation, biases: false}",
                     "{format: ratings, items: 7, paths: {east: a, west: \"b*.csv\"}}"},
           std::pair{"softmax", "{format: idx, path: a, mean: 0.1307, deviation: 0.3081}"},
           std::pair{"{kind: topics, alpha: 0.5}",
                     "{format: bag_of_words, path: kos, vocabulary: v.txt, held_out: 0.2}"},
           std::pair{"{kind: sparse_logistic, objective: auc}",
                     "{format: libsvm, path: a9a, held_out_path: t, partition: {datacenters: dirichlet, "
                     "concentration: 2}}"},
       }) {
    const Config config = config_of(text_of(model, data));
    const Result<Config> again =
        read_config_text(resolved_yaml(config), config.file, {}, sample::no_variables);
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(again.value(), config) << model;
    EXPECT_EQ(identity_text(again.value()), identity_text(config));
  }
}

}  // namespace
}  // namespace meridian
