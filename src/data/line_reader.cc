#include "src/data/line_reader.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>

namespace meridian {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 18;
constexpr std::size_t kLongestLine = std::size_t{1} << 24;
constexpr unsigned kGzipBuffer = 1U << 17;

}  // namespace

void LineReader::Close::operator()(gzFile_s* file) const { gzclose(file); }

Failure LineReader::open() {
  errno = 0;
  file_.reset(gzopen(path_.c_str(), "rb"));
  if (!file_) return Error{fmt::format("{}: cannot open: {}", path_.string(), std::strerror(errno))};
  gzbuffer(file_.get(), kGzipBuffer);
  block_.resize(kBlock);
  return {};
}

Error LineReader::error_at(std::uint64_t line_number, const std::string& what) const {
  return Error{fmt::format("{}:{}: {}", path_.string(), line_number, what)};
}

Error LineReader::unexpected(std::string_view line, const std::string& expected) const {
  return error(fmt::format("{}; expected {}", quote(line), expected));
}

// The next line is not whole in block_: it is the last one, or more must be read.
bool LineReader::next_over_blocks(std::string_view& line) {
  while (!failure_) {
    const char* const start = block_.data() + position_;
    const std::size_t left = filled_ - position_;
    if (left != 0 && (ended_ || std::memchr(start, '\n', left) != nullptr)) {
      if (std::memchr(start, '\n', left) != nullptr) return next(line);
      position_ = filled_;
      ++line_number_;
      line = without_return({start, left});
      return !line.empty();
    }
    if (ended_ || !fill_block()) return false;
  }
  return false;
}

// An empty line was read. Only empty ones may follow it.
bool LineReader::pass_empty_lines(std::string_view& line) {
  const std::uint64_t first_empty = line_number_;
  while (true) {
    const std::size_t left = filled_ - position_;
    if (left == 0) {
      if (ended_ || !fill_block()) return false;
      continue;
    }
    const char next_byte = block_[position_];
    if (next_byte != '\n' && next_byte != '\r') break;
    position_ += 1;
    line_number_ += next_byte == '\n' ? 1 : 0;
  }
  failure_ = error_at(first_empty, "an empty line; expected none before the end of the file");
  line = {};
  return false;
}

// Keeps what is left of block_ and reads on behind it. False when that fails.
bool LineReader::fill_block() {
  const std::size_t left = filled_ - position_;
  std::copy(block_.begin() + static_cast<std::ptrdiff_t>(position_),
            block_.begin() + static_cast<std::ptrdiff_t>(filled_), block_.begin());
  position_ = 0;
  filled_ = left;
  if (left >= kLongestLine) {
    failure_ = error_at(line_number_ + 1,
                        fmt::format("a line of more than {} bytes; expected lines of text", kLongestLine));
    return false;
  }
  if (left == block_.size()) block_.resize(2 * block_.size());
  const auto wanted = static_cast<unsigned>(block_.size() - filled_);
  const int got = gzread(file_.get(), block_.data() + filled_, wanted);
  int code = Z_OK;
  std::string_view reason = gzerror(file_.get(), &code);
  const std::string prefix = path_.string() + ": ";
  if (reason.starts_with(prefix)) reason.remove_prefix(prefix.size());
  if (got > 0) filled_ += static_cast<std::size_t>(got);
  if (got == static_cast<int>(wanted)) return true;
  ended_ = true;
  if (got >= 0 && code == Z_OK) return true;
  // The text before the fault is whole, but nothing made of a part of a file is of use.
  const std::uint64_t line_number =
      line_number_ + 1 +
      static_cast<std::uint64_t>(
          std::count(block_.begin(), block_.begin() + static_cast<std::ptrdiff_t>(filled_), '\n'));
  failure_ = error_at(line_number,
                      code == Z_BUF_ERROR
                          ? std::string("the gzip stream is cut off; expected it to go on to its end")
                          : fmt::format("cannot read on: {}; expected plain or gzip text",
                                        code == Z_ERRNO ? std::string_view(std::strerror(errno)) : reason));
  return false;
}

std::string quote(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string result = "'";
  for (const char c : text.substr(0, kMost)) {
    if (c == '\t') {
      result += "\\t";
    } else if (c >= ' ' && c <= '~') {
      result += c;
    } else {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return result + (text.size() > kMost ? "...'" : "'");
}

}  // namespace meridian
