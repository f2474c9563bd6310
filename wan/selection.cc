#include "wan/selection.h"

#include <cmath>

namespace meridian::wan {

std::optional<std::size_t> select_nonzeros(std::span<const FloatBuffer> sums, Selection& selection) {
  selection.resize(sums.size());
  std::optional<std::size_t> wrong;
  for (std::size_t table = 0; table < sums.size(); ++table) {
    TableSelection& entries = selection[table];
    entries.clear();
    for (std::size_t i = 0; i < sums[table].size(); ++i) {
      const float value = sums[table][i];
      if (value == 0.0F) continue;
      entries.add(i, value);
      if (!std::isfinite(value) && !wrong) wrong = table;
    }
  }
  return wrong;
}

}  // namespace meridian::wan
