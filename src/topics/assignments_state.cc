#include "src/topics/assignments_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <istream>
#include <ostream>
#include <string>
#include <vector>

#include "src/base/random.h"

namespace meridian {
namespace {

constexpr std::array<char, 8> kMagic{'M', 'T', 'O', 'P', 'I', 'C', 'S', '1'};
constexpr std::size_t kHeaderBytes = kMagic.size() + 4 + 4 + 8 + 8;
constexpr std::size_t kTokensPerPiece = std::size_t{1} << 15;

class Digest {
 public:
  void add(std::uint64_t value) { state_ = mix_bits(state_ ^ value); }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0;
};

std::uint64_t digest_of_words(const DocumentTokens& tokens) {
  Digest digest;
  for (std::size_t document = 0; document < tokens.documents(); ++document) {
    digest.add(tokens.length(document));
    for (const std::uint32_t word : tokens.words_of(document)) digest.add(word);
    for (const std::uint32_t count : tokens.counts_of(document)) digest.add(count);
  }
  return digest.value();
}

void append(std::string& bytes, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

std::uint64_t number_at(const std::string& bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  }
  return value;
}

std::string header_of(const DocumentTokens& tokens, std::size_t topics) {
  std::string header(kMagic.begin(), kMagic.end());
  append(header, topics, 4);
  append(header, tokens.documents(), 4);
  append(header, digest_of_words(tokens), 8);
  append(header, tokens.topics().size(), 8);
  return header;
}

void digest_header(const std::string& header, Digest& digest) {
  for (std::size_t at = 0; at < header.size(); at += 8) digest.add(number_at(header, at, 8));
}

bool read_exactly(std::istream& in, std::size_t size, std::string& bytes) {
  bytes.resize(size);
  in.read(bytes.data(), static_cast<std::streamsize>(size));
  return static_cast<std::size_t>(in.gcount()) == size;
}

Error ends_early(std::size_t at) {
  return Error{fmt::format("byte {}: the topics of tokens end here; expected more", at)};
}

Failure check_header(const std::string& header, const std::string& expected, std::size_t topics) {
  if (!std::equal(kMagic.begin(), kMagic.end(), header.begin())) {
    return Error{"byte 0: no topics of tokens; expected them to start with MTOPICS1"};
  }
  if (const std::uint64_t found = number_at(header, 8, 4); found != topics) {
    return Error{fmt::format("byte 8: {} topics; expected {}", found, topics)};
  }
  if (header != expected) {
    return Error{fmt::format("byte 12: tokens of {} documents that are not this worker's; expected its {}",
                             number_at(header, 12, 4), number_at(expected, 12, 4))};
  }
  return {};
}

// A visit leaves no document with topics for some of its tokens only.
Failure check_topics(const DocumentTokens& tokens, std::size_t topics, const std::vector<Topic>& read) {
  for (std::size_t document = 0; document < tokens.documents(); ++document) {
    const std::uint32_t end = tokens.first_token(document + 1);
    for (std::uint32_t token = tokens.first_token(document); token < end; ++token) {
      const bool visited = read[tokens.first_token(document)] != kUnassigned;
      if (visited ? read[token] < topics : read[token] == kUnassigned) continue;
      return Error{fmt::format("byte {}: topic {}; expected {}", kHeaderBytes + 2 * std::size_t{token},
                               read[token],
                               visited ? fmt::format("0 to {}", topics - 1)
                                       : fmt::format("{}, as the document's first token has", kUnassigned))};
    }
  }
  return {};
}

}  // namespace

void write_assignments(const DocumentTokens& tokens, std::size_t topics, std::ostream& out) {
  Digest digest;
  std::string bytes = header_of(tokens, topics);
  digest_header(bytes, digest);
  const std::span<const Topic> all = tokens.topics();
  for (std::size_t done = 0; done < all.size();) {
    const std::size_t piece = std::min(kTokensPerPiece, all.size() - done);
    for (const Topic topic : all.subspan(done, piece)) {
      digest.add(topic);
      append(bytes, topic, 2);
    }
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.clear();
    done += piece;
  }
  append(bytes, digest.value(), 8);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

Failure read_assignments(std::istream& in, std::size_t topics, DocumentTokens& tokens) {
  std::string bytes;
  if (!read_exactly(in, kHeaderBytes, bytes)) return ends_early(static_cast<std::size_t>(in.gcount()));
  if (Failure failure = check_header(bytes, header_of(tokens, topics), topics)) return failure;
  Digest digest;
  digest_header(bytes, digest);
  std::vector<Topic> read;
  read.reserve(tokens.topics().size());
  std::size_t at = kHeaderBytes;
  while (read.size() < tokens.topics().size()) {
    const std::size_t piece = std::min(kTokensPerPiece, tokens.topics().size() - read.size());
    if (!read_exactly(in, 2 * piece, bytes)) return ends_early(at + static_cast<std::size_t>(in.gcount()));
    for (std::size_t i = 0; i < piece; ++i) {
      read.push_back(static_cast<Topic>(number_at(bytes, 2 * i, 2)));
      digest.add(read.back());
    }
    at += bytes.size();
  }
  if (!read_exactly(in, 8, bytes)) return ends_early(at + static_cast<std::size_t>(in.gcount()));
  if (Failure failure = check_topics(tokens, topics, read)) return failure;
  if (number_at(bytes, 0, 8) != digest.value()) {
    return Error{fmt::format("byte {}: digest {:016x}; expected {:016x}, of the bytes before it", at,
                             number_at(bytes, 0, 8), digest.value())};
  }
  std::copy(read.begin(), read.end(), tokens.topics().begin());
  return {};
}

}  // namespace meridian
