// The tokens of a batch of documents, word by word. A sampler that goes through them in this order has one
// row of the word-topic table in its caches at a time, and reads the rows in the order in which they come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/topics/document_tokens.h"

namespace meridian {

class BatchIndex {
 public:
  struct Token {
    std::uint32_t token;  ///< in DocumentTokens
    std::uint32_t slot;   ///< of its document in the batch
  };

  explicit BatchIndex(std::size_t vocabulary);

  /// Indexes `batch`, documents of `tokens`, each once. Those that have been visited take the first slots, so
  /// that each word's tokens with a topic come before those without.
  void build(const DocumentTokens& tokens, std::span<const std::uint32_t> batch);

  /// The document of each slot.
  std::span<const std::uint32_t> documents() const { return documents_; }
  /// The words of the batch, rising.
  std::span<const std::uint32_t> words() const { return words_; }
  /// The tokens of words()[i]: by slot, then by position.
  std::span<const Token> tokens_of(std::size_t i) const {
    return std::span(tokens_).subspan(starts_[i], starts_[i + 1] - starts_[i]);
  }
  std::span<const Token> tokens() const { return tokens_; }
  /// The most tokens of one word.
  std::size_t most_of_one_word() const { return most_of_one_word_; }

 private:
  void count_words(const DocumentTokens& tokens);
  void list_words();
  void place_tokens(const DocumentTokens& tokens);

  std::vector<std::uint32_t> of_word_;      // of each word: tokens in the batch, then where its next one goes
  std::vector<std::uint64_t> word_occurs_;  // a bit for each word
  std::vector<std::uint32_t> documents_;
  std::vector<std::uint32_t> words_;
  std::vector<std::size_t> starts_;
  std::vector<Token> tokens_;
  std::size_t most_of_one_word_ = 0;
};

}  // namespace meridian
