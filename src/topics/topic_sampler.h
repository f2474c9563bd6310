// The sampler of latent Dirichlet allocation: gives every token of a batch of documents a new topic by
// collapsed Gibbs sampling, at a cost per token that does not depend on the number of topics. What does is
// one pass over each word's row, which arrives and leaves as one float for each topic.
//
// A token's topic k has the probability (n_dk + alpha) (n_wk + beta) / (n_k + V beta), where n counts the
// topics of all other tokens: of its document, of its word and in total (Griffiths & Steyvers, PNAS 101,
// 2004). Instead of computing it for every k, Metropolis-Hastings proposes topics from the document's factor
// and the word's factor in turn and accepts each by what is left of the ratio (Yuan et al., LightLDA, WWW
// 2015; Chen et al., WarpLDA, VLDB 2016). Both proposals are drawn from the counts as they are, without the
// token's own: the document's and, for the batch's own part, the word's by taking the topic of another of its
// tokens, the rest of the word's from the sparse row that was pulled. So what they were drawn from cancels
// exactly, and with one worker the distribution that the chain has is the exact one, not that of outdated
// tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/base/random.h"
#include "src/topics/batch_index.h"
#include "src/topics/document_counts.h"
#include "src/topics/document_tokens.h"
#include "src/topics/live_counts.h"
#include "src/topics/sparse_draw.h"
#include "src/topics/topic_prior.h"

namespace meridian {

/// Counts that a worker pulled and the changes that it makes to them.
struct TopicTables {
  std::span<const float> word_topic;   ///< [words of the batch x topics]
  std::span<const float> topic;        ///< [topics]
  std::span<float> word_topic_change;  ///< overwritten
  std::span<float> topic_change;       ///< overwritten
};

/// Not thread-safe. Working memory is kept from batch to batch.
class TopicSampler {
 public:
  /// `proposals` (at least 1): from the document and from the word, so many of each, per token and visit.
  TopicSampler(const TopicPrior& prior, std::size_t vocabulary, std::size_t proposals);

  /// Visits the tokens of the batch that `index` holds: gives those without a topic one, the others a new
  /// one. Returns the sum over tokens of -log p(word, topic | all other words and topics).
  double visit(const BatchIndex& index, DocumentTokens& tokens, TopicTables tables, Random random);

 private:
  struct Slot {
    std::uint32_t first_token;
    std::uint32_t assigned;  // tokens with a topic: the first ones
    DocumentCounts counts;
  };
  // A product of probabilities, whose logarithm is taken now and then instead of for each.
  class LogProduct;
  // One word's tokens of the batch, and its counts.
  struct Word {
    std::span<const BatchIndex::Token> tokens;
    std::size_t assigned;  // tokens with a topic: the first ones
    LiveCounts counts;
  };

  void open_documents(const BatchIndex& index, const DocumentTokens& tokens);
  Word open_word(std::span<const BatchIndex::Token> tokens, std::span<const Topic> topics,
                 std::span<const float> row, std::span<float> change);
  void visit_word(Word& word, LiveCounts& totals, std::span<Topic> topics, Random& random,
                  LogProduct& probability);
  Topic propose_from_word(std::size_t self, std::size_t others, std::uint32_t bits) const;
  Topic propose_from_document(const Slot& slot, std::uint32_t self, std::uint32_t others, const Topic* topics,
                              std::uint32_t bits) const;

  std::size_t topics_;
  std::size_t vocabulary_;
  std::size_t proposals_;
  float alpha_;
  float beta_;

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> entries_;  // of the slots' counts
  std::vector<Topic> word_topics_;      // of the current word's tokens
  SparseDraw rest_;                     // what the current word has outside the batch
};

}  // namespace meridian
