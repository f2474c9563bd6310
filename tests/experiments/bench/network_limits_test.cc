// Goal: each limit gives as many times as were asked for, and a placement that cannot be had is an error that
// says so. How: few and small transfers between real processes.
#include "experiments/bench/network_limits.h"

#include <gmock/gmock.h>

namespace meridian::bench {
namespace {

using testing::Each;
using testing::Gt;
using testing::HasSubstr;
using testing::SizeIs;

TEST(NetworkLimits, GiveAsManyTimesAsAskedFor) {
  const Placement free{"free", {}};
  for (const auto& limit :
       {measure_tcp_stream(free, 2), measure_added_stream(free, 2), measure_zmq_round_trip(free, 4096, 2),
        measure_zmq_throughput(free, std::size_t{1} << 20U, 2)}) {
    ASSERT_TRUE(limit) << limit.error().message;
    EXPECT_THAT(limit.value().seconds, SizeIs(2));
    EXPECT_THAT(limit.value().seconds, Each(Gt(0.0)));
    EXPECT_GT(limit.value().bytes, 0U);
    EXPECT_GT(limit.value().sender_cpu_s, 0.0);
    EXPECT_GT(limit.value().receiver_cpu_s, 0.0);
  }
}

TEST(NetworkLimits, NameWhatFailed) {
  const auto limit = measure_tcp_stream({"a core that is not there", {1023}}, 1);
  ASSERT_FALSE(limit);
  EXPECT_THAT(limit.error().message, HasSubstr("a TCP stream, a core that is not there"));
}

}  // namespace
}  // namespace meridian::bench
