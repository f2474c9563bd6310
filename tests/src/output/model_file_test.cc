// Goal: a model is a valid safetensors file with the same bytes for the same values, reads back bit for bit,
// appears whole or not at all, and nothing a file claims is believed. Reached by a file checked byte for
// byte, by files that lie in every field, by random damage, and by a limit on file size that stands for a
// full disk.
#include "src/output/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <bit>
#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>

#include "src/base/random.h"
#include "tests/src/output/temporary_folder.h"

namespace meridian::output {
namespace {

using ::testing::HasSubstr;

std::string file_of(const std::string& header, const std::string& values) {
  std::string bytes(8, '\0');
  const std::uint64_t size = header.size();
  std::memcpy(bytes.data(), &size, sizeof size);
  return bytes + header + values;
}

class ModelFile : public ::testing::Test {
 protected:
  std::string error_of(const std::string& content) {
    put(path_, content);
    const Result<Model> model = read_model(path_);
    EXPECT_FALSE(model) << content;
    if (model) return {};
    EXPECT_THAT(model.error().message, HasSubstr(path_.string()));
    return model.error().message;
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "model.safetensors";
};

TEST_F(ModelFile, BytesAreThoseOfTheFormat) {
  const std::vector<TableSpec> tables = {{"w", 2, 1}};
  const std::vector<float> w = {1.0F, -2.0F};
  ASSERT_EQ(write_model(path_, tables, std::vector<std::span<const float>>{w}), std::nullopt);
  std::string header = R"({"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})";
  header.append((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(content_of(path_), file_of(header, std::string("\0\0\x80\x3f\0\0\0\xc0", 8)));
}

TEST_F(ModelFile, ReadsBackBitForBitInOrder) {
  const std::vector<TableSpec> tables = {{"z \"quoted\" \xc3\xa4", 3, 5}, {"empty", 0, 4}, {"a", 7, 1}};
  std::vector<FloatBuffer> values;
  std::vector<std::span<const float>> views;
  for (const TableSpec& table : tables) {
    FloatBuffer& buffer = values.emplace_back(table.size());
    for (std::size_t i = 0; i < buffer.size(); ++i) buffer[i] = 0.1F * static_cast<float>(i) - 0.3F;
  }
  values[0][1] = -0.0F;
  values[0][2] = std::numeric_limits<float>::denorm_min();
  for (const FloatBuffer& buffer : values) views.push_back(buffer.span());
  ASSERT_EQ(write_model(path_, tables, views), std::nullopt);
  const std::string bytes = content_of(path_);
  EXPECT_EQ((bytes.size() - 22 * sizeof(float)) % 8, 0U);

  const Result<Model> model = read_model(path_);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model.value().tables, tables);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    ASSERT_EQ(model.value().values[i].size(), values[i].size());
    if (values[i].empty()) continue;
    EXPECT_EQ(std::memcmp(model.value().values[i].data(), values[i].data(), values[i].size() * sizeof(float)),
              0);
  }
  ASSERT_EQ(write_model(path_, tables, views), std::nullopt);
  EXPECT_EQ(content_of(path_), bytes);
}

TEST_F(ModelFile, ReadsMetadataAndOneDimension) {
  put(path_,
      file_of(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
              std::string(4, '\0')));
  const Result<Model> model = read_model(path_);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model.value().tables, (std::vector<TableSpec>{{"b", 1, 1}}));
}

TEST_F(ModelFile, BelievesNothing) {
  const std::string four(4, '\0');
  EXPECT_THAT(error_of("short"), HasSubstr("too short"));
  EXPECT_THAT(error_of(std::string(8, '\xff') + "{}"), HasSubstr("a header of 18446744073709551615 bytes"));
  EXPECT_THAT(error_of(std::string("\x05\0\0\0\0\0\0\0{}", 10)),
              HasSubstr("a header of 5 bytes in a file of 10"));
  EXPECT_THAT(error_of(file_of("[]", "")), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of(file_of("{\"a\":", "")), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of(file_of("{}", four)), HasSubstr("4 bytes of values, of which the header describes 0"));
  EXPECT_THAT(error_of(file_of(R"({"a":7})", four)), HasSubstr("expected dtype, shape and data_offsets"));
  const auto tensor = [&](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return error_of(file_of(
        "{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}", four));
  };
  EXPECT_THAT(tensor("\"F64\"", "[1]", "[0,4]"), HasSubstr("expected F32"));
  EXPECT_THAT(tensor("\"F32\"", "[]", "[0,4]"), HasSubstr("shape"));
  EXPECT_THAT(tensor("\"F32\"", "[1,1,1]", "[0,4]"), HasSubstr("shape"));
  EXPECT_THAT(tensor("\"F32\"", "[-1]", "[0,4]"), HasSubstr("shape"));
  EXPECT_THAT(tensor("\"F32\"", "[1]", "[0]"), HasSubstr("data_offsets"));
  EXPECT_THAT(tensor("\"F32\"", "[1]", "[4,0]"), HasSubstr("data_offsets"));
  EXPECT_THAT(tensor("\"F32\"", "[2]", "[0,8]"), HasSubstr("within the file"));
  EXPECT_THAT(tensor("\"F32\"", "[2]", "[0,4]"), HasSubstr("disagree"));
  // Both products wrap around to the right number.
  EXPECT_THAT(tensor("\"F32\"", "[4294967297,4294967297]", "[0,4]"), HasSubstr("disagree"));
  EXPECT_THAT(tensor("\"F32\"", "[4611686018427387905]", "[0,4]"), HasSubstr("disagree"));
  EXPECT_THAT(tensor("\"F32\"", "[0]", "[4,4]"), HasSubstr("gaps"));
  const auto two = [&](const std::string& first, const std::string& second) {
    return error_of(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + first +
                                R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" + second + "}}",
                            std::string(16, '\0')));
  };
  EXPECT_THAT(two("[0,8]", "[4,12]"), HasSubstr("overlap"));
  EXPECT_THAT(two("[0,8]", "[0,8]"), HasSubstr("overlap"));
}

TEST_F(ModelFile, DamagedFilesNeverCrash) {
  const std::vector<TableSpec> tables = {{"a", 2, 3}, {"b", 4, 1}};
  const FloatBuffer a(6);
  const FloatBuffer b(4);
  ASSERT_EQ(write_model(path_, tables, std::vector<std::span<const float>>{a.span(), b.span()}),
            std::nullopt);
  const std::string whole = content_of(path_);
  const std::size_t header_end = whole.size() - 40;
  Random random(7);
  std::size_t refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string broken = whole;
    broken[random.below(header_end)] = static_cast<char>(random.below(256));
    if (random.below(4) == 0) broken.resize(random.below(broken.size()));
    put(path_, broken);
    if (!read_model(path_)) ++refused;
  }
  EXPECT_GT(refused, 1000U);
}

TEST_F(ModelFile, WhatCannotBeWrittenIsNamedAndTheOldFileStays) {
  put(path_, "the model of before");
  const std::vector<TableSpec> tables = {{"w", 1000, 10}};
  const FloatBuffer w(10000);
  struct rlimit unlimited {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &unlimited), 0);
  struct rlimit small = unlimited;
  small.rlim_cur = 4096;
  auto* const before = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Failure failure = write_model(path_, tables, std::vector<std::span<const float>>{w.span()});
  ::setrlimit(RLIMIT_FSIZE, &unlimited);
  ::signal(SIGXFSZ, before);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->message, path_.string() + ": cannot be written: File too large");
  EXPECT_EQ(content_of(path_), "the model of before");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);

  const auto nowhere = folder_.path() / "none" / "model.safetensors";
  const Failure missing = write_model(nowhere, tables, std::vector<std::span<const float>>{w.span()});
  ASSERT_TRUE(missing.has_value());
  EXPECT_EQ(missing->message, nowhere.string() + ": cannot be created: No such file or directory");
}

}  // namespace
}  // namespace meridian::output
