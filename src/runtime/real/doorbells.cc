#include "src/runtime/real/doorbells.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace meridian {

Doorbells::Doorbells() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll");
}

Doorbells::~Doorbells() { ::close(epoll_); }

void Doorbells::add(int fd, std::function<void()> answer) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) < 0)
    throw std::system_error(errno, std::generic_category(), "epoll");
  answers_[fd] = std::move(answer);
}

void Doorbells::remove(int fd) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  // The answer may be running: it stays until another takes its place.
}

void Doorbells::answer(std::chrono::milliseconds longest) {
  // Those that find no place now are still ringing at the next call.
  constexpr int kMost = 64;
  std::array<epoll_event, kMost> ringing;
  const int count = ::epoll_wait(epoll_, ringing.data(), kMost, static_cast<int>(longest.count()));
  if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll");
  for (int i = 0; i < count; ++i) answers_.at(ringing.at(static_cast<std::size_t>(i)).data.fd)();
}

}  // namespace meridian
