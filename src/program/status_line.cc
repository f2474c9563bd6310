#include "src/program/status_line.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace meridian::program {

namespace {

constexpr Time kLiveInterval = std::chrono::milliseconds(200);
constexpr std::string_view kStartOfCleanLine = "\r\x1b[K";  // CR, and ANSI's "erase to the end of the line"
constexpr std::size_t kUsualWidth = 80;

/// Progress is worth nothing that would stop a run: what cannot be written is left out.
void write_to_stderr(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDERR_FILENO, text.data(), text.size());
    if (count < 0 && errno != EINTR) return;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::size_t terminal_width() {
  struct winsize size {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualWidth;
  return size.ws_col;
}

bool starts_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }

}  // namespace

std::string format_status(const RunStatus& status) {
  std::string text = fmt::format("{:.1f} s  clock {}  {} ", status.time_s, status.clock, status.metric);
  text += status.objective ? fmt::format("{:.4f}", *status.objective) : "-";
  if (status.target) text += fmt::format(" of {:.4f}", *status.target);
  text += fmt::format("  WAN {:.2f} MB/s  sent ", status.wan_mb_per_s);
  text += status.entries_sent_share ? fmt::format("{:.1f} %", *status.entries_sent_share * 100.0) : "-";
  text += "  slowest " + status.slowest_datacenter.value_or("-");
  if (status.speed) {
    text +=
        fmt::format("  speed {:.3g}x, {:.0f} events/s", status.speed->times_real, status.speed->events_per_s);
  }
  return text;
}

std::string fit_to_width(std::string_view text, std::size_t width) {
  std::string fitted;
  std::size_t used = 0;
  std::size_t cut_at = 0;  // where the ellipsis would go: before the last character that fits
  for (const char byte : text) {
    if (starts_character(byte)) {
      if (used == width) {
        fitted.resize(cut_at);
        return width == 0 ? fitted : fitted + "…";
      }
      cut_at = fitted.size();
      ++used;
    }
    const bool control = static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
    fitted += control ? '?' : byte;
  }
  return fitted;
}

StatusLine::StatusLine(std::function<void(std::string_view)> write, std::function<std::size_t()> width,
                       Time plain_interval)
    : write_(std::move(write)), width_(std::move(width)), plain_interval_(plain_interval) {}

StatusLine StatusLine::on_stderr(Time plain_interval) {
  if (::isatty(STDERR_FILENO) == 0) return {write_to_stderr, nullptr, plain_interval};
  return {write_to_stderr, terminal_width, plain_interval};
}

void StatusLine::update(std::string status, Time now) {
  latest_ = std::move(status);
  if (shown_at_ && now - *shown_at_ < (width_ ? kLiveInterval : plain_interval_)) return;
  shown_at_ = now;
  show_latest();
}

void StatusLine::show_latest() {
  if (width_) {
    live_ = latest_;
    draw();
  } else {
    write_(latest_ + "\n");
  }
  latest_.clear();
}

void StatusLine::draw() {
  // The last column stays free: some terminals start a new line as soon as it is filled.
  const std::size_t width = width_();
  write_(std::string(kStartOfCleanLine) + fit_to_width(live_, width > 0 ? width - 1 : 0));
}

void StatusLine::print(std::string_view line) {
  std::string text(live_.empty() ? "" : kStartOfCleanLine);
  text += line;
  write_(text + "\n");
  if (!live_.empty()) draw();
}

void StatusLine::finish() {
  if (!latest_.empty()) show_latest();
  if (!live_.empty()) write_("\n");
  live_.clear();
}

}  // namespace meridian::program
