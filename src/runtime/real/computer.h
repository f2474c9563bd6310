// The thread beside a machine's: it does one computation at a time and says when it is done, no earlier than
// the computation is said to take.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "src/base/time.h"

namespace meridian {

/// submit() and take_done() belong to one thread.
class Computer {
 public:
  Computer();
  /// Waits for a computation under way.
  ~Computer();
  Computer(const Computer&) = delete;
  Computer& operator=(const Computer&) = delete;

  /// Requires that the one before was taken.
  void submit(std::function<void()> work);

  /// Readable while a finished computation has not been taken: an eventfd.
  int fd() const { return event_; }

  /// True once after each computation; rethrows what it threw.
  bool take_done();

 private:
  void work();

  int event_ = -1;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::function<void()> job_;
  std::exception_ptr error_;
  bool done_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace meridian
