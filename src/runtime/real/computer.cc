#include "src/runtime/real/computer.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace meridian {

Computer::Computer() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  thread_ = std::thread([this] { work(); });
}

Computer::~Computer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  ::close(event_);
}

void Computer::submit(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    job_ = std::move(work);
  }
  wake_.notify_all();
}

bool Computer::take_done() {
  std::uint64_t count = 0;
  if (::read(event_, &count, sizeof(count)) < 0 && errno != EAGAIN) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  const std::lock_guard lock(mutex_);
  if (!std::exchange(done_, false)) return false;
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  return true;
}

void Computer::work() {
  while (true) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || job_; });
      if (stopping_) return;
      job = std::exchange(job_, nullptr);
    }
    std::exception_ptr error;
    try {
      job();
    } catch (...) {
      error = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      error_ = error;
      done_ = true;
    }
    const std::uint64_t one = 1;
    // A counter that cannot overflow: the write cannot fail.
    (void)!::write(event_, &one, sizeof(one));
  }
}

}  // namespace meridian
