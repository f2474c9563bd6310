// What a topic is about: the words that it has most often.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace meridian {

/// The `n` words with the largest counts of `topic` in `word_topic` (words x topics, row-major), the largest
/// first, equal ones by their position; fewer where fewer have a count above 0. Requires topic < topics.
std::vector<std::uint32_t> top_words(std::span<const float> word_topic, std::size_t topics, std::size_t topic,
                                     std::size_t n);

}  // namespace meridian
