#include "src/data/batch_order.h"

#include <algorithm>

#include "src/base/check.h"
#include "src/base/random.h"
#include "src/data/shuffle.h"

namespace meridian {

BatchOrder::BatchOrder(std::uint64_t seed, std::size_t worker, std::span<const std::uint32_t> samples,
                       std::size_t batch)
    : seed_(seed), worker_(worker), samples_(samples), batch_(batch) {
  MERIDIAN_CHECK(!samples.empty() && batch > 0, "{} samples in batches of {}", samples.size(), batch);
}

void BatchOrder::fill_batch(Clock clock, std::span<std::uint32_t> batch) const {
  MERIDIAN_CHECK(clock > 0 && batch.size() == batch_, "clock {}, {} of {} samples", clock, batch.size(),
                 batch_);
  std::uint64_t position = (std::uint64_t{clock} - 1) * batch_;
  for (std::size_t done = 0; done < batch.size();) {
    const Order order = order_of(position / samples_.size());
    const std::size_t start = position % samples_.size();
    const std::size_t count = std::min(batch.size() - done, samples_.size() - start);
    std::copy_n(order->begin() + static_cast<std::ptrdiff_t>(start), count,
                batch.begin() + static_cast<std::ptrdiff_t>(done));
    done += count;
    position += count;
  }
}

BatchOrder::Order BatchOrder::order_of(std::uint64_t epoch) const {
  {
    const std::lock_guard lock(mutex_);
    if (kept_order_ && kept_epoch_ == epoch) return kept_order_;
  }
  // Shuffled outside the lock: two threads may do it twice, neither waits for the other.
  auto order = std::make_shared<std::vector<std::uint32_t>>(samples_.begin(), samples_.end());
  Random random = Random::for_parts(seed_, {hash_text("batch order"), worker_, epoch});
  shuffle(random, *order);
  const std::lock_guard lock(mutex_);
  kept_epoch_ = epoch;
  kept_order_ = order;
  return order;
}

}  // namespace meridian
