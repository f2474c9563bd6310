// What a user sees while a run goes on: on a terminal one live line that is rewritten in place, elsewhere (a
// file, a pipe, CI) a plain line every few seconds. Log lines printed in between go above the live line and
// never tear it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/time.h"

namespace meridian::program {

struct RunStatus {
  double time_s = 0.0;
  std::uint64_t clock = 0;
  std::string metric = "accuracy";
  std::optional<double> objective;  ///< of the latest evaluation, in the worst datacenter
  std::optional<double> target;
  double wan_mb_per_s = 0.0;  ///< 10^6 bytes
  std::optional<double> entries_sent_share;
  std::optional<std::string> slowest_datacenter;
  /// Of a simulation: virtual seconds in one second, and events in one second.
  struct Speed {
    double times_real = 0.0;
    double events_per_s = 0.0;
  };
  std::optional<Speed> speed;
};

/// "12.5 s  clock 250  accuracy 0.8410 of 0.8600  WAN 3.21 MB/s  sent 4.2 %  slowest tokyo"; what is not
/// known is "-". A simulation's ends with "speed 8.1x, 52000 events/s".
std::string format_status(const RunStatus& status);

/// The text cut to at most `width` characters (not bytes), control characters replaced, the cut marked by an
/// ellipsis.
std::string fit_to_width(std::string_view text, std::size_t width);

/// Not thread-safe.
class StatusLine {
 public:
  /// `write` takes what goes to the terminal or file. `width` is asked before each live line; empty where the
  /// output is no terminal.
  /// Where the output is no terminal, a plain line comes at most once in `plain_interval`.
  StatusLine(std::function<void(std::string_view)> write, std::function<std::size_t()> width,
             Time plain_interval = std::chrono::seconds(5));

  /// On stderr, as a terminal if it is one.
  static StatusLine on_stderr(Time plain_interval = std::chrono::seconds(5));

  /// Shows the status at `now`; what comes too soon after the last one shown is left out (at most five a
  /// second live, one in `plain_interval` plain).
  void update(const RunStatus& status, Time now) { update(format_status(status), now); }
  /// The same for a status in words.
  void update(std::string status, Time now);

  /// Prints one line of its own and then the live line again.
  void print(std::string_view line);

  /// Shows the last status if it came too soon to be shown, leaves it standing and ends its line. print() and
  /// update() may follow.
  void finish();

 private:
  void show_latest();
  void draw();

  std::function<void(std::string_view)> write_;
  std::function<std::size_t()> width_;
  Time plain_interval_;
  std::optional<Time> shown_at_;
  std::string latest_;  ///< a status text that came too soon to be shown; empty where all were
  std::string live_;    ///< the status text that stands on the terminal's last line; empty where none does
};

}  // namespace meridian::program
