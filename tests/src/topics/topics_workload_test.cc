// Goal: the workload keeps its promises to whoever drives it: counts are conserved whatever the number of
// workers, held-out likelihood rises to what the documents allow, a restored learner goes on bit for bit, and
// no state or option can break it. How: workers in lock step over documents drawn from the bars of Griffiths
// & Steyvers (PNAS 101, 2004): ten topics, the rows and columns of a square of 25 words.
#include "src/topics/topics_workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "src/base/random.h"
#include "src/topics/top_words.h"
#include "tests/src/topics/lock_step.h"
#include "tests/src/topics/small_corpus.h"

namespace meridian {
namespace {

using testing::HasSubstr;

constexpr std::size_t kSide = 5;
constexpr std::size_t kBars = 2 * kSide;
constexpr std::size_t kTokensPerDocument = 60;

std::uint32_t word_of_bar(std::size_t bar, std::size_t position) {
  return static_cast<std::uint32_t>(bar < kSide ? bar * kSide + position : position * kSide + (bar - kSide));
}

/// Each document has two bars, in equal parts.
BagOfWords bars(std::size_t documents) {
  Random random(11);
  std::vector<std::vector<std::uint32_t>> texts(documents);
  for (auto& text : texts) {
    const std::size_t first = random.below(kBars);
    const std::size_t second = random.below(kBars);
    for (std::size_t i = 0; i < kTokensPerDocument; ++i) {
      text.push_back(word_of_bar(random.below(2) == 0 ? first : second, random.below(kSide)));
    }
  }
  return corpus_of(kSide * kSide, texts);
}

TopicsOptions options_for(std::vector<std::size_t> workers) {
  TopicsOptions options;
  options.topics = kBars;
  options.workers = std::move(workers);
  options.batch = 20;
  return options;
}

std::unique_ptr<Workload> make(const TopicsOptions& options, BagOfWords documents) {
  return make_topics_workload(options, std::move(documents)).value();
}

double sum_of(const std::vector<float>& counts) { return std::accumulate(counts.begin(), counts.end(), 0.0); }

std::string state_of(const Learner& learner) {
  std::ostringstream out;
  learner.save_state(out);
  return out.str();
}

Failure restore(Learner& learner, const std::string& state) {
  std::istringstream in(state);
  return learner.restore_state(in);
}

TEST(TopicsWorkload, NamesItsTables) {
  const auto workload = make(options_for({1}), bars(40));
  ASSERT_EQ(workload->tables().size(), 2U);
  EXPECT_EQ(workload->tables()[0], (TableSpec{"word_topic", 25, 10, true, UpdateRule::increment}));
  EXPECT_EQ(workload->tables()[1], (TableSpec{"topic", 1, 10, false, UpdateRule::increment}));
  EXPECT_EQ(workload->note(), "36 training and 4 held-out documents, 25 words, 2400 tokens");
}

TEST(TopicsWorkload, ABatchIsAtMostWhatTheWorkerHas) {
  const auto workload = make(options_for({2, 1}), bars(40));
  EXPECT_EQ(workload->samples_per_clock({0, 1}), 12U);
}

TEST(TopicsWorkload, ItsDataAreTheEntriesOfTheDocumentsThatItTrainsOn) {
  TopicsOptions options = options_for({2, 1});
  options.held_out = 0.0;
  const auto workload = make(options, bars(40));
  EXPECT_EQ(*workload->training_bytes({0, 0}) + *workload->training_bytes({0, 1}) +
                *workload->training_bytes({1, 0}),
            bars(40).entries() * 12);
  options.held_out = 0.5;
  EXPECT_LT(*make(options, bars(40))->training_bytes({0, 0}), *workload->training_bytes({0, 0}));
}

class InLockStep : public testing::TestWithParam<std::vector<std::size_t>> {};

TEST_P(InLockStep, CountsAreConserved) {
  const auto workload = make(options_for(GetParam()), bars(200));
  LockStep run(*workload, GetParam());
  for (int clock = 0; clock < 30; ++clock) {
    run.clock();
    const double tokens = run.evaluate().more.at(3);  // of all workers' visited documents
    EXPECT_EQ(sum_of(run.table(0)), tokens);
    std::vector<float> totals(kBars);
    for (std::size_t i = 0; i < run.table(0).size(); ++i) totals[i % kBars] += run.table(0)[i];
    EXPECT_EQ(totals, run.table(1));
    EXPECT_GE(*std::min_element(run.table(0).begin(), run.table(0).end()), 0.0F);
  }
  EXPECT_EQ(sum_of(run.table(0)), 180.0 * kTokensPerDocument);
}

TEST_P(InLockStep, TopicsAreRecovered) {
  TopicsOptions options = options_for(GetParam());
  options.beta = 0.1;
  const auto workload = make(options, bars(400));
  LockStep run(*workload, GetParam());
  const double first_loss = run.clock();
  const double first = run.objective();
  double loss = 0.0;
  for (int clock = 0; clock < 400; ++clock) loss = run.clock();
  EXPECT_LT(loss, first_loss);
  // A token of a document of two bars has the probability 1/10 when its topics are known; no topics, 1/25.
  EXPECT_GT(run.objective(), std::log(1.0 / 13.0));
  EXPECT_GT(run.objective(), first + 0.1);
  std::set<std::set<std::uint32_t>> found;
  for (std::size_t k = 0; k < kBars; ++k) {
    const std::vector<std::uint32_t> words = top_words(run.table(0), kBars, k, kSide);
    found.emplace(words.begin(), words.end());
  }
  std::size_t recovered = 0;
  for (std::size_t bar = 0; bar < kBars; ++bar) {
    std::set<std::uint32_t> words;
    for (std::size_t i = 0; i < kSide; ++i) words.insert(word_of_bar(bar, i));
    recovered += found.count(words);
  }
  // Any sampler may keep two bars in one topic for long, and a third one in two; the exact one does too.
  EXPECT_GE(recovered, kBars - 3);
}

INSTANTIATE_TEST_SUITE_P(Workers, InLockStep,
                         testing::Values(std::vector<std::size_t>{1}, std::vector<std::size_t>{2},
                                         std::vector<std::size_t>{2, 1}),
                         [](const auto& param) {
                           return std::to_string(param.param.size()) + "DatacentersFrom" +
                                  std::to_string(param.param[0]);
                         });

TEST(TopicsWorkload, SameSeedSameCounts) {
  const auto counts = [](std::uint64_t seed) {
    TopicsOptions options = options_for({2});
    options.seed = seed;
    const auto workload = make(options, bars(60));
    LockStep run(*workload, {2});
    for (int clock = 0; clock < 10; ++clock) run.clock();
    return run.tables();
  };
  EXPECT_EQ(counts(4), counts(4));
  EXPECT_NE(counts(4), counts(5));
}

TEST(TopicsWorkload, EvaluatesEqualHeldOutDocumentsWhateverTheSeedAndTheWorkers) {
  TopicsOptions options = options_for({1});
  const auto one = make(options, bars(100));
  LockStep run(*one, {1});
  for (int clock = 0; clock < 10; ++clock) run.clock();
  options.workers = {3};
  options.seed = 99;
  const auto three = make(options, bars(100));
  EvaluationSums sums;
  for (std::size_t worker = 0; worker < 3; ++worker) {
    sums += three->make_learner({0, worker})->evaluate(run.view());
  }
  const EvaluationSums alone = run.evaluate();
  EXPECT_EQ(alone, run.evaluate());
  EXPECT_EQ(sums.samples, alone.samples);
  EXPECT_EQ(alone.samples, 10 * kTokensPerDocument / 2);
  EXPECT_NEAR(sums.metric_sum, alone.metric_sum, 1e-9 * std::abs(alone.metric_sum));
  EXPECT_NEAR(sums.more[0], alone.more[0], 1e-9 * std::abs(alone.more[0]));
  EXPECT_EQ(sums.more[1], alone.more[1]);
  EXPECT_EQ(sums.more[3], 0.0);  // nothing of its own was visited
}

TEST(TopicsWorkload, FiguresFollowFromTheObjective) {
  const auto workload = make(options_for({1}), bars(100));
  LockStep run(*workload, {1});
  run.clock();
  const EvaluationSums sums = run.evaluate();
  const std::vector<NamedFigure> figures = workload->figures(sums);
  ASSERT_EQ(figures.size(), 2U);
  EXPECT_EQ(figures[0].name, "perplexity");
  EXPECT_DOUBLE_EQ(figures[0].value, std::exp(-workload->objective(sums)));
  EXPECT_EQ(figures[1].name, "train_log_likelihood_per_token");
  EXPECT_LT(figures[1].value, workload->objective(sums));
}

TEST(TopicsState, GoesOnBitForBit) {
  const auto workload = make(options_for({2}), bars(100));
  for (const int clocks : {1, 9}) {  // in the first epoch and after it
    LockStep run(*workload, {2});
    for (int clock = 0; clock < clocks; ++clock) run.clock();
    LockStep restored(*workload, {2});
    for (std::size_t worker = 0; worker < 2; ++worker) {
      const Failure failure = restore(restored.learner(worker), state_of(run.learner(worker)));
      ASSERT_FALSE(failure) << failure->message;
      EXPECT_EQ(state_of(restored.learner(worker)), state_of(run.learner(worker)));
    }
    restored.continue_from(run);
    for (int clock = 0; clock < 10; ++clock) EXPECT_EQ(restored.clock(), run.clock());
    EXPECT_EQ(restored.tables(), run.tables());
    EXPECT_EQ(restored.evaluate(), run.evaluate());
  }
}

TEST(TopicsState, LeavesWhatFollowsIt) {
  const auto workload = make(options_for({1}), bars(20));
  const auto learner = workload->make_learner({0, 0});
  std::istringstream in(state_of(*learner) + "more");
  ASSERT_FALSE(learner->restore_state(in));
  std::string rest;
  in >> rest;
  EXPECT_EQ(rest, "more");
}

TEST(TopicsState, RefusesEveryDamage) {
  const auto workload = make(options_for({1}), bars(20));
  LockStep run(*workload, {1});
  run.clock();
  const std::string state = state_of(run.learner(0));
  const auto learner = workload->make_learner({0, 0});
  const std::string before = state_of(*learner);
  for (std::size_t at = 0; at < state.size(); ++at) {
    EXPECT_TRUE(restore(*learner, state.substr(0, at))) << "cut at " << at;
    std::string damaged = state;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 + static_cast<int>(at % 255)));
    EXPECT_TRUE(restore(*learner, damaged)) << "damaged at " << at;
  }
  EXPECT_EQ(state_of(*learner), before);
}

TEST(TopicsState, SaysWhatIsWrong) {
  const auto workload = make(options_for({1}), bars(20));
  LockStep run(*workload, {1});
  run.clock();
  const std::string state = state_of(run.learner(0));
  const auto message_of = [](const Workload& other, const std::string& bytes) {
    const auto learner = other.make_learner({0, 0});
    const Failure failure = restore(*learner, bytes);
    return failure ? failure->message : "";
  };
  EXPECT_THAT(message_of(*workload, "something else, long enough to be a header"), HasSubstr("MTOPICS1"));
  EXPECT_THAT(message_of(*workload, state.substr(0, 100)),
              HasSubstr("byte 100: the topics of tokens end here"));
  std::string wrong_topic = state;
  wrong_topic[32] = 10;
  wrong_topic[33] = 0;
  EXPECT_EQ(message_of(*workload, wrong_topic), "byte 32: topic 10; expected 0 to 9");
  TopicsOptions options = options_for({1});
  options.topics = 11;
  EXPECT_EQ(message_of(*make(options, bars(20)), state), "byte 8: 10 topics; expected 11");
  EXPECT_THAT(message_of(*make(options_for({1}), bars(21)), state), HasSubstr("not this worker's"));
}

TEST(TopicsOptions, AreChecked) {
  const auto message_of = [](auto change) {
    TopicsOptions options = options_for({1});
    change(options);
    const auto made = make_topics_workload(options, bars(20));
    return made.ok() ? std::string() : made.error().message;
  };
  EXPECT_EQ(message_of([](TopicsOptions&) {}), "");
  EXPECT_EQ(message_of([](TopicsOptions& o) { o.topics = 0; }), "topics is 0; expected 1 to 65535");
  EXPECT_EQ(message_of([](TopicsOptions& o) { o.topics = 65536; }), "topics is 65536; expected 1 to 65535");
  EXPECT_EQ(message_of([](TopicsOptions& o) { o.alpha = 0; }), "alpha is 0; expected 1e-06 to 1000");
  EXPECT_EQ(message_of([](TopicsOptions& o) { o.beta = NAN; }), "beta is nan; expected 1e-06 to 1000");
  EXPECT_EQ(message_of([](TopicsOptions& o) { o.proposals = 0; }), "proposals is 0; expected at least 1");
  EXPECT_EQ(message_of([](TopicsOptions& o) { o.batch = 0; }), "batch is 0; expected at least 1");
  EXPECT_EQ(message_of([](TopicsOptions& o) { o.held_out = 1; }), "held_out is 1; expected 0 to 0.9");
  EXPECT_THAT(message_of([](TopicsOptions& o) { o.workers = {30}; }), HasSubstr("expected"));
  EXPECT_THAT(message_of([](TopicsOptions& o) { o.partition.kind = "odd"; }), HasSubstr("'odd'"));
  EXPECT_THAT(message_of([](TopicsOptions& o) { o.partition.kind = "overlap"; }),
              HasSubstr("partition is 'overlap'"));
}

TEST(TopicsWorkload, RangesCountHeldOutDocumentsToo) {
  TopicsOptions options = options_for({1, 1});
  options.batch = 100;
  options.held_out = 0.5;
  options.partition.between_datacenters = "ranges";
  options.partition.ranges = {10, 30};
  const auto workload = make(options, bars(40));
  const std::size_t first = workload->samples_per_clock({0, 0});
  EXPECT_EQ(first + workload->samples_per_clock({1, 0}), 20U);
  EXPECT_LE(first, 10U);
}

TEST(TopicsWorkload, TakesEmptyDocumentsAndNoneHeldOut) {
  TopicsOptions options = options_for({1});
  options.held_out = 0.0;
  options.batch = 2;
  const auto workload = make(options, corpus_of(3, {{}, {}, {0, 1}, {2}}));
  LockStep run(*workload, {1});
  for (int clock = 0; clock < 5; ++clock) EXPECT_TRUE(std::isfinite(run.clock()));
  EXPECT_EQ(sum_of(run.table(0)), 3.0);
  EXPECT_EQ(run.objective(), 0.0);
}

}  // namespace
}  // namespace meridian
