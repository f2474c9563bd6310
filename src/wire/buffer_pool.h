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

/// Thread-safe. Buffers may outlive the pool. Contents of a reused buffer are whatever they were.
class BufferPool {
 public:
  explicit BufferPool(std::size_t floats) : floats_(floats), shelf_(std::make_shared<Shelf>()) {}

  std::shared_ptr<FloatBuffer> take();

 private:
  struct Shelf {
    std::mutex mutex;
    std::vector<std::unique_ptr<FloatBuffer>> free;
  };

  std::size_t floats_;
  std::shared_ptr<Shelf> shelf_;
};

}  // namespace meridian
