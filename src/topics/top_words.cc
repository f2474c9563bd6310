#include "src/topics/top_words.h"

#include <algorithm>

#include "src/base/check.h"

namespace meridian {

std::vector<std::uint32_t> top_words(std::span<const float> word_topic, std::size_t topics, std::size_t topic,
                                     std::size_t n) {
  MERIDIAN_CHECK(topic < topics && word_topic.size() % topics == 0, "topic {} of {} in a table of {} counts",
                 topic, topics, word_topic.size());
  const auto count_of = [&](std::size_t word) { return word_topic[word * topics + topic]; };
  std::vector<std::uint32_t> words;
  for (std::size_t word = 0; word < word_topic.size() / topics; ++word) {
    if (count_of(word) > 0.0F) words.push_back(static_cast<std::uint32_t>(word));
  }
  const auto end = words.begin() + static_cast<std::ptrdiff_t>(std::min(n, words.size()));
  std::partial_sort(words.begin(), end, words.end(), [&](std::uint32_t a, std::uint32_t b) {
    return count_of(a) != count_of(b) ? count_of(a) > count_of(b) : a < b;
  });
  words.erase(end, words.end());
  return words;
}

}  // namespace meridian
