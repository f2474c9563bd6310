#include "src/output/timeline.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "src/output/atomic_file.h"
#include "src/output/json_object_reader.h"

namespace meridian::output {

namespace {

Result<TimelineSample> sample_from_line(std::string_view line, const std::string& where) {
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
  if (json.is_discarded()) return Error{where + ": is not valid JSON"};
  Failure failure;
  JsonObjectReader reader(json, where, "", failure);
  TimelineSample sample;
  sample.time_s = reader.number("time_s");
  sample.clock = reader.count("clock");
  sample.datacenter = reader.text("datacenter");
  sample.objective = reader.number_or_null("objective");
  sample.wan_bytes = reader.count("wan_bytes");
  if (json.contains("payload_bytes")) sample.payload_bytes = reader.count("payload_bytes");
  sample.entries_sent_share = reader.number_or_null("entries_sent_share");
  // Lines of earlier versions have neither of these, nor payload_bytes.
  sample.train_loss = reader.number_or_null("train_loss", /*required=*/false);
  if (json.contains("figures")) {
    JsonObjectReader figures = reader.object("figures");
    for (const auto& [name, value] : json["figures"].items()) {
      if (failure) break;
      sample.figures.push_back({name, figures.number(name.c_str())});
    }
  }
  if (failure) return *std::move(failure);
  return sample;
}

}  // namespace

std::string to_json_line(const TimelineSample& sample) {
  using Json = nlohmann::ordered_json;
  Json json{
      {"time_s", sample.time_s},
      {"clock", sample.clock},
      {"datacenter", sample.datacenter},
      {"objective", sample.objective ? Json(*sample.objective) : Json(nullptr)},
      {"wan_bytes", sample.wan_bytes},
      {"payload_bytes", sample.payload_bytes},
      {"entries_sent_share", sample.entries_sent_share ? Json(*sample.entries_sent_share) : Json(nullptr)}};
  // Where there is nothing to say, nothing is said: as before there were any.
  if (sample.train_loss) json["train_loss"] = *sample.train_loss;
  for (const NamedFigure& figure : sample.figures) json["figures"][figure.name] = figure.value;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Timeline> timeline_from_text(std::string_view text, const std::string& file) {
  Timeline timeline;
  std::size_t line_number = 0;
  while (!text.empty()) {
    ++line_number;
    const std::string where = fmt::format("{}:{}", file, line_number);
    const std::size_t end = text.find('\n');
    const bool last = end == std::string_view::npos || end + 1 == text.size();
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.size() > kTimelineLineLimitBytes) {
      return Error{fmt::format("{}: is longer than {} bytes", where, kTimelineLineLimitBytes)};
    }
    Result<TimelineSample> sample = sample_from_line(line, where);
    if (sample) {
      timeline.samples.push_back(std::move(sample).value());
    } else if (last) {
      timeline.note = where + ": the last line is not whole and was left out";
    } else {
      return sample.error();
    }
  }
  return timeline;
}

Result<Timeline> read_timeline(const std::filesystem::path& path) {
  const Result<std::string> text = read_text(path, kTimelineLimitBytes);
  if (!text) return text.error();
  return timeline_from_text(text.value(), path.string());
}

std::vector<TimelineSample> merge_timelines(std::vector<std::vector<TimelineSample>> timelines) {
  std::vector<TimelineSample> merged;
  for (std::vector<TimelineSample>& timeline : timelines)
    std::ranges::move(timeline, std::back_inserter(merged));
  std::ranges::stable_sort(merged, {}, &TimelineSample::time_s);
  return merged;
}

Failure write_timeline(const std::filesystem::path& path, const std::vector<TimelineSample>& samples) {
  std::string text;
  for (const TimelineSample& sample : samples) text += to_json_line(sample);
  return write_text_atomically(path, text);
}

TimelineWriter::TimelineWriter(std::filesystem::path path) : path_(std::move(path)) {}

TimelineWriter::~TimelineWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Failure TimelineWriter::open() {
  MERIDIAN_CHECK(descriptor_ < 0, "{}", path_.string());
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ >= 0) return std::nullopt;
  return Error{
      fmt::format("{}: cannot be created: {}", path_.string(), std::generic_category().message(errno))};
}

Failure TimelineWriter::append(const TimelineSample& sample) {
  MERIDIAN_CHECK(descriptor_ >= 0, "{}", path_.string());
  const std::string line = to_json_line(sample);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      return Error{
          fmt::format("{}: cannot be written: {}", path_.string(), std::generic_category().message(errno))};
    }
  }
  return std::nullopt;
}

}  // namespace meridian::output
