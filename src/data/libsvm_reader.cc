#include "src/data/libsvm_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include "src/data/data_files.h"
#include "src/data/line_reader.h"
#include "src/data/text_cursor.h"

namespace meridian {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kUsualFeatures = std::uint64_t{1} << 22;
constexpr std::uint64_t kFeaturesPerEntry = 64;
constexpr std::uint64_t kMostFeatures = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kMostClasses = 1000;
constexpr float kLargestLabel = 16777216.0F;  // 2^24: up to there a float holds every whole number
constexpr std::size_t kMostSamples = std::numeric_limits<std::uint32_t>::max();

std::vector<std::string> names_in_folder(const std::string& folder, bool held_out) {
  fs::path path = fs::path(folder).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  const std::string name = path.filename().string();
  if (held_out) return {name + ".t", "*test*"};
  return {name, "*train*"};
}

class LibsvmReader {
 public:
  explicit LibsvmReader(const LibsvmOptions& options) : options_(options) {
    samples_.label_values = options.label_values;
  }

  Failure read_source(const std::string& source) {
    const Result<std::vector<fs::path>> files =
        find_data_files(source, names_in_folder(source, options_.held_out));
    if (!files) return files.error();
    const std::size_t before = samples_.size();
    for (const fs::path& file : files.value()) {
      if (Failure failure = read_file(file)) return failure;
    }
    samples_.source_sizes.push_back(samples_.size() - before);
    return {};
  }

  Result<SparseSamples> finish() {
    samples_.features = options_.features > 0 ? options_.features : largest_id_;
    // Memory grows with the largest id: one that is far from all others is a mistake.
    const std::uint64_t most =
        std::max<std::uint64_t>(kUsualFeatures, kFeaturesPerEntry * samples_.entries());
    if (options_.features == 0 && largest_id_ > most) {
      return Error{fmt::format("{}: features up to {} in {} entries; expected at most {}",
                               last_file_.string(), largest_id_, samples_.entries(), most)};
    }
    if (!options_.label_values.empty()) return std::move(samples_);
    if (samples_.classes() < 2) {
      return Error{fmt::format("{}: every sample has the label {}; expected at least 2 classes",
                               last_file_.string(), samples_.label_values.front())};
    }
    sort_classes();
    return std::move(samples_);
  }

 private:
  Failure read_file(const fs::path& file) {
    LineReader reader(file);
    if (Failure failure = reader.open()) return failure;
    const std::size_t before = samples_.size();
    std::string_view line;
    while (reader.next(line)) {
      if (Failure failure = read_line(reader, line)) return failure;
    }
    if (reader.failure()) return reader.failure();
    if (samples_.size() == before) {
      return reader.error_at(reader.line_number() + 1, "no sample in the file; expected at least one");
    }
    last_file_ = file;
    return {};
  }

  Failure read_line(const LineReader& reader, std::string_view line) {
    TextCursor cursor(line);
    cursor.take_blanks();
    float label = 0.0F;
    if (!cursor.take_float(label) || std::abs(label) > kLargestLabel || label != std::floor(label)) {
      return reader.unexpected(line, "a label, a whole number of at most 2^24, first");
    }
    if (samples_.size() == kMostSamples) {
      return reader.error(fmt::format("one more sample; expected at most {}", kMostSamples));
    }
    if (Failure failure = read_label(reader, label)) return failure;
    std::uint64_t last_id = 0;
    while (true) {
      const bool apart = cursor.take_blanks();
      if (cursor.at_end() || cursor.at('#')) break;
      std::uint64_t id = 0;
      float value = 0.0F;
      if (!apart || !cursor.take_whole(kMostFeatures, id) || !cursor.take(':')) {
        return reader.unexpected(line, fmt::format("blanks, id:value after {}, ids of at most {}",
                                                   place_of(last_id), kMostFeatures));
      }
      if (!cursor.take_float(value)) {
        return reader.error(
            fmt::format("feature {} has no finite number for a value in {}; expected one", id, quote(line)));
      }
      if (Failure failure = check_id(reader, id, last_id)) return failure;
      last_id = id;
      // A weight that nothing has trained is 0, so a feature that only held-out samples have adds nothing.
      if (options_.held_out && options_.features > 0 && id > options_.features) continue;
      samples_.feature.push_back(static_cast<std::uint32_t>(id - 1));
      samples_.value.push_back(value);
    }
    largest_id_ = std::max(largest_id_, last_id);
    samples_.offsets.push_back(samples_.entries());
    return {};
  }

  static std::string place_of(std::uint64_t last_id) {
    return last_id == 0 ? "the label" : fmt::format("feature {}", last_id);
  }

  Failure check_id(const LineReader& reader, std::uint64_t id, std::uint64_t last_id) const {
    if (id == 0) return reader.error("feature 0; expected ids from 1");
    if (id <= last_id) {
      return reader.error(fmt::format("feature {} after feature {}; expected them rising", id, last_id));
    }
    if (options_.features > 0 && id > options_.features && !options_.held_out) {
      return reader.error(
          fmt::format("feature {}; expected 1 to {}, as workload.data.features says", id, options_.features));
    }
    return {};
  }

  Failure read_label(const LineReader& reader, float label) {
    std::vector<float>& values = samples_.label_values;
    auto found = std::find(values.begin(), values.end(), label);
    if (found == values.end()) {
      if (!options_.label_values.empty()) {
        return reader.error(fmt::format("label {}; expected one of {}", label, fmt::join(values, ", ")));
      }
      if (values.size() == kMostClasses) {
        return reader.error(
            fmt::format("label {} is a further one; expected at most {} classes", label, kMostClasses));
      }
      found = values.insert(found, label);
    }
    samples_.labels.push_back(static_cast<std::uint32_t>(found - values.begin()));
    return {};
  }

  // Classes were numbered as they came.
  void sort_classes() {
    const std::vector<float> found = samples_.label_values;
    std::vector<float>& values = samples_.label_values;
    std::sort(values.begin(), values.end());
    std::vector<std::uint32_t> rank(found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      rank[i] = static_cast<std::uint32_t>(std::lower_bound(values.begin(), values.end(), found[i]) -
                                           values.begin());
    }
    for (std::uint32_t& label : samples_.labels) label = rank[label];
  }

  const LibsvmOptions& options_;
  SparseSamples samples_;
  std::uint64_t largest_id_ = 0;
  fs::path last_file_;
};

}  // namespace

Result<SparseSamples> read_libsvm(const std::vector<std::string>& sources, const LibsvmOptions& options) {
  if (sources.empty()) return Error{"no source of samples; expected at least one file"};
  LibsvmReader reader(options);
  for (const std::string& source : sources) {
    if (Failure failure = reader.read_source(source)) return std::move(*failure);
  }
  return reader.finish();
}

}  // namespace meridian
