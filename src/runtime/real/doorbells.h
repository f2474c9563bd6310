// The descriptors that a thread sleeps on, and what is to be done when one of them becomes readable. One call
// of the kernel for all of them, however many there are.
#pragma once

#include <chrono>
#include <functional>
#include <map>

namespace meridian {

/// Belongs to one thread.
class Doorbells {
 public:
  Doorbells();
  ~Doorbells();
  Doorbells(const Doorbells&) = delete;
  Doorbells& operator=(const Doorbells&) = delete;

  /// `answer` is called, within answer(), for as long as `fd` is readable when it looks.
  void add(int fd, std::function<void()> answer);
  /// From now on `fd` rings no more. May be called by its own answer.
  void remove(int fd);

  /// Waits until one rings, at most for `longest`, and answers all that do.
  void answer(std::chrono::milliseconds longest);

 private:
  int epoll_ = -1;
  std::map<int, std::function<void()>> answers_;  // by descriptor
};

}  // namespace meridian
