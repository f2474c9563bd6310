// A server's part of the model: of every table one contiguous range, and its current values. A read shares
// them without a copy. Whoever changes what was read while it is still on its way to a worker changes a copy,
// so that the read never sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "datacenter/shard_map.h"
#include "src/base/float_buffer.h"
#include "src/wire/buffer_pool.h"
#include "src/wire/payload.h"

namespace meridian::datacenter {

/// Owned by one machine; not thread-safe. What was read may be looked at, and let go of, in any thread.
class ParameterStore {
 public:
  explicit ParameterStore(std::vector<TableRange> ranges);

  std::size_t tables() const { return ranges_.size(); }
  const std::vector<TableRange>& ranges() const { return ranges_; }
  std::size_t total_entries() const { return total_; }

  /// Valid until the next change().
  std::span<const float> values(std::size_t table) const;
  /// The values for changing them; valid until the next read() or change(). Reads keep what they had: all
  /// values are copied, into memory taken only then, where one is still held somewhere and these lie between
  /// the first and the last entry that were read.
  std::span<float> change(std::size_t table) { return change(table, 0, ranges_.at(table).size()); }
  /// Only entries [first, first + count) of the owned range: so parts can be read of a table whose other
  /// parts are still being changed.
  std::span<float> change(std::size_t table, std::size_t first, std::size_t count);
  /// Whether something that was read is still held somewhere, so that changing it would copy all values.
  bool is_on_its_way() const { return read_begin_ != read_end_ && !BufferPool::is_unshared(values_); }
  /// How often values have been copied.
  std::uint64_t copies() const { return copies_; }

  /// Entries [first, first + count) of the table's owned range as they are now. Requires the range to be
  /// owned; `first` counts from the range's begin.
  Payload read(std::size_t table, std::size_t first, std::size_t count);

 private:
  std::vector<TableRange> ranges_;
  std::vector<std::size_t> offsets_;
  std::size_t total_ = 0;
  BufferPool buffers_;
  std::shared_ptr<FloatBuffer> values_;  // those whom it was read for hold it too
  // What may be on its way to readers, from the first to behind the last of it.
  std::size_t read_begin_ = 0;
  std::size_t read_end_ = 0;
  std::uint64_t copies_ = 0;
};

}  // namespace meridian::datacenter
