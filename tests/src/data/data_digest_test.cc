// Goal: two processes have the same digest exactly when they read the same data. Reached by small sets of
// each kind and one change to each of their parts.
#include "src/data/data_digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace meridian {
namespace {

/// Expects another digest after each change, and the same again without one.
template <typename Data>
void expect_seen(const Data& data, const std::function<std::string(const Data&)>& digest,
                 const std::vector<std::function<void(Data&)>>& changes) {
  std::set<std::string> digests{digest(data)};
  EXPECT_EQ(digest(Data(data)), *digests.begin());
  for (const auto& change : changes) {
    Data changed = data;
    change(changed);
    digests.insert(digest(changed));
  }
  EXPECT_EQ(digests.size(), changes.size() + 1);
}

TEST(DataDigest, SeesEveryByteAndWhereItStands) {
  const auto digest = [](const std::vector<std::uint8_t>& bytes) {
    DataDigest made;
    made.add_all(std::span<const std::uint8_t>(bytes));
    return made.text();
  };
  std::set<std::string> digests;
  for (std::size_t size = 0; size < 20; ++size) {
    std::vector<std::uint8_t> bytes(size, 0);
    digests.insert(digest(bytes));
    for (std::uint8_t& byte : bytes) {
      byte = 1;
      digests.insert(digest(bytes));
      byte = 0;
    }
  }
  EXPECT_EQ(digests.size(), 20U + 190U);
  EXPECT_THAT(*digests.begin(), testing::MatchesRegex("[0-9a-f]{16}"));
}

TEST(DataDigest, SeesWhichImages) {
  const ImageSet set{2, 1, {1, 2, 3, 4}, {0, 1}};
  const std::array<std::size_t, 1> one{2};
  expect_seen<TrainAndTest>(
      {set, set}, [&](const TrainAndTest& images) { return digest_of(images, one); },
      {[](auto& images) { images.train.pixels[3] = 5; }, [](auto& images) { images.train.labels[1] = 0; },
       [](auto& images) { images.test.pixels[0] = 5; },
       [](auto& images) { std::swap(images.train.height, images.train.width); }});
  EXPECT_NE(digest_of({set, set}, one), digest_of({set, set}, std::array<std::size_t, 2>{1, 1}));
}

TEST(DataDigest, SeesWhichRatings) {
  const Ratings ratings{2, 3, {0, 1}, {2, 1}, {3.5F, 1.0F}, {7, 9}, {1, 2, 3}, {2}};
  expect_seen<Ratings>(ratings, [](const Ratings& data) { return digest_of(data); },
                       {[](auto& data) { data.items = 4; }, [](auto& data) { data.value[1] = 2.0F; },
                        [](auto& data) { data.user[1] = 0; }, [](auto& data) { data.user_ids[0] = 8; },
                        [](auto& data) {
                          data.source_sizes = {1, 1};
                        }});
}

TEST(DataDigest, SeesWhichDocuments) {
  BagOfWords documents;
  documents.words = 2;
  documents.offsets = {0, 1, 3};
  documents.word = {0, 0, 1};
  documents.count = {1, 2, 3};
  documents.vocabulary = {"ab", "c"};
  documents.source_sizes = {2};
  expect_seen<BagOfWords>(documents, [](const BagOfWords& data) { return digest_of(data); },
                          {[](auto& data) { data.count[2] = 4; }, [](auto& data) { data.offsets[1] = 2; },
                           [](auto& data) { data.word[0] = 1; },
                           [](auto& data) {
                             data.vocabulary = {"a", "bc"};
                           }});
}

TEST(DataDigest, SeesWhichSamples) {
  SparseSamples samples;
  samples.features = 3;
  samples.offsets = {0, 1, 2};
  samples.feature = {2, 0};
  samples.value = {1.0F, 0.5F};
  samples.labels = {0, 1};
  samples.label_values = {-1.0F, 1.0F};
  samples.source_sizes = {2};
  expect_seen<SparseSamples>(samples, [&](const SparseSamples& train) { return digest_of(train, samples); },
                             {[](auto& data) { data.value[0] = 2.0F; },
                              [](auto& data) { data.labels[0] = 1; }, [](auto& data) { data.features = 4; }});
  SparseSamples others = samples;
  others.labels[1] = 0;
  EXPECT_NE(digest_of(samples, others), digest_of(samples, samples));
}

}  // namespace
}  // namespace meridian
