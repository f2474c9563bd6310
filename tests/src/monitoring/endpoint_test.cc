// Goal: metrics are served over HTTP at the address that was asked for, a free port where none was named; an
// address that is taken is refused by name.
#include "src/monitoring/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include "src/monitoring/text_format.h"

namespace meridian::monitoring {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Endpoint, ServesTheLastSnapshotInPrometheusTextFormat) {
  auto endpoint = Endpoint::create("127.0.0.1:0", {{"run", "demo"}});
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  ASSERT_THAT(endpoint.value()->address(), StartsWith("127.0.0.1:"));
  MetricSet set(Labels{{"run", "demo"}});
  set.add("meridian_loss", 0.25);
  endpoint.value()->gate().close(set.take());
  httplib::Client client("http://" + endpoint.value()->address());
  const auto answer = client.Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(answer->get_header_value("Content-Type"), StartsWith("text/plain"));
  const auto samples = parse_text_format(answer->body);
  ASSERT_TRUE(samples) << samples.error().message;
  EXPECT_THAT(answer->body, HasSubstr("meridian_loss{run=\"demo\"} 0.25"));
  EXPECT_THAT(answer->body, HasSubstr("meridian_snapshot_age_seconds{run=\"demo\"}"));
}

TEST(Endpoint, ATakenPortIsRefusedByName) {
  auto first = Endpoint::create("127.0.0.1:0", {});
  ASSERT_TRUE(first) << first.error().message;
  const std::string address = first.value()->address();
  const auto second = Endpoint::create(address, {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr(address));
  EXPECT_THAT(second.error().message, HasSubstr("metrics.address"));
}

}  // namespace
}  // namespace meridian::monitoring
