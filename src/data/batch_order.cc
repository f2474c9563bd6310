#include "src/data/batch_order.h"

#include <algorithm>

#include "src/base/check.h"
#include "src/base/random.h"
#include "src/data/shuffle.h"

namespace meridian {

BatchOrder::BatchOrder(std::uint64_t seed, std::size_t worker, std::span<const std::uint32_t> samples,
                       std::size_t batch)
    : seed_(seed), worker_(worker), samples_(samples), samples_per_epoch_(samples.size()), batch_(batch) {
  MERIDIAN_CHECK(!samples.empty() && batch > 0, "{} samples in batches of {}", samples.size(), batch);
}

BatchOrder::BatchOrder(std::uint64_t seed, const Partition& partition, WorkerPlace place, std::size_t batch)
    : seed_(seed),
      worker_(partition.global_index(place)),
      samples_(partition.samples_of(place)),
      partition_(partition.samples_per_epoch(place) == samples_.size() ? nullptr : &partition),
      place_(place),
      samples_per_epoch_(partition.samples_per_epoch(place)),
      batch_(batch) {
  MERIDIAN_CHECK(!samples_.empty() && batch > 0, "{} samples in batches of {}", samples_.size(), batch);
}

void BatchOrder::fill_batch(Clock clock, std::span<std::uint32_t> batch) const {
  MERIDIAN_CHECK(clock > 0 && batch.size() == batch_, "clock {}, {} of {} samples", clock, batch.size(),
                 batch_);
  std::uint64_t position = (std::uint64_t{clock} - 1) * batch_;
  for (std::size_t done = 0; done < batch.size();) {
    const Order order = order_of(position / samples_per_epoch_);
    const std::size_t start = position % samples_per_epoch_;
    const std::size_t count = std::min(batch.size() - done, samples_per_epoch_ - start);
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
  if (partition_ != nullptr) *order = partition_->samples_of_epoch(place_, epoch);
  Random random = Random::for_parts(seed_, {hash_text("batch order"), worker_, epoch});
  shuffle(random, *order);
  const std::lock_guard lock(mutex_);
  kept_epoch_ = epoch;
  kept_order_ = order;
  return order;
}

}  // namespace meridian
