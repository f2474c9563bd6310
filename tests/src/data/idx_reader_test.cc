// Goal: IDX files are read exactly, plain and gzip alike, and every way in which a file can be wrong ends in
// an error that names the file, the byte and what was expected, without a header's claim being believed. How:
// small files written by the test, each spoilt in one way.
#include "src/data/idx_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace meridian {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string number(std::uint32_t value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<char>((value >> shift) & 0xff));
  return bytes;
}

std::string images_file(std::uint32_t count, std::uint32_t height, std::uint32_t width,
                        const std::string& pixels) {
  return number(0x803) + number(count) + number(height) + number(width) + pixels;
}

std::string labels_file(std::uint32_t count, const std::string& labels) {
  return number(0x801) + number(count) + labels;
}

class IdxReader : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("idx_reader_") + test.name() + "_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return folder_ / name;
  }

  std::filesystem::path write_gzip(const std::string& name, const std::string& content) const {
    std::filesystem::path path = folder_ / name;
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    gzclose(file);
    return path;
  }

  // The error that comes from two files with these contents.
  std::string error_of(const std::string& images, const std::string& labels) const {
    const auto result = read_idx_pair(write("images", images), write("labels", labels), 10);
    return result.ok() ? "read without error" : result.error().message;
  }

  const std::string good_images_ = images_file(3, 1, 2, "abcdef");
  const std::string good_labels_ = labels_file(3, std::string("\x00\x09\x05", 3));
  std::filesystem::path folder_;
};

TEST_F(IdxReader, ReadsPlainFiles) {
  const auto result = read_idx_pair(write("i", good_images_), write("l", good_labels_), 10);
  ASSERT_TRUE(result.ok()) << result.error().message;
  const ImageSet& set = result.value();
  EXPECT_EQ(set.size(), 3U);
  EXPECT_EQ(set.height, 1U);
  EXPECT_EQ(set.width, 2U);
  EXPECT_THAT(set.pixels, testing::ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
  EXPECT_THAT(set.labels, testing::ElementsAre(0, 9, 5));
  EXPECT_THAT(set.image(1), testing::ElementsAre('c', 'd'));
}

TEST_F(IdxReader, ReadsGzipOfSeveralChunks) {
  std::string pixels(std::size_t{5} << 20, '\0');
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<char>(i * 31 + (i >> 10));
  const auto images = write_gzip("i.gz", images_file(5, 1024, 1024, pixels));
  const auto result = read_idx_pair(images, write_gzip("l.gz", labels_file(5, "\1\2\3\4\5")), 10);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(std::equal(pixels.begin(), pixels.end(), result.value().pixels.begin(),
                         result.value().pixels.end(),
                         [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; }));
}

TEST_F(IdxReader, NamesAWrongMagicNumber) {
  EXPECT_THAT(error_of(good_labels_, good_labels_),
              AllOf(HasSubstr("images: byte 0: magic number 0x00000801"), HasSubstr("expected 0x00000803")));
  EXPECT_THAT(error_of(good_images_, good_images_),
              AllOf(HasSubstr("labels: byte 0: magic number 0x00000803"), HasSubstr("expected 0x00000801")));
  EXPECT_THAT(error_of("<html>not here</html>", good_labels_),
              HasSubstr("images: byte 0: magic number 0x3c68746d"));
}

TEST_F(IdxReader, NamesWhereAFileEndsTooEarly) {
  EXPECT_THAT(error_of("", good_labels_),
              HasSubstr("images: byte 0: the file ends after 0 bytes; expected the magic"));
  EXPECT_THAT(
      error_of(good_images_.substr(0, 10), good_labels_),
      HasSubstr("images: byte 8: the file ends after 10 bytes; expected the images' height (4 bytes)"));
  EXPECT_THAT(error_of(good_images_.substr(0, 20), good_labels_),
              HasSubstr("images: byte 20: the file ends 4 bytes into the pixels; its header announces 6"));
  EXPECT_THAT(error_of(good_images_, good_labels_.substr(0, 9)),
              HasSubstr("labels: byte 9: the file ends 1 bytes into the labels; its header announces 3"));
}

TEST_F(IdxReader, NamesBytesThatFollowTheEnd) {
  EXPECT_THAT(error_of(good_images_ + "x", good_labels_),
              HasSubstr("images: byte 22: more bytes follow the pixels"));
  EXPECT_THAT(error_of(good_images_, good_labels_ + "x"),
              HasSubstr("labels: byte 11: more bytes follow the labels"));
}

TEST_F(IdxReader, RefusesEmptyAndAbsurdDimensions) {
  EXPECT_THAT(error_of(images_file(0, 1, 2, ""), good_labels_),
              HasSubstr("byte 4: the number of images is 0"));
  EXPECT_THAT(error_of(images_file(3, 0, 2, ""), good_labels_), HasSubstr("byte 8: the images' height is 0"));
  EXPECT_THAT(error_of(images_file(3, 1, 0xffffffff, ""), good_labels_),
              HasSubstr("byte 12: the images' width is 4294967295; expected 1 to 4096"));
}

TEST_F(IdxReader, DoesNotBelieveAHeaderThatClaimsMoreThanThereIs) {
  // 2^32 - 1 images of 4096 x 4096 would be 64 exabytes: allocating them would throw, not return an error.
  EXPECT_THAT(
      error_of(images_file(0xffffffff, 4096, 4096, "abcdef"), good_labels_),
      HasSubstr(
          "images: byte 22: the file ends 6 bytes into the pixels; its header announces 72057594021150720"));
}

TEST_F(IdxReader, NamesImagesAndLabelsThatDisagree) {
  EXPECT_THAT(error_of(good_images_, labels_file(2, "\1\2")),
              HasSubstr("labels: byte 4: 2 labels; expected 3"));
}

TEST_F(IdxReader, NamesALabelOutsideTheClasses) {
  EXPECT_THAT(error_of(good_images_, labels_file(3, "\1\12\2")),
              HasSubstr("labels: byte 9: label 10; expected 0 to 9"));
}

TEST_F(IdxReader, NamesASpoiltGzipFile) {
  std::string pixels(100000, '\0');
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<char>((i * i) >> 7);
  const auto path = write_gzip("images.gz", images_file(100, 25, 40, pixels));
  const auto labels = write("labels", labels_file(100, std::string(100, '\1')));
  ASSERT_TRUE(read_idx_pair(path, labels, 10).ok());
  const auto size = std::filesystem::file_size(path);

  // The checksum, four of the last eight bytes, no longer fits.
  {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(size) - 8);
    file.put('\x55').put('\x55');
  }
  auto result = read_idx_pair(path, labels, 10);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, AllOf(HasSubstr("images.gz: byte "), HasSubstr("cannot read on")));

  std::filesystem::resize_file(path, size / 2);
  result = read_idx_pair(path, labels, 10);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message,
              AllOf(HasSubstr("images.gz: byte "), HasSubstr("its header announces 100000")));
}

TEST_F(IdxReader, NamesAFileThatIsNotThere) {
  const auto result = read_idx_pair(folder_ / "nothing", folder_ / "nothing", 10);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, AllOf(HasSubstr("nothing: cannot open"), HasSubstr("No such file")));
}

TEST_F(IdxReader, ReadsAFolderInEitherFormAndTellsWhatIsMissing) {
  EXPECT_EQ(find_idx_files(folder_), IdxPresence::none);
  write("train-images-idx3-ubyte", good_images_);
  write_gzip("train-labels-idx1-ubyte.gz", good_labels_);
  write_gzip("t10k-images-idx3-ubyte.gz", images_file(1, 1, 2, "zz"));
  EXPECT_EQ(find_idx_files(folder_), IdxPresence::some);
  auto result = read_idx_folder(folder_, 10);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("t10k-labels-idx1-ubyte: no such file"));

  write("t10k-labels-idx1-ubyte", labels_file(1, "\3"));
  EXPECT_EQ(find_idx_files(folder_), IdxPresence::all);
  result = read_idx_folder(folder_, 10);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result.value().train.size(), 3U);
  EXPECT_THAT(result.value().test.labels, testing::ElementsAre(3));

  write_gzip("t10k-images-idx3-ubyte.gz", images_file(1, 2, 1, "zz"));
  result = read_idx_folder(folder_, 10);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message,
              HasSubstr("t10k-images-idx3-ubyte.gz: byte 8: images of 2 x 1; expected 1 x 2"));
}

}  // namespace
}  // namespace meridian
