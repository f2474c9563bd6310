#include "src/model/group_norm_layer.h"

#include <algorithm>
#include <utility>

#include "src/base/check.h"

namespace meridian {
namespace {

constexpr std::size_t kScale = 0;
constexpr std::size_t kShift = 1;

}  // namespace

GroupNormLayer::GroupNormLayer(std::string name, const GroupShape& shape)
    : name_(std::move(name)), shape_(shape) {}

std::vector<TableSpec> GroupNormLayer::tables() const {
  return {{name_ + ".scale", shape_.channels, 1}, {name_ + ".shift", shape_.channels, 1}};
}

void GroupNormLayer::fill_initial_values(std::size_t table, std::uint64_t /*seed*/,
                                         std::span<float> values) const {
  MERIDIAN_CHECK(table <= kShift && values.size() == shape_.channels, "{} values for table {} of {}",
                 values.size(), table, name_);
  std::fill(values.begin(), values.end(), table == kScale ? 1.0F : 0.0F);
}

void GroupNormLayer::forward(const LayerContext& /*context*/, ConstMatrix input, TablesView parameters,
                             Matrix output) const {
  MERIDIAN_CHECK(parameters.size() == 2, "{} tables of {}", parameters.size(), name_);
  normalise_groups(shape_, input, parameters[kScale], parameters[kShift], output);
}

void GroupNormLayer::backward(const LayerContext& /*context*/, ConstMatrix input, ConstMatrix /*output*/,
                              ConstMatrix output_gradient, TablesView parameters, TablesSpan gradient,
                              Matrix input_gradient) const {
  MERIDIAN_CHECK(parameters.size() == 2 && gradient.size() == 2, "{} tables, {} gradients of {}",
                 parameters.size(), gradient.size(), name_);
  normalise_groups_backward(shape_, input, output_gradient, parameters[kScale], gradient[kScale],
                            gradient[kShift], input_gradient);
}

}  // namespace meridian
