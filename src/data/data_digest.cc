#include "src/data/data_digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "src/base/random.h"

namespace meridian {
namespace {

template <typename T>
void add_all(DataDigest& digest, const std::vector<T>& values) {
  digest.add_all(std::span<const T>(values));
}

void add(DataDigest& digest, const ImageSet& images) {
  digest.add(images.height);
  digest.add(images.width);
  add_all(digest, images.pixels);
  add_all(digest, images.labels);
}

void add(DataDigest& digest, const SparseSamples& samples) {
  digest.add(samples.features);
  add_all(digest, samples.offsets);
  add_all(digest, samples.feature);
  add_all(digest, samples.value);
  add_all(digest, samples.labels);
  add_all(digest, samples.label_values);
  add_all(digest, samples.source_sizes);
}

}  // namespace

void DataDigest::add(std::uint64_t number) { digest_ = mix_bits(digest_ ^ number); }

void DataDigest::add_bytes(std::span<const std::byte> bytes) {
  add(bytes.size());
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t length = std::min(bytes.size(), sizeof(word));
    std::memcpy(&word, bytes.data(), length);
    add(word);
    bytes = bytes.subspan(length);
  }
}

std::string DataDigest::text() const { return fmt::format("{:016x}", digest_); }

std::string digest_of(const TrainAndTest& images, std::span<const std::size_t> source_sizes) {
  DataDigest digest;
  add(digest, images.train);
  add(digest, images.test);
  digest.add_all(source_sizes);
  return digest.text();
}

std::string digest_of(const Ratings& ratings) {
  DataDigest digest;
  digest.add(ratings.users);
  digest.add(ratings.items);
  add_all(digest, ratings.user);
  add_all(digest, ratings.item);
  add_all(digest, ratings.value);
  add_all(digest, ratings.user_ids);
  add_all(digest, ratings.item_ids);
  add_all(digest, ratings.source_sizes);
  return digest.text();
}

std::string digest_of(const BagOfWords& documents) {
  DataDigest digest;
  digest.add(documents.words);
  add_all(digest, documents.offsets);
  add_all(digest, documents.word);
  add_all(digest, documents.count);
  for (const std::string& word : documents.vocabulary) digest.add_all(std::span<const char>(word));
  add_all(digest, documents.source_sizes);
  return digest.text();
}

std::string digest_of_words(const BagOfWords& documents) {
  DataDigest digest;
  for (const std::string& word : documents.vocabulary) digest.add_all(std::span<const char>(word));
  return digest.text();
}

std::string digest_of(const SparseSamples& train, const SparseSamples& test) {
  DataDigest digest;
  add(digest, train);
  add(digest, test);
  return digest.text();
}

}  // namespace meridian
