// The terminal of `meridian top`: shows lines, tells when somebody wishes to leave. By ncurses.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>

#include "src/program/top_text.h"

namespace meridian::program {

/// Owns the terminal from its making to its end. At most one in a process, on one thread.
class TopScreen {
 public:
  TopScreen();
  ~TopScreen();
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;

  std::size_t width() const;
  /// Lines that do not fit are left out; the last row says how to leave.
  void show(std::span<const TopLine> lines);
  /// Waits for a key, or for `longest`. True where it was one that ends the program.
  bool wants_to_leave(std::chrono::milliseconds longest);
};

}  // namespace meridian::program
