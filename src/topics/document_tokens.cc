#include "src/topics/document_tokens.h"

#include <numeric>

#include "src/base/check.h"

namespace meridian {

DocumentTokens::DocumentTokens(const BagOfWords& corpus, std::span<const std::uint32_t> documents)
    : corpus_(corpus), documents_(documents) {
  std::uint64_t tokens = 0;
  first_token_.reserve(documents.size() + 1);
  first_token_.push_back(0);
  for (const std::uint32_t document : documents) {
    const std::span<const std::uint32_t> counts = corpus.counts_of(document);
    tokens = std::accumulate(counts.begin(), counts.end(), tokens);
    MERIDIAN_CHECK(tokens <= kMostTokensOfWorker, "{} tokens of one worker", tokens);
    first_token_.push_back(static_cast<std::uint32_t>(tokens));
  }
  topics_.assign(tokens, kUnassigned);
}

}  // namespace meridian
