// Every metric that a process of a run serves: its name, its type and what it means. docs/metrics.md has a
// row for each.
#pragma once

#include <span>
#include <string_view>

namespace meridian::monitoring {

enum class MetricType { counter, gauge };

struct MetricInfo {
  const char* name;
  MetricType type;
  const char* help;
};

std::span<const MetricInfo> catalogue();

/// Nothing where there is none of this name.
const MetricInfo* find_metric(std::string_view name);

}  // namespace meridian::monitoring
