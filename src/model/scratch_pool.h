// Working memory for computations that any thread may start at once: a computation borrows one piece, and
// there are as many pieces as there were ever computations at the same time. Memory is thus allocated a few
// times, not in each call, and has an owner that ends with the workload.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace meridian {

/// Thread-safe. Must outlive what was borrowed from it.
template <typename Scratch>
class ScratchPool {
  struct Return {
    ScratchPool* pool;
    void operator()(Scratch* scratch) const { pool->give_back(std::unique_ptr<Scratch>(scratch)); }
  };

 public:
  /// Goes back to the pool when it ends.
  using Borrowed = std::unique_ptr<Scratch, Return>;

  Borrowed borrow() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return Borrowed(new Scratch(), Return{this});
    Borrowed scratch(idle_.back().release(), Return{this});
    idle_.pop_back();
    return scratch;
  }

 private:
  void give_back(std::unique_ptr<Scratch> scratch) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(scratch));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> idle_;
};

}  // namespace meridian
