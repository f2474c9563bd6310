// Goal: samples are read as they are, whatever is wrong ends in an error that names the file and the line,
// and no input crashes the reader. How: small files, each spoilt in one known way, and thousands spoilt at
// random; a9a where MERIDIAN_DATA names a folder with it.
#include "src/data/libsvm_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/src/data/real_data.h"
#include "tests/src/data/text_files.h"

namespace meridian {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kSamples = "+1 1:0.5 3:-2 \n-1 2:1e-3\n-1\n+1 7:1 9:4 # a comment 3:4\n";

class Samples : public TextFiles {
 protected:
  std::string error_of(const std::string& text, const LibsvmOptions& options = {}) const {
    const auto samples = read_libsvm({write("s", text)}, options);
    return samples.ok() ? "read without error" : samples.error().message;
  }
};

void expect_sound(const SparseSamples& samples) {
  ASSERT_EQ(samples.offsets.size(), samples.size() + 1);
  ASSERT_EQ(samples.offsets.front(), 0U);
  ASSERT_EQ(samples.offsets.back(), samples.entries());
  ASSERT_EQ(samples.value.size(), samples.entries());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_LT(samples.labels[i], samples.classes());
    ASSERT_LE(samples.offsets[i], samples.offsets[i + 1]);
    for (std::size_t k = samples.offsets[i]; k < samples.offsets[i + 1]; ++k) {
      EXPECT_LT(samples.feature[k], samples.features);
      EXPECT_TRUE(std::isfinite(samples.value[k]));
      if (k > samples.offsets[i]) {
        EXPECT_LT(samples.feature[k - 1], samples.feature[k]);
      }
    }
  }
}

TEST_F(Samples, AreReadWithTheirLabels) {
  for (const std::string& path : {write("s", kSamples), write_gzip("g", kSamples)}) {
    const auto result = read_libsvm({path});
    ASSERT_TRUE(result.ok()) << result.error().message;
    const SparseSamples& samples = result.value();
    EXPECT_EQ(samples.size(), 4U);
    EXPECT_EQ(samples.features, 9U);
    EXPECT_THAT(samples.features_of(0), ElementsAre(0, 2));
    EXPECT_THAT(samples.values_of(0), ElementsAre(0.5F, -2.0F));
    EXPECT_THAT(samples.values_of(1), ElementsAre(1e-3F));
    EXPECT_THAT(samples.features_of(2), IsEmpty());
    EXPECT_THAT(samples.features_of(3), ElementsAre(6, 8));
    EXPECT_THAT(samples.labels, ElementsAre(1, 0, 0, 1));
    EXPECT_THAT(samples.label_values, ElementsAre(-1.0F, 1.0F));
  }
}

TEST_F(Samples, HaveClassesInTheOrderOfTheirLabels) {
  const auto samples = read_libsvm({write("s", "3 1:1\n1 1:1\n2 1:1\n3 1:1\n")});
  EXPECT_THAT(samples.value().labels, ElementsAre(2, 0, 1, 2));
  EXPECT_THAT(samples.value().label_values, ElementsAre(1, 2, 3));
  EXPECT_THAT(read_libsvm({write("s", "0 1:1\n1 1:1\n")}).value().label_values, ElementsAre(0, 1));
}

TEST_F(Samples, TakeFeaturesAndClassesThatAreGiven) {
  const auto samples = read_libsvm({write("s", "1 2:1\n")}, {.features = 5, .label_values = {-1.0F, 1.0F}});
  ASSERT_TRUE(samples.ok()) << samples.error().message;
  EXPECT_EQ(samples.value().features, 5U);
  EXPECT_THAT(samples.value().labels, ElementsAre(1));
  EXPECT_THAT(error_of("1 2:1\n-1 6:1\n", {.features = 5}),
              EndsWith("/s:2: feature 6; expected 1 to 5, as workload.data.features says"));
  EXPECT_THAT(error_of("1 2:1\n2 5:1\n", {.label_values = {-1.0F, 1.0F}}),
              EndsWith("/s:2: label 2; expected one of -1, 1"));
}

TEST_F(Samples, OfSeveralSourcesFollowOneAnother) {
  write("a/a", "1 1:1\n2 1:1\n");
  write_gzip("a/a.t.gz", "2 2:1\n");
  write("b-2", "3 3:1\n");
  write("b-1", "1 4:1\n");
  const auto both = read_libsvm({folder_ / "b-*", folder_ / "a/"});
  ASSERT_TRUE(both.ok()) << both.error().message;
  EXPECT_THAT(both.value().feature, ElementsAre(3, 2, 0, 0));
  EXPECT_THAT(both.value().labels, ElementsAre(0, 2, 0, 1));
  EXPECT_THAT(both.value().source_sizes, ElementsAre(2, 2));
  const auto held_out = read_libsvm({folder_ / "a"}, {.label_values = {1.0F, 2.0F}, .held_out = true});
  ASSERT_TRUE(held_out.ok()) << held_out.error().message;
  EXPECT_THAT(held_out.value().labels, ElementsAre(1));
}

TEST_F(Samples, TellWhatIsWrongAndWhere) {
  EXPECT_THAT(error_of("x 1:1\n"),
              EndsWith("/s:1: 'x 1:1'; expected a label, a whole number of at most 2^24, first"));
  EXPECT_THAT(error_of("0.5 1:1\n"), HasSubstr("s:1: '0.5 1:1'; expected a label"));
  EXPECT_THAT(error_of("nan 1:1\n"), HasSubstr("expected a label"));
  EXPECT_THAT(error_of("1 1:1\n20000000 1:1\n"), HasSubstr("s:2: '20000000 1:1'; expected a label"));
  EXPECT_THAT(error_of("1 0:1\n"), EndsWith("s:1: feature 0; expected ids from 1"));
  EXPECT_THAT(error_of("1 1:1 2:1 2:1\n"), EndsWith("s:1: feature 2 after feature 2; expected them rising"));
  EXPECT_THAT(error_of("1 3:1 2:1\n"), EndsWith("s:1: feature 2 after feature 3; expected them rising"));
  EXPECT_THAT(error_of("1 3:nan\n"),
              EndsWith("s:1: feature 3 has no finite number for a value in '1 3:nan'; expected one"));
  EXPECT_THAT(error_of("1 3:1e39\n"), HasSubstr("feature 3 has no finite number"));
  EXPECT_THAT(error_of("1 3:\n"), HasSubstr("feature 3 has no finite number"));
  EXPECT_THAT(error_of("1 3\n"),
              EndsWith("s:1: '1 3'; expected blanks, id:value after the label, ids of at most 4294967295"));
  EXPECT_THAT(error_of("1 3:1x\n"), HasSubstr("expected blanks, id:value after feature 3"));
  EXPECT_THAT(error_of("1 3:1 4294967296:1\n"), HasSubstr("after feature 3, ids of at most 4294967295"));
  EXPECT_THAT(error_of("1 qid:3 1:1\n"), HasSubstr("expected blanks, id:value after the label"));
  EXPECT_THAT(error_of("1,1:1\n"), HasSubstr("expected blanks, id:value after the label"));
  EXPECT_THAT(error_of(""), EndsWith("s:1: no sample in the file; expected at least one"));
  EXPECT_THAT(error_of("1 1:1\n1 2:1\n"),
              EndsWith("s: every sample has the label 1; expected at least 2 classes"));
  EXPECT_THAT(error_of("1 1:1\n\n1 2:1\n"), HasSubstr("s:2: an empty line"));
  std::string many;
  for (int label = 0; label <= 1000; ++label) many += std::to_string(label) + " 1:1\n";
  EXPECT_THAT(error_of(many), EndsWith("s:1001: label 1000 is a further one; expected at most 1000 classes"));
  EXPECT_THAT(read_libsvm({}).error().message, HasSubstr("no source"));
}

TEST_F(Samples, HeldOutOnesAreReadWithoutFeaturesThatNobodyHasTrained) {
  const auto held_out = read_libsvm({write("t", "1 2:1 7:1\n-1 9:1\n")},
                                    {.features = 3, .label_values = {-1.0F, 1.0F}, .held_out = true});
  ASSERT_TRUE(held_out.ok()) << held_out.error().message;
  EXPECT_EQ(held_out.value().features, 3U);
  EXPECT_THAT(held_out.value().feature, ElementsAre(1));
  EXPECT_THAT(held_out.value().offsets, ElementsAre(0, 1, 1));
}

TEST_F(Samples, AFeatureFarFromAllOthersIsAMistake) {
  EXPECT_TRUE(read_libsvm({write("s", "1 4194304:1\n-1 1:1\n")}).ok());
  EXPECT_THAT(read_libsvm({write("s", "1 4194305:1\n-1 1:1\n")}).error().message,
              HasSubstr("features up to 4194305 in 2 entries; expected at most 4194304"));
}

TEST_F(Samples, SpoiltAtRandomNeverCrashIt) {
  Random random(29);
  std::size_t read = 0;
  for (std::size_t round = 0; round < 2500; ++round) {
    const auto samples = read_libsvm({write("s", mutated(random, kSamples))});
    if (samples.ok()) {
      ++read;
      expect_sound(samples.value());
    } else {
      EXPECT_THAT(samples.error().message, HasSubstr("/s:"));
    }
  }
  EXPECT_GT(read, 100U);
  EXPECT_LT(read, 2200U);
  const std::string content = content_of(write_gzip("whole", kSamples));
  for (std::size_t round = 0; round < 500; ++round) {
    const auto samples = read_libsvm({write("s", mutated(random, content))});
    if (samples.ok()) expect_sound(samples.value());
  }
}

TEST(A9a, IsReadWhole) {
  const auto folder = real_data("a9a");
  if (!folder) GTEST_SKIP() << kNoRealData;
  const auto train = read_libsvm({folder->string()});
  ASSERT_TRUE(train.ok()) << train.error().message;
  EXPECT_EQ(train.value().size(), 32561U);
  EXPECT_EQ(train.value().features, 123U);
  EXPECT_THAT(train.value().label_values, ElementsAre(-1.0F, 1.0F));
  expect_sound(train.value());
  const auto test = read_libsvm(
      {folder->string()},
      {.features = train.value().features, .label_values = train.value().label_values, .held_out = true});
  ASSERT_TRUE(test.ok()) << test.error().message;
  EXPECT_EQ(test.value().size(), 16281U);
}

}  // namespace
}  // namespace meridian
