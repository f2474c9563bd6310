// Documents written out in a test.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "src/data/bag_of_words.h"

namespace meridian {

/// One list of words, in any order, for each document.
inline BagOfWords corpus_of(std::size_t words, const std::vector<std::vector<std::uint32_t>>& documents) {
  BagOfWords corpus;
  corpus.words = words;
  for (const std::vector<std::uint32_t>& document : documents) {
    std::map<std::uint32_t, std::uint32_t> counts;
    for (const std::uint32_t word : document) ++counts[word];
    for (const auto& [word, count] : counts) {
      corpus.word.push_back(word);
      corpus.count.push_back(count);
    }
    corpus.offsets.push_back(corpus.word.size());
  }
  return corpus;
}

}  // namespace meridian
