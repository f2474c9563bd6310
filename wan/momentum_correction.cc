#include "wan/momentum_correction.h"

#include <utility>

#include "src/base/check.h"

namespace meridian::wan {

MomentumCorrection::MomentumCorrection(std::unique_ptr<What> inner, double momentum, bool masking,
                                       std::vector<UpdateRule> rules)
    : inner_(std::move(inner)),
      momentum_(static_cast<float>(momentum)),
      masking_(masking),
      rules_(std::move(rules)) {
  MERIDIAN_CHECK(momentum >= 0.0 && momentum < 1.0, "a momentum of {}", momentum);
}

std::span<const float> MomentumCorrection::own_step(std::size_t table, std::size_t first, std::size_t entries,
                                                    std::span<const float> step) {
  if (!rules_.empty() && rules_.at(table) == UpdateRule::increment) return step;
  if (table >= velocities_.size()) velocities_.resize(table + 1);
  if (velocities_[table].empty()) velocities_[table] = FloatBuffer(entries);
  const std::span<float> velocity = velocities_[table].span().subspan(first, step.size());
  for (std::size_t i = 0; i < step.size(); ++i) velocity[i] = momentum_ * velocity[i] + step[i];
  return velocity;
}

void MomentumCorrection::went_out(std::size_t table, const TableSelection& taken) {
  if (!masking_ || table >= velocities_.size() || velocities_[table].empty()) return;
  for (const std::uint32_t offset : taken.offsets) velocities_[table][offset] = 0.0F;
}

}  // namespace meridian::wan
