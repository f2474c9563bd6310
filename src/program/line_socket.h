// Lines of text over a stream socket that never blocks: what the launcher of a run and its processes say to
// each other. Either end may die or misbehave at any moment; the other keeps its memory bounded and goes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/program/descriptor.h"

namespace meridian::program {

/// Not thread-safe. Poll fd() for reading, and for writing too while wants_write().
class LineSocket {
 public:
  static constexpr std::size_t kLineLimitBytes = 64UL << 10;
  static constexpr std::size_t kUnsentLimitBytes = 1UL << 20;

  /// Takes the socket over and makes it non-blocking and close-on-exec.
  explicit LineSocket(Descriptor socket);

  /// The socket's number, or -1 once the other end is gone.
  int fd() const { return socket_.number(); }

  /// Sends the line, now or as soon as the other end reads. False where it was dropped: it is too long, too
  /// much is unsent already, or the other end is gone. Requires that it holds no line break.
  bool send_line(std::string_view line);

  bool wants_write() const { return socket_ && !unsent_.empty(); }

  /// Sends what can be sent of what is unsent.
  void flush();

  /// Takes in what has arrived, a bounded amount in each call; afterwards ask next_line() until it has none.
  /// Returns whether anything came.
  bool receive();

  /// The next whole line, without its line break. What the other end did not finish with one is never given.
  std::optional<std::string> next_line();

  /// The other end has closed or died. Lines that arrived before it did are still there.
  bool gone() const { return !socket_; }

  /// The other end sent a line longer than the limit; nothing after it is given.
  bool overflowed() const { return overflowed_; }

 private:
  Descriptor socket_;
  std::string received_;
  std::size_t consumed_ = 0;  ///< of received_, given out as lines
  bool overflowed_ = false;
  std::string unsent_;
  bool deaf_ = false;  ///< the other end takes nothing more
};

}  // namespace meridian::program
