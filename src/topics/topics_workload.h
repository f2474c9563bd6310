// Topic modelling as a workload: latent Dirichlet allocation by collapsed Gibbs sampling over documents that
// are divided between the workers of all datacenters. Workers share how often each word and each topic occur;
// which topic a token has stays with the worker that has the document.
//
// Tables: `word_topic` [words x topics], read by row, and `topic` [1 x topics], its column sums. Both are
// increments and start at zero: a document is counted when it is first visited and moves between topics from
// then on. Counts are floats, so they are exact up to 2^24 of one topic.
//
// The objective is the mean log-likelihood of tokens of held-out documents by document completion
// (document_completion.h); each datacenter's workers share all held-out documents. Figures: `perplexity` is
// exp(-objective); `train_log_likelihood_per_token` is the joint log-likelihood of training words and topics,
// the words' part over all tokens in the replica plus the documents' part over the datacenter's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/data/bag_of_words.h"
#include "src/data/partition.h"
#include "src/workload/workload.h"

namespace meridian {

struct TopicsOptions {
  std::size_t topics = 100;   ///< 1 to 65,535
  double alpha = 0.1;         ///< prior of each topic in a document: 0.000001 to 1000
  double beta = 0.01;         ///< prior of each word in a topic: 0.000001 to 1000
  std::size_t proposals = 4;  ///< per token and visit: from its document and from its word, so many of each
  std::uint64_t seed = 1;  ///< of partition, batches and sampling; the held-out documents do not depend on it
  std::vector<std::size_t> workers;  ///< of each datacenter, in the configuration's order
  /// Of the documents. Seed and workers are those above, `ranges` count held-out documents too; what needs
  /// labels or lets workers overlap is refused, since a document's topics are kept in one place.
  PartitionOptions partition;
  std::size_t batch = 100;  ///< documents per worker and clock; all that it has if they are fewer
  double held_out = 0.1;    ///< share of the documents: 0 (the objective is 0 then) to 0.9
  std::string data_name;    ///< starts note()
};

/// Errors name the option, what is wrong with it and what was expected. A document that a batch names twice,
/// where one epoch ends and the next begins, is visited once.
Result<std::unique_ptr<Workload>> make_topics_workload(const TopicsOptions& options, BagOfWords documents);

}  // namespace meridian
