// A server's part of the model: of every table one contiguous range, and its current values. Readers get
// snapshots, so that a read on its way to a worker never sees a later change.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "datacenter/shard_map.h"
#include "src/base/float_buffer.h"
#include "src/wire/buffer_pool.h"
#include "src/wire/payload.h"

namespace meridian::datacenter {

/// Owned by one machine; not thread-safe. Snapshots may be read anywhere.
class ParameterStore {
 public:
  explicit ParameterStore(std::vector<TableRange> ranges);

  std::size_t tables() const { return ranges_.size(); }
  const std::vector<TableRange>& ranges() const { return ranges_; }
  std::size_t total_entries() const { return total_; }

  std::span<const float> values(std::size_t table) const;
  /// The values for changing them: snapshots taken before keep what they had.
  std::span<float> change(std::size_t table);

  /// Entries [first, first + count) of the table's owned range as they are now. Requires the range to be
  /// owned; `first` counts from the range's begin.
  Payload read(std::size_t table, std::size_t first, std::size_t count);

 private:
  std::vector<TableRange> ranges_;
  std::vector<std::size_t> offsets_;
  std::size_t total_ = 0;
  FloatBuffer values_;
  BufferPool snapshots_;
  std::shared_ptr<FloatBuffer> snapshot_;
};

}  // namespace meridian::datacenter
