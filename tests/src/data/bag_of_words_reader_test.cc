// Goal: documents are read as they are, whatever is wrong ends in an error that names the file and the line,
// and no input crashes the reader. How: small files, each spoilt in one known way, and thousands spoilt at
// random; the KOS documents where MERIDIAN_DATA names a folder with them.
#include "src/data/bag_of_words_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

constexpr const char* kVocabulary = "ant\nbee\ncat\n";
constexpr const char* kDocuments = "5\n3\n4\n2 3 1\n2 1 7\n4 1 2\n4 2 1\n";

class Documents : public TextFiles {
 protected:
  void SetUp() override {
    TextFiles::SetUp();
    write("vocab.d.txt", kVocabulary);
    write_gzip("gzip/vocab.d.txt.gz", kVocabulary);
  }
  std::string error_of(const std::string& text) const {
    const auto set = read_bag_of_words({write("docword.d.txt", text)});
    return set.ok() ? "read without error" : set.error().message;
  }
};

void expect_sound(const BagOfWords& set) {
  ASSERT_EQ(set.vocabulary.size(), set.words);
  ASSERT_EQ(set.count.size(), set.entries());
  ASSERT_EQ(set.offsets.front(), 0U);
  ASSERT_EQ(set.offsets.back(), set.entries());
  for (std::size_t d = 0; d < set.documents(); ++d) {
    ASSERT_LE(set.offsets[d], set.offsets[d + 1]);
    for (std::size_t i = set.offsets[d]; i < set.offsets[d + 1]; ++i) {
      EXPECT_LT(set.word[i], set.words);
      EXPECT_GE(set.count[i], 1U);
      if (i > set.offsets[d]) {
        EXPECT_LT(set.word[i - 1], set.word[i]);
      }
    }
  }
}

TEST_F(Documents, AreReadWithTheirVocabulary) {
  for (const std::string& path : {write("docword.d.txt", kDocuments),
                                  write_gzip("gzip/docword.d.txt.gz", kDocuments), folder_.string()}) {
    const auto result = read_bag_of_words({path});
    ASSERT_TRUE(result.ok()) << path << ": " << result.error().message;
    const BagOfWords& set = result.value();
    EXPECT_EQ(set.documents(), 5U);
    EXPECT_EQ(set.words, 3U);
    EXPECT_EQ(set.tokens(), 11U);
    EXPECT_THAT(set.words_of(0), IsEmpty());
    EXPECT_THAT(set.words_of(1), ElementsAre(0, 2));
    EXPECT_THAT(set.counts_of(1), ElementsAre(7, 1));
    EXPECT_THAT(set.words_of(2), IsEmpty());
    EXPECT_THAT(set.counts_of(3), ElementsAre(2, 1));
    EXPECT_THAT(set.words_of(4), IsEmpty());
    EXPECT_THAT(set.vocabulary, ElementsAre("ant", "bee", "cat"));
    EXPECT_THAT(set.source_sizes, ElementsAre(5));
  }
}

TEST_F(Documents, OfSeveralSourcesFollowOneAnother) {
  write("docword.d.txt", kDocuments);
  write_gzip("other/docword.e.txt.gz", "1\n3\n1\n1 2 9\n");
  const auto result =
      read_bag_of_words({folder_.string(), (folder_ / "other/docword*").string()}, folder_ / "vocab.d.txt");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result.value().documents(), 6U);
  EXPECT_THAT(result.value().counts_of(5), ElementsAre(9));
  EXPECT_THAT(result.value().source_sizes, ElementsAre(5, 1));
  expect_sound(result.value());
}

TEST_F(Documents, TellWhatIsWrongAndWhere) {
  EXPECT_THAT(error_of(""),
              EndsWith("docword.d.txt:1: the file ends; expected the number of documents, from 1 to "
                       "4294967295"));
  EXPECT_THAT(error_of("x\n3\n1\n"), HasSubstr("docword.d.txt:1: 'x'; expected the number of documents"));
  EXPECT_THAT(error_of("0\n3\n1\n"), HasSubstr(":1: '0'; expected the number of documents, from 1"));
  EXPECT_THAT(error_of("1\n3\n"), HasSubstr(":3: the file ends; expected the number of entries"));
  EXPECT_THAT(error_of("1 3 1\n1 1 1\n"), HasSubstr(":1: '1 3 1'; expected the number of documents"));
  EXPECT_THAT(error_of("1\n4\n1\n1 1 1\n"),
              EndsWith(":2: 4 words; expected 3, as many as the vocabulary has lines"));
  EXPECT_THAT(error_of("2\n3\n1\n3 1 1\n"), EndsWith(":4: document 3; expected 1 to 2, as line 1 says"));
  EXPECT_THAT(error_of("2\n3\n1\n0 1 1\n"), EndsWith(":4: document 0; expected 1 to 2, as line 1 says"));
  EXPECT_THAT(error_of("2\n3\n1\n1 4 1\n"), EndsWith(":4: word 4; expected 1 to 3, as line 2 says"));
  EXPECT_THAT(error_of("2\n3\n1\n1 0 1\n"), EndsWith(":4: word 0; expected 1 to 3, as line 2 says"));
  EXPECT_THAT(error_of("2\n3\n1\n1 1 0\n"),
              EndsWith(":4: '1 1 0'; expected a count from 1 to 4294967295, third"));
  EXPECT_THAT(error_of("2\n3\n1\n1 1 4294967296\n"),
              EndsWith("expected a count from 1 to 4294967295, third"));
  EXPECT_THAT(error_of("2\n3\n1\n1 1 1 1\n"), EndsWith("expected the end after the count"));
  EXPECT_THAT(error_of("2\n3\n1\n1 1\n"), HasSubstr(":4: '1 1'; expected a count"));
  EXPECT_THAT(error_of("2\n3\n1\n1 1 -1\n"), HasSubstr("expected a count"));
  EXPECT_THAT(error_of("2\n3\n1\n1 1 1\n1 2 1\n"),
              EndsWith(":5: one more entry; expected the end after 1, as line 3 says"));
  EXPECT_THAT(error_of("2\n3\n3\n1 1 1\n1 2 1\n"),
              EndsWith(":6: the file ends after 2 entries; expected 3, as line 3 says"));
  EXPECT_THAT(error_of("2\n3\n2\n2 1 1\n1 2 1\n"),
              EndsWith(":5: document 1 after document 2; expected them rising"));
  EXPECT_THAT(error_of("2\n3\n3\n1 2 1\n1 1 1\n1 2 1\n"),
              EndsWith(":6: document 1 has word 2 a second time; expected each word once"));
  EXPECT_THAT(error_of("2\n3\n4\n1 2 1\n1 2 1\n1 3 1\n2 1 1\n"),
              EndsWith(":5: document 1 has word 2 a second time; expected each word once"));
}

TEST_F(Documents, DoNotBelieveAHeaderThatClaimsMoreThanThereIs) {
  EXPECT_THAT(error_of("4294967295\n3\n1\n4294967295 1 1\n"),
              EndsWith(":1: 4294967295 documents but 1 entries; expected at most 10 documents an entry"));
  EXPECT_THAT(error_of("1\n3\n4294967295\n1 1 1\n"), HasSubstr(":5: the file ends after 1 entries"));
}

TEST_F(Documents, NeedOneVocabulary) {
  const std::string path = write("elsewhere/docword.x.txt", kDocuments);
  EXPECT_THAT(read_bag_of_words({path}).error().message, HasSubstr("expected vocab.x.txt or vocab*.txt"));
  write("elsewhere/vocab.1.txt", kVocabulary);
  EXPECT_TRUE(read_bag_of_words({path}).ok());
  write("elsewhere/vocab.2.txt", kVocabulary);
  EXPECT_THAT(read_bag_of_words({path}).error().message, HasSubstr("are both vocabularies"));
  write("elsewhere/vocab.x.txt", kVocabulary);
  EXPECT_TRUE(read_bag_of_words({path}).ok());
  EXPECT_THAT(read_bag_of_words({path}, write("empty", "")).error().message,
              EndsWith("empty:1: no word in the file; expected one a line"));
  EXPECT_THAT(read_bag_of_words({path}, write("gap", "a\n\nb\n")).error().message,
              HasSubstr("gap:2: an empty line"));
  EXPECT_THAT(read_bag_of_words({}).error().message, HasSubstr("no source"));
}

TEST_F(Documents, OfSeveralSourcesHaveTheSameWords) {
  const std::string here = write("here/docword.a.txt", kDocuments);
  write("here/vocab.a.txt", kVocabulary);
  const std::string there = write("there/docword.b.txt", kDocuments);
  write("there/vocab.b.txt", kVocabulary);
  EXPECT_TRUE(read_bag_of_words({here, there}).ok());
  std::string other(kVocabulary);
  std::swap(other.front(), other[1]);
  write("there/vocab.b.txt", other);
  EXPECT_THAT(read_bag_of_words({here, there}).error().message,
              HasSubstr("there/vocab.b.txt has other words than"));
  EXPECT_TRUE(read_bag_of_words({here, there}, folder_ / "here/vocab.a.txt").ok());
}

TEST_F(Documents, SpoiltAtRandomNeverCrashIt) {
  Random random(23);
  std::size_t read = 0;
  for (std::size_t round = 0; round < 2500; ++round) {
    const auto set = read_bag_of_words({write("docword.d.txt", mutated(random, kDocuments))});
    if (set.ok()) {
      ++read;
      expect_sound(set.value());
    } else {
      EXPECT_THAT(set.error().message, HasSubstr("/docword.d.txt:"));
    }
  }
  EXPECT_GT(read, 10U);
  EXPECT_LT(read, 2200U);
  const std::string content = content_of(write_gzip("whole", kDocuments));
  write("docword.d.txt", kDocuments);
  for (std::size_t round = 0; round < 500; ++round) {
    const std::string path = write("docword.g.txt", mutated(random, content));
    const auto set = read_bag_of_words({path}, folder_ / "vocab.d.txt");
    if (set.ok()) expect_sound(set.value());
    const std::string vocabulary = write("vocabulary", mutated(random, kVocabulary));
    const auto other = read_bag_of_words({folder_ / "docword.d.txt"}, vocabulary);
    if (other.ok()) expect_sound(other.value());
  }
}

TEST(Kos, IsReadWhole) {
  const auto folder = real_data("kos");
  if (!folder) GTEST_SKIP() << kNoRealData;
  const auto result = read_bag_of_words({folder->string()});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result.value().documents(), 3430U);
  EXPECT_EQ(result.value().words, 6906U);
  EXPECT_EQ(result.value().entries(), 353160U);
  EXPECT_EQ(result.value().tokens(), 467714U);
  expect_sound(result.value());
}

}  // namespace
}  // namespace meridian
