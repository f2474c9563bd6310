// The log in a run's folder: what happened when, in which process, as text or as JSON lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/process_id.h"
#include "src/base/time.h"
#include "src/config/config.h"
#include "src/program/repeat_filter.h"

namespace meridian::program {

/// Appends lines to a file; what cannot be written is not worth ending a run for. Not thread-safe.
class RunLog {
 public:
  enum class Level : std::uint8_t { info, warning, error };

  /// Whose word a line is.
  struct Origin {
    std::string datacenter;
    Role role = Role::server;
    std::uint16_t index = 0;
  };

  /// Replaces the file. `own`: whose word a line is that names nobody; of the run as a whole without it. With
  /// `wall_time` a line in JSON also says the time of day; a simulation has none.
  RunLog(const std::filesystem::path& file, const Config& config, std::optional<Origin> own, bool wall_time);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  /// `now` counts from the process's start, or from that of the simulation. Lines below the configured level
  /// are left out.
  void line(Time now, Level level, const std::string& text, const std::optional<Origin>& origin = {});
  /// Writes what is told of repeats by now. To be called now and then.
  void tick(Time now);
  /// A warning that may come again and again: told as RepeatFilter says. Returns what was told.
  std::vector<std::string> warn(Time now, const std::string& text, const std::optional<Origin>& origin = {});

 private:
  struct Sink;
  struct Repeats {
    std::optional<Origin> origin;
    RepeatFilter filter;
  };

  void write(Time now, Level level, const std::string& text, const std::optional<Origin>& origin);
  void write_all(Time now, const std::vector<std::string>& warnings, const std::optional<Origin>& origin);
  std::string as_text(Time now, Level level, const std::string& text, const Origin* origin) const;
  std::string as_json(Time now, Level level, const std::string& text, const Origin* origin) const;

  std::unique_ptr<Sink> sink_;
  std::string run_;
  std::optional<Origin> own_;
  bool json_;
  bool wall_time_;
  Level least_ = Level::info;
  std::map<std::string, Repeats> repeats_;  // by the name of whose word it is
  Time last_{0};
};

/// The process as lines name it.
RunLog::Origin origin_of(const Config& config, ProcessId id);

}  // namespace meridian::program
