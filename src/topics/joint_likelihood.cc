#include "src/topics/joint_likelihood.h"

#include <cmath>
#include <numbers>

namespace meridian {
namespace {

constexpr std::size_t kTabulated = 4096;

}  // namespace

// Stirling's series with six terms, for arguments large enough; smaller ones are raised to there.
double log_gamma(double x) {
  constexpr double kLargeEnough = 10.0;
  double product = 1.0;
  while (x < kLargeEnough) {
    product *= x;
    x += 1.0;
  }
  const double inverse = 1.0 / x;
  const double square = inverse * inverse;
  const double series =
      inverse *
      (1.0 / 12.0 +
       square * (-1.0 / 360.0 +
                 square * (1.0 / 1260.0 +
                           square * (-1.0 / 1680.0 + square * (1.0 / 1188.0 - square * 691.0 / 360360.0)))));
  return (x - 0.5) * std::log(x) - x + 0.5 * std::log(2.0 * std::numbers::pi) + series - std::log(product);
}

LogRisingFactorial::LogRisingFactorial(double start)
    : start_(start), log_gamma_of_start_(log_gamma(start)), of_whole_(kTabulated) {
  for (std::size_t n = 1; n < kTabulated; ++n) {
    of_whole_[n] = of_whole_[n - 1] + std::log(static_cast<double>(n - 1) + start);
  }
}

double LogRisingFactorial::operator()(double n) const {
  if (n < static_cast<double>(kTabulated)) {
    const auto whole = static_cast<std::size_t>(n);
    if (static_cast<double>(whole) == n) return of_whole_[whole];
  }
  return log_gamma(n + start_) - log_gamma_of_start_;
}

JointLikelihood::JointLikelihood(const TopicPrior& prior, std::size_t vocabulary)
    : prior_(prior),
      of_document_topic_(prior.alpha),
      of_document_(prior.alpha * static_cast<double>(prior.topics)),
      of_word_topic_(prior.beta),
      of_topic_(prior.beta * static_cast<double>(vocabulary)) {}

JointLikelihood::Sum JointLikelihood::of_documents(const DocumentTokens& tokens,
                                                   std::vector<std::uint32_t>& counts) const {
  Sum sum;
  for (std::size_t document = 0; document < tokens.documents(); ++document) {
    if (!tokens.visited(document)) continue;
    const std::span<const Topic> topics = tokens.topics_of(document);
    for (const Topic topic : topics) ++counts[topic];
    for (const Topic topic : topics) {
      sum.log_likelihood += of_document_topic_(counts[topic]);
      counts[topic] = 0;
    }
    sum.log_likelihood -= of_document_(static_cast<double>(topics.size()));
    sum.tokens += topics.size();
  }
  return sum;
}

double JointLikelihood::of_rows(std::span<const float> rows) const {
  double sum = 0.0;
  for (const float count : rows) {
    if (count > 0.0F) sum += of_word_topic_(static_cast<double>(count));
  }
  return sum;
}

double JointLikelihood::of_totals(std::span<const double> totals) const {
  double sum = 0.0;
  for (const double total : totals) sum -= of_topic_(total);
  return sum;
}

}  // namespace meridian
