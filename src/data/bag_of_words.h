// Documents in memory as bags of words: which words each contains, and how often. What topic models learn
// from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace meridian {

/// Document d has the entries offsets[d] to offsets[d + 1] - 1: entry i is count[i] (at least 1) times
/// word[i]; a document's words rise, each once. Immutable once made, so any thread may read it.
struct BagOfWords {
  std::size_t words = 0;                ///< of the vocabulary; word[i] is below this
  std::vector<std::size_t> offsets{0};  ///< one more than there are documents
  std::vector<std::uint32_t> word;
  std::vector<std::uint32_t> count;
  std::vector<std::string> vocabulary;    ///< the text of each word
  std::vector<std::size_t> source_sizes;  ///< how many of the documents, in order, come from each source read

  std::size_t documents() const { return offsets.size() - 1; }
  std::size_t entries() const { return word.size(); }
  std::span<const std::uint32_t> words_of(std::size_t document) const {
    return std::span(word).subspan(offsets[document], offsets[document + 1] - offsets[document]);
  }
  std::span<const std::uint32_t> counts_of(std::size_t document) const {
    return std::span(count).subspan(offsets[document], offsets[document + 1] - offsets[document]);
  }
  /// The sum of all counts.
  std::uint64_t tokens() const { return std::accumulate(count.begin(), count.end(), std::uint64_t{0}); }
};

}  // namespace meridian
