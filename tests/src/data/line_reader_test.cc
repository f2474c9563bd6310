// Goal: lines come as they are in the file, whatever the form of the file, of line ends and of blocks; what
// cannot be read to its end is an error with the number of the line. How: small files, lines around the size
// of a block, and gzip files cut or spoilt.
#include "src/data/line_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/src/data/text_files.h"

namespace meridian {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Read {
  std::vector<std::string> lines;
  std::string error;
};

Read read_all(const std::string& path) {
  LineReader reader(path);
  Read read;
  if (const Failure failure = reader.open()) return {{}, failure->message};
  std::string_view line;
  while (reader.next(line)) {
    read.lines.emplace_back(line);
    EXPECT_EQ(reader.line_number(), read.lines.size());
  }
  if (reader.failure()) read.error = reader.failure()->message;
  return read;
}

class Lines : public TextFiles {};

TEST_F(Lines, ComeWithoutTheirEnds) {
  for (const char* const text : {"a b\ncd\n", "a b\ncd", "a b\r\ncd\r\n", "a b\ncd\n\n\r\n\n"}) {
    const Read read = read_all(write("text", text));
    EXPECT_THAT(read.lines, ElementsAre("a b", "cd")) << text;
    EXPECT_EQ(read.error, "") << text;
  }
  EXPECT_THAT(read_all(write("text", "")).lines, IsEmpty());
  EXPECT_THAT(read_all(write("text", "\n\n")).lines, IsEmpty());
}

TEST_F(Lines, MayBeLongerThanABlockAndEndAnywhereInIt) {
  for (const std::size_t length : {262142U, 262143U, 262144U, 262145U, 524288U, 1000000U}) {
    const std::string long_line(length, 'x');
    for (const std::string& text : {fmt::format("a\n{}\nb\n", long_line), fmt::format("{}\r\nb", long_line),
                                    fmt::format("a\nb\n{}", long_line)}) {
      for (const std::string& path : {write("text", text), write_gzip("text.gz", text)}) {
        const Read read = read_all(path);
        std::string joined;
        for (const std::string& line : read.lines) joined += (joined.empty() ? "" : "\n") + line;
        EXPECT_TRUE(joined == text || joined + "\n" == text || read.lines.front() == long_line) << length;
        EXPECT_EQ(read.lines.size(), text.front() == 'a' ? 3U : 2U);
        EXPECT_EQ(read.error, "");
      }
    }
  }
}

TEST_F(Lines, OfManyBlocksAllCome) {
  std::string text;
  std::vector<std::string> lines;
  for (int i = 0; i < 200000; ++i) {
    lines.push_back(std::to_string(i * 7919LL % 1000003));
    text += lines.back() + (i % 3 == 0 ? "\r\n" : "\n");
  }
  EXPECT_EQ(read_all(write("text", text)).lines, lines);
  EXPECT_EQ(read_all(write_gzip("gzip", text)).lines, lines);
}

TEST_F(Lines, AreNotEmptyBeforeTheEnd) {
  const Read read = read_all(write("text", "a\n\n\nb\n"));
  EXPECT_THAT(read.lines, ElementsAre("a"));
  EXPECT_THAT(read.error, HasSubstr("text:2: an empty line; expected none before the end of the file"));
}

TEST_F(Lines, HaveABound) {
  const Read read = read_all(write_gzip("text", std::string("a\n").append((std::size_t{1} << 24) + 1, '\0')));
  EXPECT_THAT(read.error, HasSubstr("text:2: a line of more than 16777216 bytes"));
}

TEST_F(Lines, TellWhereAGzipFileIsCutOffOrSpoilt) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += std::to_string(i * 7919 % 65537) + "\n";
  const std::string path = write_gzip("numbers.gz", text);
  const std::string content = content_of(path);

  std::string spoilt = content;
  spoilt[spoilt.size() - 6] ^= 1;  // of the checksum
  EXPECT_THAT(
      read_all(write("spoilt", spoilt)).error,
      AllOf(HasSubstr(": cannot read on: incorrect data check"), HasSubstr("expected plain or gzip text")));

  for (const std::size_t length : {content.size() - 1, content.size() / 2, std::size_t{12}}) {
    EXPECT_THAT(read_all(write("cut", content.substr(0, length))).error,
                AllOf(HasSubstr("cut:"), HasSubstr(": the gzip stream is cut off")));
  }
}

TEST_F(Lines, NeedAFile) {
  EXPECT_THAT(read_all((folder_ / "nothing").string()).error,
              AllOf(HasSubstr("nothing: cannot open"), HasSubstr("No such file")));
  EXPECT_THAT(read_all(folder_.string()).error, HasSubstr("directory"));
}

TEST(Quote, CutsAndEscapes) {
  EXPECT_EQ(quote("a\tb\x01\xff"), "'a\\tb\\x01\\xff'");
  EXPECT_EQ(quote(std::string(61, 'x')), fmt::format("'{}...'", std::string(60, 'x')));
}

}  // namespace
}  // namespace meridian
