// Small files of each kind of data, as a datacenter may have them: for tests of what becomes of them.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "src/base/random.h"
#include "tests/src/output/temporary_folder.h"

namespace meridian::small_data {

inline std::string big_endian(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((number >> shift) & 0xFF);
  return bytes;
}

/// An IDX folder with images of `side` x `side`.
inline void put_images(const std::filesystem::path& folder, std::uint64_t seed, std::uint32_t side) {
  Random random(seed);
  for (const auto& [name, count] : {std::pair<std::string, std::uint32_t>{"train", 90}, {"t10k", 20}}) {
    std::string images = big_endian(0x803) + big_endian(count) + big_endian(side) + big_endian(side);
    std::string labels = big_endian(0x801) + big_endian(count);
    for (std::uint32_t i = 0; i < count; ++i) labels += static_cast<char>(random.below(10));
    for (std::uint32_t i = 0; i < count * side * side; ++i) images += static_cast<char>(random.below(256));
    meridian::output::put(folder / (name + "-images-idx3-ubyte"), images);
    meridian::output::put(folder / (name + "-labels-idx1-ubyte"), labels);
  }
}

/// Users of any ids, the same ones everywhere; items 1 to `items`, of which few datacenters rate all.
inline void put_ratings(const std::filesystem::path& folder, std::uint64_t seed, std::uint64_t items) {
  Random random(seed);
  std::string text;
  for (std::uint64_t user = 3; user < 23; ++user) {
    for (std::uint64_t item = 1 + random.below(3); item <= items; item += 1 + random.below(3)) {
      text += fmt::format("{} {} {}\n", user * user, item, 1 + random.below(5));
    }
  }
  meridian::output::put(folder / "u.data", text);
}

inline void put_documents(const std::filesystem::path& folder, std::uint64_t seed,
                          const std::string& last_word) {
  Random random(seed);
  std::string entries;
  std::size_t count = 0;
  for (std::uint64_t document = 1; document <= 40; ++document) {
    for (std::uint64_t word = 1 + random.below(3); word <= 12; word += 1 + random.below(4), ++count) {
      entries += fmt::format("{} {} {}\n", document, word, 1 + random.below(3));
    }
  }
  std::string vocabulary;
  for (char letter = 'a'; letter < 'l'; ++letter) vocabulary += fmt::format("{}\n", letter);
  meridian::output::put(folder / "vocab.txt", vocabulary + last_word + "\n");
  meridian::output::put(folder / "docword.txt", fmt::format("40\n12\n{}\n{}", count, entries));
}

inline void put_samples(const std::filesystem::path& folder, std::uint64_t seed,
                        const std::string& negative) {
  Random random(seed);
  const std::string name = folder.filename().string();
  for (const auto& [file, count] : {std::pair<std::string, int>{name, 90}, {name + ".t", 20}}) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      text += i % 3 == 0 ? negative : "+1";
      for (std::uint64_t id = 1 + random.below(4); id <= 30; id += 1 + random.below(9)) {
        text += fmt::format(" {}:{:.3f}", id, random.normal());
      }
      text += '\n';
    }
    meridian::output::put(folder / file, text);
  }
}

}  // namespace meridian::small_data
