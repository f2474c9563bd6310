#include "datacenter/parameter_store.h"

#include <algorithm>
#include <utility>

#include "src/wire/float_bytes.h"

namespace meridian::datacenter {
namespace {

/// Each table's range starts on a 64-byte boundary within the one buffer.
std::vector<std::size_t> aligned_offsets(const std::vector<TableRange>& ranges) {
  std::vector<std::size_t> offsets;
  std::size_t offset = 0;
  for (const TableRange& range : ranges) {
    offsets.push_back(offset);
    offset += round_up_to_line(range.size());
  }
  offsets.push_back(offset);
  return offsets;
}

}  // namespace

ParameterStore::ParameterStore(std::vector<TableRange> ranges)
    : ranges_(std::move(ranges)),
      offsets_(aligned_offsets(ranges_)),
      buffers_(offsets_.back()),
      values_(buffers_.take()) {
  for (const TableRange& range : ranges_) total_ += range.size();
}

std::span<const float> ParameterStore::values(std::size_t table) const {
  return std::as_const(*values_).span().subspan(offsets_.at(table), ranges_[table].size());
}

std::span<float> ParameterStore::change(std::size_t table, std::size_t first, std::size_t count) {
  const std::size_t begin = offsets_.at(table) + first;
  const bool was_read = begin < read_end_ && begin + count > read_begin_;
  if (was_read) {
    if (!BufferPool::is_unshared(values_)) {
      const std::shared_ptr<FloatBuffer> copy = buffers_.take();
      std::copy_n(values_->data(), values_->size(), copy->data());
      values_ = copy;
      ++copies_;
    }
    read_begin_ = read_end_ = 0;
  }
  return values_->span().subspan(begin, count);
}

Payload ParameterStore::read(std::size_t table, std::size_t first, std::size_t count) {
  MERIDIAN_CHECK(first + count <= ranges_.at(table).size(), "[{}, +{}) of {}", first, count,
                 ranges_[table].size());
  const std::size_t begin = offsets_[table] + first;
  // What was read before, and all have let go of, is on its way no longer.
  if (!is_on_its_way()) read_begin_ = read_end_ = 0;
  read_begin_ = read_begin_ == read_end_ ? begin : std::min(read_begin_, begin);
  read_end_ = std::max(read_end_, begin + count);
  return payload_of(values_, begin, count);
}

}  // namespace meridian::datacenter
