// Goal: an exchange is due at every h-th clock, with every neighbour, and the next one is told before it
// comes. Reached by counting clocks.
#include "wan/when.h"

#include <gtest/gtest.h>

namespace meridian::wan {
namespace {

TEST(EveryClocks, IsDueAtMultiplesOfH) {
  for (const Clock h : {1U, 2U, 7U}) {
    const EveryClocks when(h);
    for (Clock clock = 1; clock <= 30; ++clock) {
      for (std::size_t neighbour = 0; neighbour < 3; ++neighbour) {
        EXPECT_EQ(when.due(clock, neighbour), clock % h == 0) << clock << " of " << h;
      }
    }
  }
}

TEST(EveryClocks, TheNextOneIsTheFirstThatIsDueLater) {
  for (const Clock h : {1U, 2U, 7U}) {
    const EveryClocks when(h);
    for (Clock clock = 0; clock <= 30; ++clock) {
      Clock next = clock + 1;
      while (!when.due(next, 0)) ++next;
      EXPECT_EQ(when.next_due(clock, 0), next) << "after " << clock << " of " << h;
    }
  }
}

}  // namespace
}  // namespace meridian::wan
