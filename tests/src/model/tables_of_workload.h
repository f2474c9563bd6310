// Parameters or gradients for all tables of a workload, with the views that its functions take.
#pragma once

#include <span>
#include <vector>

#include "src/base/float_buffer.h"
#include "src/workload/workload.h"

namespace meridian {

/// All zeros when made. Moves, does not copy.
class TablesOfWorkload {
 public:
  explicit TablesOfWorkload(const Workload& workload) {
    for (const TableSpec& table : workload.tables()) buffers_.emplace_back(table.size());
    for (FloatBuffer& buffer : buffers_) {
      spans_.push_back(buffer.span());
      views_.emplace_back(buffer.span());
    }
  }

  static TablesOfWorkload initial(const Workload& workload) {
    TablesOfWorkload tables(workload);
    for (std::size_t i = 0; i < tables.size(); ++i) workload.fill_initial_values(i, tables[i]);
    return tables;
  }

  std::size_t size() const { return spans_.size(); }
  std::span<float> operator[](std::size_t i) const { return spans_[i]; }
  TablesView view() const { return views_; }
  TablesSpan span() const { return spans_; }

 private:
  std::vector<FloatBuffer> buffers_;
  std::vector<std::span<float>> spans_;
  std::vector<std::span<const float>> views_;
};

}  // namespace meridian
