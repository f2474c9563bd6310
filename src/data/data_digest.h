// Digests of data as they were read, by which processes of a run tell whether they have the same. Plain or
// gzip, one file or several: what counts is what came out. They find mistakes, not forgeries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "src/data/bag_of_words.h"
#include "src/data/image_set.h"
#include "src/data/ratings.h"
#include "src/data/sparse_samples.h"

namespace meridian {

/// 64 bits over everything that was added, in its order. Equal on all little-endian machines.
class DataDigest {
 public:
  void add(std::uint64_t number);

  /// How many bytes there are, then the bytes.
  void add_bytes(std::span<const std::byte> bytes);

  template <typename T>
  void add_all(std::span<const T> values) {
    static_assert(std::is_arithmetic_v<T>);
    add_bytes(std::as_bytes(values));
  }

  /// 16 hexadecimal digits.
  std::string text() const;

 private:
  std::uint64_t digest_ = 0;
};

/// Of images from one or more folders; `source_sizes` are the training images of each.
std::string digest_of(const TrainAndTest& images, std::span<const std::size_t> source_sizes);
std::string digest_of(const Ratings& ratings);
std::string digest_of(const BagOfWords& documents);
/// Of the vocabulary alone, by which words are numbered.
std::string digest_of_words(const BagOfWords& documents);
std::string digest_of(const SparseSamples& train, const SparseSamples& test);

}  // namespace meridian
