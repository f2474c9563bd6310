// A process's line to the launcher that started it. The process reports events over it and takes commands,
// and it is the process's lifeline: when the launcher dies, however suddenly, gone() becomes true and the
// process ends itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/program/line_socket.h"

namespace meridian::program {

/// Not thread-safe. Poll fd() for reading, and for writing while wants_write().
class LauncherLink {
 public:
  /// Takes over the descriptor that the launcher named on the command line; an error says what it is instead
  /// of a socket.
  static Result<LauncherLink> open(int descriptor);

  /// Sends one event. Never blocks: what the launcher does not take in time is kept up to a limit and then
  /// dropped, as is everything once it is gone. Requires that the line holds no line break.
  void send_line(std::string_view line);

  /// The lines that have arrived since the last call. Call it when fd() is readable; then look at gone() too.
  std::vector<std::string> read_lines();

  /// Sends what is kept, as far as the launcher takes it now.
  void flush() { socket_.flush(); }
  bool wants_write() const { return socket_.wants_write(); }

  /// For poll; -1, which poll leaves out, once the launcher is gone.
  int fd() const { return socket_.fd(); }

  /// The launcher has died, or sent what no launcher sends.
  bool gone() const { return socket_.gone() || socket_.overflowed(); }

  /// Lines dropped so far.
  std::size_t dropped() const { return dropped_; }

 private:
  explicit LauncherLink(LineSocket socket) : socket_(std::move(socket)) {}

  LineSocket socket_;
  std::size_t dropped_ = 0;
};

}  // namespace meridian::program
