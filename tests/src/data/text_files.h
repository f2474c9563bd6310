// What tests of readers share: a folder of their own to write small files into, and files spoilt at random.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "src/base/random.h"

namespace meridian {

class TextFiles : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string(test.test_suite_name()) + "_" + test.name() + "_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// A file that is there is replaced, not cut to nothing, after which some file systems wait for the disk.
  /// Both return the path as a string, as readers take it; a name may contain folders.
  std::string write(const std::string& name, std::string_view content) const {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }

  std::string write_gzip(const std::string& name, std::string_view content) const {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::filesystem::remove(path);
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    gzclose(file);
    return path.string();
  }

  static std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path folder_;
};

/// `text` with one to four faults: a byte changed, removed, inserted, a piece doubled, removed or written
/// elsewhere, a number replaced, the end cut off.
inline std::string mutated(Random& random, std::string text) {
  static constexpr std::string_view kPieces[] = {
      "\n",  "\r\n", "\t", " ",    ":",     "::",   ",",   "-",    "+",          "0",
      "nan", "inf",  ".",  "1e39", "-1e9",  "#",    "1:1", "1e-9", "4294967296", "18446744073709551616",
      "\"",  "\xff", "e",  "0x1",  "1 1 1", "\n\n", "99",  "3"};
  const std::size_t faults = 1 + random.below(4);
  for (std::size_t fault = 0; fault < faults && !text.empty(); ++fault) {
    const std::size_t at = random.below(text.size());
    const std::size_t length = 1 + random.below(8);
    switch (random.below(7)) {
      case 0:
        text[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, 1, static_cast<char>(random.below(256)));
        break;
      case 3:
        text.insert(random.below(text.size()), text.substr(at, length));
        break;
      case 4:
        text.insert(at, kPieces[random.below(std::size(kPieces))]);
        break;
      case 5:
        text.replace(at, length, kPieces[random.below(std::size(kPieces))]);
        break;
      default:
        text.resize(at);
        break;
    }
  }
  return text;
}

}  // namespace meridian
