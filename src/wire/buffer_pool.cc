#include "src/wire/buffer_pool.h"

#include <utility>

namespace meridian {

std::shared_ptr<FloatBuffer> BufferPool::take() {
  std::unique_ptr<FloatBuffer> buffer;
  {
    const std::lock_guard lock(shelf_->mutex);
    if (!shelf_->free.empty()) {
      buffer = std::move(shelf_->free.back());
      shelf_->free.pop_back();
    }
  }
  if (!buffer) buffer = std::make_unique<FloatBuffer>(floats_);
  return {buffer.release(), [shelf = shelf_](FloatBuffer* returned) {
            std::unique_ptr<FloatBuffer> owned(returned);
            const std::lock_guard lock(shelf->mutex);
            shelf->free.push_back(std::move(owned));
          }};
}

}  // namespace meridian
