// Float buffers of one size that come back by themselves: whoever drops the last reference to a buffer, a
// socket's I/O thread included, returns it here. So a tensor can be sent without a copy and its memory used
// again.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "src/base/float_buffer.h"

namespace meridian {

/// Whether there are no more than `holders` references to it, whatever threads had others. What was done with
/// it through those was done before this returns true. Requires that none can be added meanwhile.
template <typename Object>
bool held_only_by(long holders, const std::shared_ptr<Object>& object) {
  if (object.use_count() > holders) return false;
  // The count is read without an order. Taking and dropping a reference orders what others did before they
  // dropped theirs before what is done here from now on.
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): it is the copying that counts
  const std::shared_ptr<Object> ordered = object;
  return true;
}

/// Thread-safe. Buffers may outlive the pool. Contents of a reused buffer are whatever they were.
class BufferPool {
 public:
  explicit BufferPool(std::size_t floats) : floats_(floats), shelf_(std::make_unique<Shelf>()) {}

  std::shared_ptr<FloatBuffer> take();

  /// Whether `buffer`, taken here, is held by its one owner only.
  static bool is_unshared(const std::shared_ptr<FloatBuffer>& buffer) {
    return held_only_by(/*holders=*/2, buffer);  // the owner and the pool
  }

 private:
  struct Shelf {
    std::mutex mutex;
    std::vector<std::shared_ptr<FloatBuffer>> buffers;  // all that were ever given out
  };

  std::size_t floats_;
  std::unique_ptr<Shelf> shelf_;
};

}  // namespace meridian
