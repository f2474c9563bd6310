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

std::span<float> ParameterStore::change(std::size_t table) {
  if (read_ && !BufferPool::is_unshared(values_)) {
    const std::shared_ptr<FloatBuffer> copy = buffers_.take();
    std::copy_n(values_->data(), values_->size(), copy->data());
    values_ = copy;
  }
  read_ = false;
  return values_->span().subspan(offsets_.at(table), ranges_[table].size());
}

Payload ParameterStore::read(std::size_t table, std::size_t first, std::size_t count) {
  MERIDIAN_CHECK(first + count <= ranges_.at(table).size(), "[{}, +{}) of {}", first, count,
                 ranges_[table].size());
  read_ = true;
  return payload_of(values_, offsets_[table] + first, count);
}

}  // namespace meridian::datacenter
