#include "src/data/generated_documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "src/base/check.h"
#include "src/base/random.h"
#include "src/data/alias_table.h"
#include "src/data/distributions.h"

namespace meridian {
namespace {

constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();

Failure check(const GeneratedDocumentsOptions& options) {
  for (const auto& [name, count] : std::array<std::pair<const char*, std::size_t>, 3>{
           {{"documents", options.documents}, {"words", options.words}, {"topics", options.topics}}}) {
    if (count == 0 || count > kMost) {
      return Error{fmt::format("generated documents: {} is {}; expected 1 to {}", name, count, kMost)};
    }
  }
  if (options.held_out_documents > kMost) {
    return Error{fmt::format("generated documents: held_out_documents is {}; expected at most {}",
                             options.held_out_documents, kMost)};
  }
  for (const auto& [name, value] : std::array<std::pair<const char*, double>, 3>{
           {{"alpha", options.alpha}, {"beta", options.beta}, {"mean_length", options.mean_length}}}) {
    if (!std::isfinite(value) || value <= 0.0) {
      return Error{fmt::format("generated documents: {} is {}; expected a number above 0", name, value)};
    }
  }
  return {};
}

// The number of a word in syllables, at least two of them: no two words are the same.
std::string made_up_word(std::size_t number) {
  constexpr std::string_view kConsonants = "bdfgklmnprstvwxz";
  constexpr std::string_view kVowels = "aeiou";
  constexpr std::size_t kSyllables = kConsonants.size() * kVowels.size();
  std::string word;
  do {
    const std::size_t syllable = number % kSyllables;
    word += kConsonants[syllable / kVowels.size()];
    word += kVowels[syllable % kVowels.size()];
    number /= kSyllables;
  } while (number > 0 || word.size() < 4);
  return word;
}

/// Draws documents, one at a time, each from a random source of its own.
class DocumentSource {
 public:
  explicit DocumentSource(const GeneratedDocumentsOptions& options)
      : options_(options), topic_words_(options.topics * options.words), cumulative_(options.topics) {
    topics_.reserve(options.topics);
    for (std::size_t topic = 0; topic < options.topics; ++topic) {
      Random random = Random::for_parts(options.seed, {hash_text("generated topic"), topic});
      const std::span<double> words = std::span(topic_words_).subspan(topic * options.words, options.words);
      draw_dirichlet(random, options.beta, words);
      topics_.emplace_back(words);
    }
  }

  std::vector<double> take_topic_words() { return std::move(topic_words_); }

  /// Draws `documents` documents onto `set`, and the shares of their topics into `shares`.
  void draw_set(const char* name, std::size_t documents, BagOfWords& set, std::vector<double>& shares) {
    set.words = options_.words;
    for (std::size_t word = 0; word < options_.words; ++word) set.vocabulary.push_back(made_up_word(word));
    set.source_sizes = {documents};
    shares.resize(documents * options_.topics);
    for (std::size_t document = 0; document < documents; ++document) {
      Random random = Random::for_parts(options_.seed, {hash_text(name), document});
      draw_document(random, std::span(shares).subspan(document * options_.topics, options_.topics), set);
    }
  }

 private:
  void draw_document(Random& random, std::span<double> shares, BagOfWords& set) {
    draw_dirichlet(random, options_.alpha, shares);
    std::partial_sum(shares.begin(), shares.end(), cumulative_.begin());
    tokens_.resize(std::max(1U, draw_poisson(random, options_.mean_length)));
    for (std::uint32_t& token : tokens_) {
      // Scaled by the sum as it came out, which rounding may leave short of 1.
      const double at = random.uniform() * cumulative_.back();
      const auto topic = std::upper_bound(cumulative_.begin(), cumulative_.end(), at) - cumulative_.begin();
      token = topics_[std::min(static_cast<std::size_t>(topic), topics_.size() - 1)].draw(random);
    }
    std::sort(tokens_.begin(), tokens_.end());
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (i == 0 || tokens_[i] != tokens_[i - 1]) {
        set.word.push_back(tokens_[i]);
        set.count.push_back(0);
      }
      ++set.count.back();
    }
    set.offsets.push_back(set.entries());
  }

  const GeneratedDocumentsOptions& options_;
  std::vector<double> topic_words_;
  std::vector<AliasTable> topics_;
  std::vector<double> cumulative_;
  std::vector<std::uint32_t> tokens_;
};

}  // namespace

Result<GeneratedDocuments> generate_documents(const GeneratedDocumentsOptions& options) {
  if (Failure failure = check(options)) return std::move(*failure);
  DocumentSource source(options);
  GeneratedDocuments generated;
  source.draw_set("generated documents", options.documents, generated.train, generated.train_topics);
  source.draw_set("generated held-out documents", options.held_out_documents, generated.held_out,
                  generated.held_out_topics);
  generated.topic_words = source.take_topic_words();
  return generated;
}

double log_likelihood_per_token(const BagOfWords& documents, const std::vector<double>& topic_words,
                                const std::vector<double>& document_topics) {
  const std::size_t topics = topic_words.size() / documents.words;
  MERIDIAN_CHECK(documents.tokens() > 0 && document_topics.size() == documents.documents() * topics,
                 "{} tokens, {} documents, {} topics", documents.tokens(), documents.documents(), topics);
  double sum = 0.0;
  for (std::size_t document = 0; document < documents.documents(); ++document) {
    const std::span<const std::uint32_t> words = documents.words_of(document);
    const std::span<const std::uint32_t> counts = documents.counts_of(document);
    for (std::size_t i = 0; i < words.size(); ++i) {
      double probability = 0.0;
      for (std::size_t topic = 0; topic < topics; ++topic) {
        probability +=
            document_topics[document * topics + topic] * topic_words[topic * documents.words + words[i]];
      }
      sum += counts[i] * std::log(probability);
    }
  }
  return sum / static_cast<double>(documents.tokens());
}

}  // namespace meridian
