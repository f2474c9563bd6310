// Generated documents of known truth: latent Dirichlet allocation (D. M. Blei, A. Y. Ng & M. I. Jordan, JMLR
// 2003) run forwards. What topics a model finds can be held against those that there are, and its likelihood
// against the best there is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/base/result.h"
#include "src/data/bag_of_words.h"

namespace meridian {

struct GeneratedDocumentsOptions {
  std::uint64_t seed = 1;
  std::size_t documents = 1000;
  std::size_t held_out_documents = 0;
  std::size_t words = 1000;  ///< of the vocabulary
  std::size_t topics = 10;
  double alpha = 0.1;          ///< each document's topics are drawn from the symmetric Dirichlet(alpha)
  double beta = 0.05;          ///< each topic's words from the symmetric Dirichlet(beta)
  double mean_length = 100.0;  ///< documents' lengths are Poisson variates, but at least 1
};

struct GeneratedDocuments {
  BagOfWords train;
  BagOfWords held_out;
  std::vector<double> topic_words;   ///< topics x words: the probability of each word in each topic
  std::vector<double> train_topics;  ///< documents x topics: the share of each topic in each document
  std::vector<double> held_out_topics;
};

/// Both sets are of one vocabulary of made-up words and of the same topics. The same options give the same
/// documents; how many are held out changes none of the others. Errors: a count of 0, a parameter that is not
/// finite and above 0, more than 2^32 - 1 words or documents.
Result<GeneratedDocuments> generate_documents(const GeneratedDocumentsOptions& options);

/// The mean over all tokens of log p(word | its document's topics, the topics' words): what a model that
/// knows the truth says. `document_topics` is documents x topics.
double log_likelihood_per_token(const BagOfWords& documents, const std::vector<double>& topic_words,
                                const std::vector<double>& document_topics);

}  // namespace meridian
