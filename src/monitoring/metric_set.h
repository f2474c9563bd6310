// The samples of one moment, put together for Prometheus: families in the catalogue's order, each sample with
// the labels that say which process it is from.
#pragma once

#include <prometheus/metric_family.h>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::monitoring {

/// Names and values.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// Not thread-safe.
class MetricSet {
 public:
  /// `common`: labels of every sample.
  explicit MetricSet(Labels common) : common_(std::move(common)) {}

  /// `name` must be in the catalogue.
  void add(std::string_view name, double value, const Labels& labels = {});

  std::vector<prometheus::MetricFamily> take();

 private:
  Labels common_;
  std::map<std::size_t, prometheus::MetricFamily> families_;  // by position in the catalogue
};

}  // namespace meridian::monitoring
