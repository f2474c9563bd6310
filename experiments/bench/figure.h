// One figure of a benchmark beside the limit of the machine that it runs into, and whether such ratios have
// become worse. Only ratios are compared: absolute times say more about the machine than about the program.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"

namespace meridian::bench {

enum class Better { higher, lower };

/// How a figure relates to its limit: the share of a rate (higher is better) or the multiple of a time.
struct Ratio {
  std::string limit;  ///< what the limit is, in words
  double value = 0.0;
  Better better = Better::higher;
};

struct Figure {
  std::string name;    ///< what and where: names a figure across runs
  double p50_s = 0.0;  ///< medians over the rounds
  double p99_s = 0.0;
  double bytes_per_s = 0.0;
  std::optional<Ratio> ratio = {};  ///< none for limits themselves
  double cpu_ns_per_byte = 0.0;
};

/// What a figure's ratio was once, and how far it may be off: 0.3 means 30 % worse.
struct Expected {
  std::string name;
  double ratio = 0.0;
  Better better = Better::higher;
  double margin = 0.0;
};
struct Expectations {
  std::string machine;  ///< the one on which they were taken
  std::vector<Expected> figures;
};

/// The middle value, or the mean of both in the middle. Requires at least one.
double median(std::vector<double> values);

/// The value that a `share` of all do not exceed. Requires at least one.
double quantile(std::vector<double> values, double share);

/// One sentence for each figure that is worse than its margin allows, or that was expected and not measured.
/// Where `partial`, what was not measured is no fault.
std::vector<std::string> find_worse(const Expectations& expected, const std::vector<Figure>& measured,
                                    bool partial);

/// From a file's text; an error names the figure and the key.
Result<Expectations> read_expectations(const std::string& text);
std::string write_expectations(const Expectations& expectations);

/// The ratios of these figures, each with this margin.
Expectations expectations_of(const std::vector<Figure>& figures, const std::string& machine, double margin);

}  // namespace meridian::bench
