#include "src/wire/buffer_pool.h"

namespace meridian {

std::shared_ptr<FloatBuffer> BufferPool::take() {
  const std::lock_guard lock(shelf_->mutex);
  for (const std::shared_ptr<FloatBuffer>& buffer : shelf_->buffers) {
    if (held_only_by(/*holders=*/1, buffer)) return buffer;
  }
  return shelf_->buffers.emplace_back(std::make_shared<FloatBuffer>(floats_));
}

}  // namespace meridian
