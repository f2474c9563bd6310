// The topics of a worker's tokens as bytes, for its checkpoint: little-endian, on every machine.
//
//   8 bytes  "MTOPICS1", the form and its version
//   4 bytes  the number of topics
//   4 bytes  the number of documents
//   8 bytes  a digest of the documents' words
//   8 bytes  the number of tokens
//   2 bytes  for each token, in the order of DocumentTokens: its topic, or 0xffff where it has none
//   8 bytes  a digest of all that comes before
#pragma once

#include <cstddef>
#include <iosfwd>

#include "src/base/result.h"
#include "src/topics/document_tokens.h"

namespace meridian {

void write_assignments(const DocumentTokens& tokens, std::size_t topics, std::ostream& out);

/// Reads what write_assignments() wrote for the same documents and number of topics, and no further. Nothing
/// that it says is believed; an error says at which byte what is wrong and what was expected, and leaves
/// `tokens` as they were.
Failure read_assignments(std::istream& in, std::size_t topics, DocumentTokens& tokens);

}  // namespace meridian
