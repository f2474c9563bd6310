#include "experiments/bench/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

namespace meridian::bench {
namespace {

using nlohmann::json;

const char* name_of(Better better) { return better == Better::higher ? "higher" : "lower"; }

/// A key that must be a positive, finite number.
Result<double> read_positive(const json& entry, const std::string& figure, const char* key) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_number() || !(found->get<double>() > 0.0) ||
      !std::isfinite(found->get<double>()))
    return Error{fmt::format("figure '{}': {}: expected a positive number", figure, key)};
  return found->get<double>();
}

Result<Expected> read_expected(const json& entry) {
  if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string())
    return Error{"figures: name: expected a string in each"};
  Expected expected;
  expected.name = entry["name"].get<std::string>();
  const auto ratio = read_positive(entry, expected.name, "ratio");
  if (!ratio) return ratio.error();
  const auto margin = read_positive(entry, expected.name, "margin");
  if (!margin) return margin.error();
  expected.ratio = ratio.value();
  expected.margin = margin.value();
  const auto better = entry.find("better");
  if (better == entry.end() || (*better != "higher" && *better != "lower"))
    return Error{fmt::format("figure '{}': better: expected 'higher' or 'lower'", expected.name)};
  expected.better = *better == "higher" ? Better::higher : Better::lower;
  return expected;
}

/// The worst ratio that the margin allows. A time may take (1 + margin) times as long, a rate be that many
/// times lower.
double worst_allowed(const Expected& expected) {
  return expected.better == Better::lower ? expected.ratio * (1.0 + expected.margin)
                                          : expected.ratio / (1.0 + expected.margin);
}

}  // namespace

double median(std::vector<double> values) {
  MERIDIAN_CHECK(!values.empty(), "the median of no values");
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2.0;
}

double quantile(std::vector<double> values, double share) {
  MERIDIAN_CHECK(!values.empty() && share >= 0.0 && share <= 1.0, "quantile {} of {} values", share,
                 values.size());
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  return values[rank < 1.0 ? 0 : static_cast<std::size_t>(rank) - 1];
}

std::vector<std::string> find_worse(const Expectations& expected, const std::vector<Figure>& measured,
                                    bool partial) {
  std::vector<std::string> worse;
  for (const Expected& one : expected.figures) {
    const auto figure = std::find_if(measured.begin(), measured.end(),
                                     [&one](const Figure& candidate) { return candidate.name == one.name; });
    if (figure == measured.end() || !figure->ratio) {
      if (!partial) worse.push_back(fmt::format("{}: expected, and not measured", one.name));
      continue;
    }
    const double value = figure->ratio->value;
    const double limit = worst_allowed(one);
    // Written so that what is no number counts as worse.
    if (one.better == Better::lower ? value <= limit : value >= limit) continue;
    worse.push_back(fmt::format("{}: {:.4g} of {}; expected {:.4g}, and {} {:.4g} with a margin of {:.0f} %",
                                one.name, value, figure->ratio->limit, one.ratio,
                                one.better == Better::lower ? "at most" : "at least", limit,
                                one.margin * 100.0));
  }
  return worse;
}

Result<Expectations> read_expectations(const std::string& text) {
  const json file = json::parse(text, nullptr, false);
  if (!file.is_object()) return Error{"expected a JSON object"};
  Expectations expectations;
  if (!file.contains("machine") || !file["machine"].is_string()) return Error{"machine: expected a string"};
  expectations.machine = file["machine"].get<std::string>();
  if (!file.contains("figures") || !file["figures"].is_array()) return Error{"figures: expected an array"};
  for (const json& entry : file["figures"]) {
    auto one = read_expected(entry);
    if (!one) return one.error();
    expectations.figures.push_back(std::move(one).value());
  }
  return expectations;
}

std::string write_expectations(const Expectations& expectations) {
  nlohmann::ordered_json figures = nlohmann::ordered_json::array();
  for (const Expected& one : expectations.figures)
    figures.push_back({{"name", one.name},
                       {"ratio", std::round(one.ratio * 1e5) / 1e5},
                       {"better", name_of(one.better)},
                       {"margin", one.margin}});
  nlohmann::ordered_json file;
  file["machine"] = expectations.machine;
  file["figures"] = figures;
  return file.dump(1) + "\n";
}

Expectations expectations_of(const std::vector<Figure>& figures, const std::string& machine, double margin) {
  Expectations expectations{machine, {}};
  for (const Figure& figure : figures) {
    if (figure.ratio)
      expectations.figures.push_back({figure.name, figure.ratio->value, figure.ratio->better, margin});
  }
  return expectations;
}

}  // namespace meridian::bench
