#include "src/data/ratings_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "src/data/data_files.h"
#include "src/data/line_reader.h"
#include "src/data/text_cursor.h"

namespace meridian {
namespace {

constexpr std::uint64_t kAnyWhole = std::numeric_limits<std::uint64_t>::max();

enum class Separator : std::uint8_t { blanks, colons, commas };

/// Numbers ids in the order of their appearance. Small ones, which is all of most files, are looked up in a
/// table; it grows with the largest seen, up to a bound.
class IdNumbers {
 public:
  std::uint32_t number_of(std::uint64_t id) {
    if (id >= kTableBound) return number_in(far_[id], id);
    if (id >= table_.size()) grow_table(id);
    return number_in(table_[id], id);
  }

  /// Numbers them anew, in rising order of id, and changes `numbers` with them. Returns the ids in that
  /// order.
  std::vector<std::uint64_t> sort(std::vector<std::uint32_t>& numbers) {
    std::vector<std::uint32_t> order(ids_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(),
              [this](std::uint32_t a, std::uint32_t b) { return ids_[a] < ids_[b]; });
    std::vector<std::uint32_t> rank(ids_.size());
    std::vector<std::uint64_t> sorted(ids_.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      rank[order[i]] = static_cast<std::uint32_t>(i);
      sorted[i] = ids_[order[i]];
    }
    for (std::uint32_t& number : numbers) number = rank[number];
    return sorted;
  }

 private:
  static constexpr std::uint64_t kTableBound = std::uint64_t{1} << 22;
  static constexpr std::size_t kFirstTable = 1024;

  // `entry` is the number plus one; 0 for an id not seen yet.
  std::uint32_t number_in(std::uint32_t& entry, std::uint64_t id) {
    if (entry == 0) {
      ids_.push_back(id);
      entry = static_cast<std::uint32_t>(ids_.size());
    }
    return entry - 1;
  }

  void grow_table(std::uint64_t id) {
    std::size_t size = std::max(kFirstTable, 2 * table_.size());
    while (size <= id) size *= 2;
    table_.resize(size);
  }

  std::vector<std::uint32_t> table_;
  std::unordered_map<std::uint64_t, std::uint32_t> far_;
  std::vector<std::uint64_t> ids_;
};

struct Line {
  std::uint64_t user = 0;
  std::uint64_t item = 0;
  float value = 0.0F;
};

template <Separator separator>
bool take_separator(TextCursor& cursor) {
  if constexpr (separator == Separator::blanks) return cursor.take_blanks();
  if constexpr (separator == Separator::colons) return cursor.take(':') && cursor.take(':');
  return cursor.take(',');
}

// Nothing, or what was expected instead.
template <Separator separator>
const char* parse_line(std::string_view text, Line& line) {
  TextCursor cursor(text);
  if (!cursor.take_whole(kAnyWhole, line.user)) return "a user's id, a whole number, first";
  if (!take_separator<separator>(cursor) || !cursor.take_whole(kAnyWhole, line.item)) {
    return "an item's id, a whole number, second";
  }
  if (!take_separator<separator>(cursor) || !cursor.take_float(line.value)) {
    return "a rating, a finite number, third";
  }
  if (cursor.at_end()) return nullptr;
  std::uint64_t time_stamp = 0;
  if (!take_separator<separator>(cursor)) return "the end or a separator after the rating";
  // Blanks at the end of a line separate nothing.
  if (separator == Separator::blanks && cursor.at_end()) return nullptr;
  if (!cursor.take_whole(kAnyWhole, time_stamp)) return "a time stamp, a whole number, fourth";
  return cursor.at_end() ? nullptr : "the end after the time stamp";
}

Separator separator_of(std::string_view line) {
  if (line.find("::") != std::string_view::npos) return Separator::colons;
  return line.find(',') != std::string_view::npos ? Separator::commas : Separator::blanks;
}

// "userId,movieId,rating,timestamp": at least three names, none of which begins as a number does.
bool is_header(std::string_view line) {
  std::size_t names = 0;
  while (true) {
    const std::size_t end = std::min(line.find(','), line.size());
    const std::string_view name = line.substr(0, end);
    if (name.empty() || std::string_view("0123456789+-.").find(name.front()) != std::string_view::npos) {
      return false;
    }
    ++names;
    if (end == line.size()) return names >= 3;
    line.remove_prefix(end + 1);
  }
}

class RatingsReader {
 public:
  explicit RatingsReader(const RatingsOptions& options) : options_(options) {}

  Failure read_source(const std::string& source) {
    const Result<std::vector<std::filesystem::path>> files =
        find_data_files(source, {"ratings.csv", "ratings.dat", "u.data"});
    if (!files) return files.error();
    const std::size_t before = ratings_.size();
    for (const std::filesystem::path& file : files.value()) {
      if (Failure failure = read_file(file)) return failure;
    }
    ratings_.source_sizes.push_back(ratings_.size() - before);
    return {};
  }

  Ratings finish() {
    ratings_.user_ids = users_.sort(ratings_.user);
    if (options_.items == 0) {
      ratings_.item_ids = items_.sort(ratings_.item);
    } else {
      ratings_.item_ids.resize(options_.items);
      std::iota(ratings_.item_ids.begin(), ratings_.item_ids.end(), std::uint64_t{1});
    }
    ratings_.users = ratings_.user_ids.size();
    ratings_.items = ratings_.item_ids.size();
    return std::move(ratings_);
  }

 private:
  Failure read_file(const std::filesystem::path& file) {
    LineReader reader(file);
    if (Failure failure = reader.open()) return failure;
    std::string_view line;
    bool there = reader.next(line);
    const Separator separator = separator_of(line);
    if (there && separator == Separator::commas && is_header(line)) there = reader.next(line);
    if (!there) {
      if (reader.failure()) return reader.failure();
      return reader.error_at(reader.line_number() + 1, "no rating in the file; expected at least one");
    }
    switch (separator) {
      case Separator::blanks:
        return read_lines<Separator::blanks>(reader, line);
      case Separator::colons:
        return read_lines<Separator::colons>(reader, line);
      case Separator::commas:
        return read_lines<Separator::commas>(reader, line);
    }
    return {};
  }

  template <Separator separator>
  Failure read_lines(LineReader& reader, std::string_view text) {
    constexpr std::size_t kMostRatings = std::numeric_limits<std::uint32_t>::max();
    Line line;
    do {
      if (const char* const expected = parse_line<separator>(text, line)) {
        return reader.unexpected(text, expected);
      }
      if (ratings_.size() == kMostRatings) {
        return reader.error(fmt::format("one more rating; expected at most {}", kMostRatings));
      }
      if (options_.items > 0 && (line.item == 0 || line.item > options_.items)) {
        return reader.error(
            fmt::format("item {}; expected 1 to {}, as workload.data.items says", line.item, options_.items));
      }
      ratings_.user.push_back(users_.number_of(line.user));
      ratings_.item.push_back(options_.items > 0 ? static_cast<std::uint32_t>(line.item - 1)
                                                 : items_.number_of(line.item));
      ratings_.value.push_back(line.value);
    } while (reader.next(text));
    return reader.failure();
  }

  const RatingsOptions& options_;
  Ratings ratings_;
  IdNumbers users_;
  IdNumbers items_;
};

}  // namespace

Result<Ratings> read_ratings(const std::vector<std::string>& sources, const RatingsOptions& options) {
  if (sources.empty()) return Error{"no source of ratings; expected at least one file"};
  RatingsReader reader(options);
  for (const std::string& source : sources) {
    if (Failure failure = reader.read_source(source)) return std::move(*failure);
  }
  return reader.finish();
}

}  // namespace meridian
