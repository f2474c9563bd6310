// Goal: the loss and its slope are right to the last digits where the formula as it is written would overflow
// or lose them all. How: moderate logits against the formula, large ones against their limits.
#include "src/logistic/logistic_loss.h"

#include <gtest/gtest.h>

#include <limits>

namespace meridian {
namespace {

TEST(LogisticLoss, IsTheFormulaForModerateLogits) {
  for (const double logit : {-20.0, -3.0, -0.1, 0.0, 0.1, 3.0, 20.0}) {
    EXPECT_NEAR(logistic_loss(logit, true).loss, std::log1p(std::exp(-logit)), 1e-14) << logit;
    EXPECT_NEAR(logistic_loss(logit, false).loss, std::log1p(std::exp(logit)), 1e-14) << logit;
    EXPECT_NEAR(logistic_loss(logit, true).slope, 1.0 / (1.0 + std::exp(-logit)) - 1.0, 1e-15) << logit;
    EXPECT_NEAR(logistic_loss(logit, false).slope, 1.0 / (1.0 + std::exp(-logit)), 1e-15) << logit;
  }
}

TEST(LogisticLoss, OfLargeLogitsIsFinite) {
  for (const double logit : {800.0, 1e6, 1e30}) {
    EXPECT_EQ(logistic_loss(-logit, true).loss, logit);
    EXPECT_EQ(logistic_loss(logit, false).loss, logit);
    EXPECT_EQ(logistic_loss(logit, true).loss, 0.0);
    EXPECT_EQ(logistic_loss(-logit, true).slope, -1.0);
    EXPECT_EQ(logistic_loss(logit, false).slope, 1.0);
    EXPECT_EQ(logistic_loss(logit, true).slope, 0.0);
  }
}

TEST(LogisticLoss, KeepsTheDigitsOfASampleThatIsRight) {
  EXPECT_DOUBLE_EQ(logistic_loss(40.0, true).loss, std::exp(-40.0));
  EXPECT_DOUBLE_EQ(logistic_loss(40.0, true).slope, -std::exp(-40.0));
  EXPECT_DOUBLE_EQ(logistic_loss(-40.0, false).slope, std::exp(-40.0));
}

TEST(LogisticLoss, PassesNaNOn) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(logistic_loss(nan, true).loss));
  EXPECT_TRUE(std::isnan(logistic_loss(nan, false).slope));
}

}  // namespace
}  // namespace meridian
