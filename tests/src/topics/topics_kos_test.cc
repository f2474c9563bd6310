// Goal: on real documents the quick sampler converges to what the exact one converges to. How: 3,430
// documents of the KOS blog (UCI), 50 topics; after as many sweeps each, the joint log-likelihood per token
// of both is the same within 1 %. Skipped without MERIDIAN_DATA.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <vector>

#include "src/data/bag_of_words_reader.h"
#include "src/topics/joint_likelihood.h"
#include "src/topics/topics_workload.h"
#include "tests/src/data/real_data.h"
#include "tests/src/topics/exact_gibbs.h"
#include "tests/src/topics/lock_step.h"

namespace meridian {
namespace {

constexpr std::size_t kSweeps = 120;

double exact_log_likelihood(const TopicPrior& prior, const BagOfWords& corpus) {
  std::vector<std::uint32_t> documents(corpus.documents());
  std::iota(documents.begin(), documents.end(), 0U);
  DocumentTokens tokens(corpus, documents);
  ExactGibbs exact(prior, corpus, tokens, 1);
  for (std::size_t sweep = 0; sweep < kSweeps; ++sweep) exact.sweep();
  const JointLikelihood joint(prior, corpus.words);
  std::vector<std::uint32_t> counts(prior.topics, 0);
  const JointLikelihood::Sum of_documents = joint.of_documents(tokens, counts);
  return (of_documents.log_likelihood + joint.of_rows(exact.word_topic()) + joint.of_totals(exact.totals())) /
         static_cast<double>(of_documents.tokens);
}

TEST(KosTopics, ConvergeToTheExactSamplersLikelihood) {
  const auto kos = real_data("kos");
  if (!kos) GTEST_SKIP() << kNoRealData;
  const Result<BagOfWords> corpus = read_bag_of_words({kos->string()});
  ASSERT_TRUE(corpus.ok()) << corpus.error().message;

  TopicsOptions options;
  options.topics = 50;
  options.workers = {1};
  options.held_out = 0.0;
  options.batch = 343;  // a tenth of the documents
  const auto workload = make_topics_workload(options, corpus.value()).value();
  LockStep run(*workload, {1});
  for (std::size_t clock = 0; clock < 10 * kSweeps; ++clock) run.clock();
  const double quick = workload->figures(run.evaluate()).at(0).value;

  const double exact = exact_log_likelihood({options.topics, options.alpha, options.beta}, corpus.value());
  std::cout << "log-likelihood per token: " << quick << ", exact " << exact << "\n";
  EXPECT_NEAR(quick, exact, 0.01 * -exact);
}

}  // namespace
}  // namespace meridian
