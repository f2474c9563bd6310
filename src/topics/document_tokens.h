// One worker's documents as tokens, each with the topic that it is assigned to: the state of a topic model
// that is the worker's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/data/bag_of_words.h"

namespace meridian {

using Topic = std::uint16_t;
/// Of a token in a document that has not been visited yet. So there are at most 65,535 topics.
inline constexpr Topic kUnassigned = 0xffff;
inline constexpr std::size_t kMostTopics = 0xffff;
inline constexpr std::uint64_t kMostTokensOfWorker = 0xffffffff;

/// Document d of the worker has the tokens first_token(d) to first_token(d + 1) - 1, its words rising, as
/// often as they occur. Either all of a document's tokens have a topic or none, except within a visit.
class DocumentTokens {
 public:
  /// `corpus` and `documents` (positions in it) must outlive this. Requires at most kMostTokensOfWorker
  /// tokens in them.
  DocumentTokens(const BagOfWords& corpus, std::span<const std::uint32_t> documents);

  std::size_t documents() const { return documents_.size(); }
  std::size_t vocabulary() const { return corpus_.words; }
  std::uint32_t first_token(std::size_t document) const { return first_token_[document]; }
  std::uint32_t length(std::size_t document) const {
    return first_token_[document + 1] - first_token_[document];
  }
  std::span<const std::uint32_t> words_of(std::size_t document) const {
    return corpus_.words_of(documents_[document]);
  }
  std::span<const std::uint32_t> counts_of(std::size_t document) const {
    return corpus_.counts_of(documents_[document]);
  }

  /// Of every token.
  std::span<Topic> topics() { return topics_; }
  std::span<const Topic> topics() const { return topics_; }
  std::span<const Topic> topics_of(std::size_t document) const {
    return std::span(topics_).subspan(first_token(document), length(document));
  }
  bool visited(std::size_t document) const {
    return length(document) > 0 && topics_[first_token(document)] != kUnassigned;
  }

 private:
  const BagOfWords& corpus_;
  std::span<const std::uint32_t> documents_;
  std::vector<std::uint32_t> first_token_;  // of each document, and the total
  std::vector<Topic> topics_;
};

}  // namespace meridian
