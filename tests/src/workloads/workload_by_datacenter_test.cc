// Goal: where each datacenter has its own data, a process needs no others' to train as all of them together
// would, whatever the kind; what data must share is held equal, by the name under which processes compare it.
// Reached by small files of two datacenters: workloads made from both are compared, update by update, with
// those made where the other one's files do not exist.
#include "src/workloads/workload_by_datacenter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/config/config_reader.h"
#include "src/config/expansion.h"
#include "src/config/run_identity.h"
#include "src/program/deployment.h"
#include "src/program/workload_parts.h"
#include "src/workloads/make_workloads.h"
#include "tests/src/model/tables_of_workload.h"
#include "tests/src/output/temporary_folder.h"
#include "tests/src/workloads/small_data.h"

namespace meridian {
namespace {

using small_data::put_documents;
using small_data::put_images;
using small_data::put_ratings;
using small_data::put_samples;
using testing::AllOf;
using testing::HasSubstr;

namespace fs = std::filesystem;

/// A kind, its keys, how the data of a datacenter are written, and how data that do not go with them.
struct Kind {
  std::string model;
  std::string data;
  std::function<void(const fs::path& folder, std::uint64_t seed)> put;
  std::function<void(const fs::path& folder)> put_others;
  std::string difference;  ///< as processes are told it
};

const std::map<std::string, Kind>& kinds() {
  static const std::map<std::string, Kind> all{
      {"images",
       {"softmax", "format: idx, mean: 0.5, deviation: 0.3",
        [](const fs::path& folder, std::uint64_t seed) { put_images(folder, seed, 6); },
        [](const fs::path& folder) { put_images(folder, 1, 5); },
        "'images of 6 x 6' here and 'images of 5 x 5' there"}},
      {"ratings",
       {"{kind: matrix_factorisation, rank: 3, mean: 3}", "format: ratings, items: 15",
        [](const fs::path& folder, std::uint64_t seed) { put_ratings(folder, seed, 15); }, nullptr, ""}},
      {"documents",
       {"{kind: topics, topics: 3}", "format: bag_of_words",
        [](const fs::path& folder, std::uint64_t seed) { put_documents(folder, seed, "z"); },
        [](const fs::path& folder) { put_documents(folder, 1, "y"); }, "'a vocabulary of 12 words, "}},
      {"samples",
       {"sparse_logistic", "format: libsvm, features: 30",
        [](const fs::path& folder, std::uint64_t seed) { put_samples(folder, seed, "-1"); },
        [](const fs::path& folder) { put_samples(folder, 1, "0"); },
        "'labels -1, 1' here and 'labels 0, 1' there"}},
  };
  return all;
}

/// The data of datacenter a in `a`, those of b in `b`.
Config config_of(const std::string& kind, const fs::path& a, const fs::path& b, int batch = 8) {
  const Kind& with = kinds().at(kind);
  const std::string yaml = "name: own\nworkload:\n  model: " + with.model + "\n  data: {" + with.data +
                           ", paths: {a: " + a.string() + ", b: " + b.string() + "}}\n" +
                           (kind == "documents" ? "" : "  optimizer: {learning_rate: 0.1}\n") +
                           "  batch: " + std::to_string(batch) +
                           "\n  stop: {clocks: 60}\ndatacenters: [{name: a, workers: 2}, {name: b}]\n" +
                           "wan: {links: lan}\n";
  const Result<Config> config = read_config_text(yaml, "/own.yaml", {}, process_environment);
  EXPECT_TRUE(config.ok()) << config.error().message;
  return config.value();
}

std::unique_ptr<program::Deployment> deployment_of(const Config& config, std::optional<std::size_t> own) {
  auto deployment = program::Deployment::create(config, own);
  EXPECT_TRUE(deployment.ok()) << deployment.error().message;
  return std::move(deployment).value();
}

std::string error_of(const Config& config, std::optional<std::size_t> own) {
  const auto deployment = program::Deployment::create(config, own);
  return deployment.ok() ? "made" : deployment.error().message;
}

/// What a worker does on its own for some clocks, and what it measures then: all numbers of it.
std::vector<double> doings(const Workload& workload, WorkerPlace place) {
  const std::vector<TableSpec>& specs = workload.tables();
  const TablesOfWorkload parameters = TablesOfWorkload::initial(workload);
  const std::unique_ptr<Learner> learner = workload.make_learner(place);
  std::vector<double> all;
  for (Clock clock = 1; clock <= 12; ++clock) {
    std::vector<std::vector<std::uint32_t>> rows(specs.size());
    std::vector<std::vector<float>> read(specs.size());
    std::vector<std::vector<float>> update(specs.size());
    std::vector<std::span<const float>> read_spans;
    std::vector<std::span<float>> update_spans;
    for (std::size_t t = 0; t < specs.size(); ++t) {
      if (specs[t].by_row) {
        learner->list_rows(clock, t, rows[t]);
      } else {
        for (std::uint32_t row = 0; row < specs[t].rows; ++row) rows[t].push_back(row);
      }
      for (const std::uint32_t row : rows[t]) {
        const auto values = parameters[t].subspan(row * specs[t].columns, specs[t].columns);
        read[t].insert(read[t].end(), values.begin(), values.end());
      }
      update[t].resize(read[t].size());
      read_spans.emplace_back(read[t]);
      update_spans.emplace_back(update[t]);
    }
    all.push_back(learner->compute_update(clock, read_spans, update_spans).loss_sum);
    for (std::size_t t = 0; t < specs.size(); ++t) {
      const float rate = specs[t].rule == UpdateRule::increment ? 1.0F : -0.01F;
      for (std::size_t i = 0; i < update[t].size(); ++i) {
        parameters[t][rows[t][i / specs[t].columns] * specs[t].columns + i % specs[t].columns] +=
            rate * update[t][i];
      }
      all.insert(all.end(), update[t].begin(), update[t].end());
    }
  }
  const EvaluationSums sums = learner->evaluate(parameters.view());
  all.insert(all.end(), {sums.metric_sum, sums.loss_sum, static_cast<double>(sums.samples)});
  all.insert(all.end(), sums.more.begin(), sums.more.end());
  return all;
}

class OwnData : public testing::TestWithParam<std::string> {
 protected:
  const Kind& kind() const { return kinds().at(GetParam()); }
  const fs::path& folder() const { return folder_.path(); }
  fs::path nowhere() const { return folder() / "nowhere"; }

  output::TemporaryFolder folder_;
};

TEST_P(OwnData, MakeEachWorkerWhatItIsWhereAllDataAre) {
  kind().put(folder() / "a", 1);
  kind().put(folder() / "b", 2);
  const auto all = deployment_of(config_of(GetParam(), folder() / "a", folder() / "b"), std::nullopt);
  const auto a = deployment_of(config_of(GetParam(), folder() / "a", nowhere()), 0);
  const auto b = deployment_of(config_of(GetParam(), nowhere(), folder() / "b"), 1);
  EXPECT_EQ(a->identity_text(), all->identity_text());
  EXPECT_EQ(b->identity_text(), all->identity_text());
  std::vector<std::vector<double>> done;
  for (const auto& [own, place] : {std::pair{&a, WorkerPlace{0, 0}}, std::pair{&a, WorkerPlace{0, 1}},
                                   std::pair{&b, WorkerPlace{1, 0}}}) {
    const Workload& workload = (*own)->workload();
    EXPECT_EQ(workload.tables(), all->workload().tables());
    done.push_back(doings(workload, place));
    EXPECT_EQ(done.back(), doings(all->workload(), place)) << place.datacenter << ", " << place.worker;
    EXPECT_EQ(workload.training_bytes(place), all->workload().training_bytes(place));
  }
  EXPECT_NE(done[0], done[1]);
  EXPECT_NE(done[0], done[2]);
  EXPECT_EQ(all->data_note(), a->data_note() + "; " + b->data_note());
  EXPECT_EQ(a->workload().training_bytes({1, 0}), std::nullopt);
  EXPECT_EQ(a->workload().samples_per_clock({1, 0}), 8U);
}

TEST_P(OwnData, AreMissedOnlyWhereTheyAre) {
  kind().put(folder() / "a", 1);
  const Config config = config_of(GetParam(), folder() / "a", nowhere());
  EXPECT_EQ(error_of(config, 0), "made");
  EXPECT_THAT(error_of(config, 1), HasSubstr("nowhere"));
  EXPECT_THAT(error_of(config, std::nullopt), HasSubstr("nowhere"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, OwnData, testing::Values("images", "ratings", "documents", "samples"),
                         [](const auto& each) { return each.param; });

TEST(OwnDataOfOtherShape, AreToldApart) {
  for (const auto& [name, kind] : kinds()) {
    if (!kind.put_others) continue;  // all that its data must share stands in the configuration
    const output::TemporaryFolder folder;
    kind.put(folder.path() / "a", 1);
    kind.put_others(folder.path() / "b");
    const Config config = config_of(name, folder.path() / "a", folder.path() / "b");
    const auto difference = first_difference(deployment_of(config, 0)->identity_text(),
                                             deployment_of(config, 1)->identity_text());
    EXPECT_THAT(difference.value_or(""),
                AllOf(HasSubstr("workload.data.contents is"), HasSubstr(kind.difference)));
    EXPECT_THAT(error_of(config, std::nullopt),
                AllOf(HasSubstr("workload.data.paths: the data of a have "), HasSubstr("those of b have ")));
  }
}

TEST(OwnDataByOtherKeys, AreToldApartByTheKey) {
  const output::TemporaryFolder folder;
  put_ratings(folder.path() / "a", 1, 15);
  const auto identity = [&](std::size_t items, std::size_t rank) {
    Config config = config_of("ratings", folder.path() / "a", folder.path() / "a");
    config.workload.data.shared["items"] = static_cast<double>(items);
    config.workload.model.numbers["rank"] = static_cast<double>(rank);
    return deployment_of(config, 0)->identity_text();
  };
  EXPECT_EQ(first_difference(identity(15, 3), identity(16, 3)),
            "workload.data.items is '15' here and '16' there");
  EXPECT_EQ(first_difference(identity(15, 3), identity(15, 4)),
            "workload.model.rank is '3' here and '4' there");
}

TEST(OwnDocuments, MustSufficeForABatch) {
  const output::TemporaryFolder folder;
  put_documents(folder.path() / "a", 1, "z");
  const Config config = config_of("documents", folder.path() / "a", folder.path() / "b", 19);
  EXPECT_EQ(
      error_of(config, 0),
      "workload.batch is 19, and worker 0 of a has 18 samples a clock; expected a batch of at most that: "
      "with workload.data.paths the others reckon with a whole one");
}

TEST(OwnDocuments, TellTheirWordsWhicheverAreHere) {
  const output::TemporaryFolder folder;
  put_documents(folder.path() / "b", 1, "z");
  const auto words_with = [&](const char* b) {
    return vocabulary_of(
        program::workload_options(config_of("documents", folder.path() / "a", folder.path() / b)));
  };
  ASSERT_TRUE(words_with("b").ok());
  EXPECT_EQ(words_with("b").value().size(), 12U);
  EXPECT_EQ(words_with("b").value().back(), "z");
  EXPECT_FALSE(words_with("nowhere").ok());
}

TEST(OwnSamples, AreRefusedAtAnIdThatIsTooLarge) {
  const output::TemporaryFolder folder;
  put_samples(folder.path() / "a", 1, "-1");
  Config config = config_of("samples", folder.path() / "a", folder.path() / "b");
  config.workload.data.shared["features"] = 20;
  EXPECT_THAT(error_of(config, 0),
              testing::MatchesRegex(
                  ".*/a/a:[0-9]+: feature 2[0-9]; expected 1 to 20, as workload.data.features says"));
}

TEST(OwnRatings, MustBeOfTheItemsThatThereAre) {
  const output::TemporaryFolder folder;
  put_ratings(folder.path() / "a", 1, 40);
  const Config config = config_of("ratings", folder.path() / "a", folder.path() / "b");
  EXPECT_THAT(
      error_of(config, 0),
      testing::MatchesRegex(".*/a/u.data:[0-9]+: item 1[67]; expected 1 to 15, as workload.data.items "
                            "says"));
}

}  // namespace
}  // namespace meridian
