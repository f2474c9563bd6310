#include "src/program/line_socket.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "src/base/check.h"

namespace meridian::program {

LineSocket::LineSocket(Descriptor socket) : socket_(std::move(socket)) {
  MERIDIAN_CHECK(socket_, "no socket");
  ::fcntl(socket_.number(), F_SETFD, FD_CLOEXEC);
  ::fcntl(socket_.number(), F_SETFL, ::fcntl(socket_.number(), F_GETFL) | O_NONBLOCK);
}

bool LineSocket::send_line(std::string_view line) {
  MERIDIAN_CHECK(line.find('\n') == std::string_view::npos, "{}", line);
  if (!socket_ || deaf_ || line.size() > kLineLimitBytes) return false;
  if (unsent_.size() + line.size() + 1 > kUnsentLimitBytes) return false;
  unsent_ += line;
  unsent_ += '\n';
  flush();
  return true;
}

void LineSocket::flush() {
  std::size_t sent = 0;
  while (socket_ && !deaf_ && sent < unsent_.size()) {
    const ssize_t count =
        ::send(socket_.number(), unsent_.data() + sent, unsent_.size() - sent, MSG_NOSIGNAL);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      // It may have said something before it went: reading goes on until its end.
      deaf_ = true;
    }
  }
  unsent_.erase(0, sent);
  if (deaf_) unsent_.clear();
}

bool LineSocket::receive() {
  constexpr int kReadsPerCall = 4;
  bool came = false;
  for (int i = 0; i < kReadsPerCall && socket_; ++i) {
    char block[1 << 14];
    const ssize_t count = ::recv(socket_.number(), block, sizeof block, 0);
    if (count > 0) {
      came = true;
      if (!overflowed_) received_.append(block, static_cast<std::size_t>(count));
    } else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      break;
    } else if (count == 0 || errno != EINTR) {
      socket_.close();
    }
  }
  return came;
}

std::optional<std::string> LineSocket::next_line() {
  if (overflowed_) return std::nullopt;
  const std::size_t end = received_.find('\n', consumed_);
  const std::size_t size = (end == std::string::npos ? received_.size() : end) - consumed_;
  if (size > kLineLimitBytes) {
    overflowed_ = true;
    received_.clear();
    return std::nullopt;
  }
  if (end == std::string::npos) {
    received_.erase(0, std::exchange(consumed_, 0));
    return std::nullopt;
  }
  std::string line = received_.substr(consumed_, size);
  consumed_ = end + 1;
  return line;
}

}  // namespace meridian::program
