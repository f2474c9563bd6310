// Reads a text file, plain or gzip (told by its content, not its name), line by line from front to end. Only
// a block of the text is in memory at a time. It knows the file's name and the number of the line, which is
// what every error needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

struct gzFile_s;  // of zlib

namespace meridian {

/// Lines end in "\n" or "\r\n", the last one with or without. Empty lines are an error, except at the end of
/// the file, where they are passed over; so is a line of more than 16 MiB. Not thread-safe.
class LineReader {
 public:
  explicit LineReader(std::filesystem::path path) : path_(std::move(path)) {}

  /// Opens the file. Errors: it cannot be opened.
  Failure open();

  /// Points `line` at the next line, without its end; valid until the next call. False at the end of the file
  /// and where it cannot be read further: failure() tells which.
  bool next(std::string_view& line) {
    const char* const start = block_.data() + position_;
    const std::size_t left = filled_ - position_;
    const void* const end = left == 0 ? nullptr : std::memchr(start, '\n', left);
    if (end == nullptr) return next_over_blocks(line);
    const auto length = static_cast<std::size_t>(static_cast<const char*>(end) - start);
    position_ += length + 1;
    ++line_number_;
    line = without_return({start, length});
    return !line.empty() || pass_empty_lines(line);
  }

  /// Why the file could not be read to its end, if so: "file:line: what, expected what".
  const Failure& failure() const { return failure_; }

  /// The number of the line last read, from 1; 0 before the first.
  std::uint64_t line_number() const { return line_number_; }

  /// "file:line: what", for the line last read.
  Error error(const std::string& what) const { return error_at(line_number_, what); }
  Error error_at(std::uint64_t line_number, const std::string& what) const;

  /// "file:line: 'the line'; expected ...". A long line is cut, and what cannot be printed is escaped.
  Error unexpected(std::string_view line, const std::string& expected) const;

  const std::filesystem::path& path() const { return path_; }

 private:
  struct Close {
    void operator()(gzFile_s* file) const;
  };

  static std::string_view without_return(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }

  bool next_over_blocks(std::string_view& line);
  bool pass_empty_lines(std::string_view& line);
  bool fill_block();

  std::filesystem::path path_;
  std::unique_ptr<gzFile_s, Close> file_;
  std::vector<char> block_;
  std::size_t position_ = 0;  // of the next line in block_
  std::size_t filled_ = 0;    // bytes of block_ that hold text
  bool ended_ = false;        // nothing more to read into block_
  std::uint64_t line_number_ = 0;
  Failure failure_;
};

/// `text` in single quotes for an error: cut after 60 characters, with \xNN for what cannot be printed.
std::string quote(std::string_view text);

}  // namespace meridian
