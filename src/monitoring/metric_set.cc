#include "src/monitoring/metric_set.h"

#include "src/base/check.h"
#include "src/monitoring/catalogue.h"

namespace meridian::monitoring {

void MetricSet::add(std::string_view name, double value, const Labels& labels) {
  const MetricInfo* const info = find_metric(name);
  MERIDIAN_CHECK(info != nullptr, "{} is not in the catalogue of metrics", name);
  const bool counts = info->type == MetricType::counter;
  prometheus::MetricFamily& family = families_[static_cast<std::size_t>(info - catalogue().data())];
  if (family.metric.empty()) {
    family.name = info->name;
    family.help = info->help;
    family.type = counts ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  }
  prometheus::ClientMetric metric;
  for (const auto& [label, text] : common_) metric.label.push_back({label, text});
  for (const auto& [label, text] : labels) metric.label.push_back({label, text});
  (counts ? metric.counter.value : metric.gauge.value) = value;
  family.metric.push_back(std::move(metric));
}

std::vector<prometheus::MetricFamily> MetricSet::take() {
  std::vector<prometheus::MetricFamily> families;
  for (auto& [position, family] : families_) families.push_back(std::move(family));
  families_.clear();
  return families;
}

}  // namespace meridian::monitoring
