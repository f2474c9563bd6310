#include "src/monitoring/text_format.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <optional>

namespace meridian::monitoring {
namespace {

constexpr std::size_t kMostSamples = 1'000'000;

/// Reads one line from its beginning on; each function says whether what it looks for was there.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  std::optional<Sample> read() {
    Sample sample;
    if (!read_name(sample.name)) return std::nullopt;
    if (take('{') && !read_labels(sample)) return std::nullopt;
    skip_blanks();
    if (!read_value(sample.value)) return std::nullopt;
    return sample;
  }

 private:
  static bool may_stand_in_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
  }

  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
  }

  bool take(char c) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool read_name(std::string& name) {
    skip_blanks();
    while (!rest_.empty() && may_stand_in_name(rest_.front())) {
      name += rest_.front();
      rest_.remove_prefix(1);
    }
    return !name.empty();
  }

  bool read_labels(Sample& sample) {
    while (!take('}')) {
      std::string key;
      std::string text;
      if (!read_name(key) || !take('=') || !read_quoted(text)) return false;
      sample.labels[key] = std::move(text);
      if (!take(',') && (rest_.empty() || rest_.front() != '}')) return false;
    }
    return true;
  }

  bool read_quoted(std::string& text) {
    if (!take('"')) return false;
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c == '\\' && !rest_.empty()) {
        c = rest_.front() == 'n' ? '\n' : rest_.front();
        rest_.remove_prefix(1);
      }
      text += c;
    }
    return false;
  }

  bool read_value(double& value) {
    const std::string_view word = rest_.substr(0, rest_.find_first_of(" \t"));
    if (word == "+Inf" || word == "Inf") {
      value = std::numeric_limits<double>::infinity();
    } else if (word == "-Inf") {
      value = -std::numeric_limits<double>::infinity();
    } else if (word == "NaN" || word == "Nan") {
      value = std::numeric_limits<double>::quiet_NaN();
    } else {
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
      if (error != std::errc() || end != word.data() + word.size()) return false;
    }
    return true;
  }

  std::string_view rest_;
};

}  // namespace

std::string_view Sample::label(std::string_view key) const {
  const auto found = labels.find(key);
  return found == labels.end() ? std::string_view() : found->second;
}

Result<std::vector<Sample>> parse_text_format(std::string_view text) {
  std::vector<Sample> samples;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos || line[first] == '#') continue;
    std::optional<Sample> sample = LineReader(line).read();
    if (!sample) return Error{fmt::format("line {} is no sample in Prometheus' text format", number)};
    if (samples.size() >= kMostSamples) return Error{fmt::format("more than {} samples", kMostSamples)};
    samples.push_back(*std::move(sample));
  }
  return samples;
}

}  // namespace meridian::monitoring
