#include "src/topics/batch_index.h"

#include <algorithm>
#include <bit>

#include "src/base/check.h"

namespace meridian {
namespace {

constexpr std::size_t kBits = 64;

}  // namespace

BatchIndex::BatchIndex(std::size_t vocabulary)
    : of_word_(vocabulary, 0), word_occurs_((vocabulary + kBits - 1) / kBits, 0) {}

void BatchIndex::build(const DocumentTokens& tokens, std::span<const std::uint32_t> batch) {
  documents_.assign(batch.begin(), batch.end());
  std::stable_partition(documents_.begin(), documents_.end(),
                        [&](std::uint32_t document) { return tokens.visited(document); });
  count_words(tokens);
  list_words();
  place_tokens(tokens);
}

void BatchIndex::count_words(const DocumentTokens& tokens) {
  for (const std::uint32_t document : documents_) {
    const std::span<const std::uint32_t> words = tokens.words_of(document);
    const std::span<const std::uint32_t> counts = tokens.counts_of(document);
    for (std::size_t i = 0; i < words.size(); ++i) {
      of_word_[words[i]] += counts[i];
      word_occurs_[words[i] / kBits] |= std::uint64_t{1} << (words[i] % kBits);
    }
  }
}

// Takes the words from their bits in rising order, and gives each its run of tokens.
void BatchIndex::list_words() {
  words_.clear();
  starts_.assign(1, 0);
  most_of_one_word_ = 0;
  for (std::size_t i = 0; i < word_occurs_.size(); ++i) {
    for (std::uint64_t bits = word_occurs_[i]; bits != 0; bits &= bits - 1) {
      const std::size_t word = i * kBits + static_cast<std::size_t>(std::countr_zero(bits));
      const std::size_t count = of_word_[word];
      most_of_one_word_ = std::max(most_of_one_word_, count);
      of_word_[word] = static_cast<std::uint32_t>(starts_.back());
      words_.push_back(static_cast<std::uint32_t>(word));
      starts_.push_back(starts_.back() + count);
    }
    word_occurs_[i] = 0;
  }
  MERIDIAN_CHECK(starts_.back() <= kMostTokensOfWorker, "{} tokens in a batch", starts_.back());
}

void BatchIndex::place_tokens(const DocumentTokens& tokens) {
  tokens_.resize(starts_.back());
  for (std::size_t slot = 0; slot < documents_.size(); ++slot) {
    const std::uint32_t document = documents_[slot];
    const std::span<const std::uint32_t> words = tokens.words_of(document);
    const std::span<const std::uint32_t> counts = tokens.counts_of(document);
    std::uint32_t token = tokens.first_token(document);
    for (std::size_t i = 0; i < words.size(); ++i) {
      std::uint32_t place = of_word_[words[i]];
      for (const std::uint32_t end = place + counts[i]; place < end; ++place) {
        tokens_[place] = {token++, static_cast<std::uint32_t>(slot)};
      }
      of_word_[words[i]] = place;
    }
  }
  for (const std::uint32_t word : words_) of_word_[word] = 0;
}

}  // namespace meridian
