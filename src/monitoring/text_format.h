// Reads Prometheus' text format, as `meridian top` gets it from the processes that it looks at.
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace meridian::monitoring {

struct Sample {
  std::string name;
  std::map<std::string, std::string, std::less<>> labels;
  double value = 0.0;

  /// Empty where there is no such label.
  std::string_view label(std::string_view key) const;

  bool operator==(const Sample&) const = default;
};

/// All samples, without comments; timestamps are passed over. Any text may be given; an error names the line.
Result<std::vector<Sample>> parse_text_format(std::string_view text);

}  // namespace meridian::monitoring
