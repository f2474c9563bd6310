// timeline.jsonl: one line for each evaluation of one datacenter's replica, in the order of time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/workload/learner.h"

namespace meridian::output {

struct TimelineSample {
  double time_s = 0.0;      ///< since the first clock's start
  std::uint64_t clock = 0;  ///< finished clocks of this datacenter
  std::string datacenter;
  std::optional<double> objective;
  std::uint64_t wan_bytes = 0;               ///< what this datacenter has sent to others so far
  std::optional<double> entries_sent_share;  ///< of the entries considered so far, 0 to 1
  std::optional<double> train_loss = {};     ///< mean over the samples since the line before
  std::vector<NamedFigure> figures = {};     ///< the workload's other figures of this evaluation
  std::uint64_t payload_bytes = 0;           ///< of wan_bytes: updates without headers and framing

  bool operator==(const TimelineSample&) const = default;
};

/// The line, its newline included. Equal samples give equal bytes.
std::string to_json_line(const TimelineSample& sample);

struct Timeline {
  std::vector<TimelineSample> samples;
  /// Said where the last line was not whole, as after a crash, and was left out.
  std::optional<std::string> note;
};

/// Limits on what is read: no honest file comes near them.
inline constexpr std::size_t kTimelineLineLimitBytes = 64UL << 10;
inline constexpr std::size_t kTimelineLimitBytes = 1UL << 30;

/// Any text may be given; an error names the file and the line.
Result<Timeline> timeline_from_text(std::string_view text, const std::string& file);
Result<Timeline> read_timeline(const std::filesystem::path& path);

/// All samples by time; those of equal time keep the order in which they were given.
std::vector<TimelineSample> merge_timelines(std::vector<std::vector<TimelineSample>> timelines);

/// Writes a whole timeline at once, whole or not at all.
Failure write_timeline(const std::filesystem::path& path, const std::vector<TimelineSample>& samples);

/// A timeline that grows while the run goes on, so that a crash leaves all but its last line. Not
/// thread-safe.
class TimelineWriter {
 public:
  explicit TimelineWriter(std::filesystem::path path);
  TimelineWriter(const TimelineWriter&) = delete;
  TimelineWriter& operator=(const TimelineWriter&) = delete;
  ~TimelineWriter();

  /// Starts an empty file. Errors here and in append() name the path and the reason.
  Failure open();

  /// Writes the line through to the operating system. Requires open() to have succeeded.
  Failure append(const TimelineSample& sample);

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace meridian::output
