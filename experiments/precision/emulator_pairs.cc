// Whether a pair of places feels a saturated other pair in the same emulator.
#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "experiments/precision/measurements.h"
#include "experiments/precision/message_delays.h"
#include "experiments/precision/samples.h"
#include "experiments/precision/table.h"
#include "experiments/precision/throughput.h"
#include "experiments/precision/timer_error.h"

namespace meridian::precision {

namespace {

constexpr double kMeasuredMbit = 58;
constexpr double kOtherMbit = 116;
constexpr Time kDelay = std::chrono::milliseconds(20);
constexpr Time kLasting = std::chrono::seconds(5);

struct Measured {
  std::vector<double> share;
  std::vector<double> median_ms;
  std::vector<double> p99_ms;
};

// Keeps a connection full from its beginning to its end.
class Saturated {
 public:
  explicit Saturated(Connection connection) : connection_(std::move(connection)) {
    sending_ = std::jthread([this] {
      const std::vector<char> data(64 * 1024);
      while (connection_.sender.send(data) == data.size()) {
      }
    });
    receiving_ = std::jthread([this] {
      std::vector<char> buffer(256 * 1024);
      ssize_t got = 0;
      while ((got = connection_.receiver.receive(buffer)) > 0) {
        const auto now = std::chrono::steady_clock::now();
        if (bytes_ == 0) first_ = now;  // what came with it belongs to the time before
        if (bytes_ > 0) counted_ += static_cast<double>(got);
        bytes_ += static_cast<double>(got);
        last_ = now;
      }
    });
  }

  /// Ends it; bytes per second since its first arrival.
  double end() {
    ::shutdown(connection_.receiver.fd(), SHUT_RDWR);
    ::shutdown(connection_.sender.fd(), SHUT_RDWR);
    sending_.join();
    receiving_.join();
    return counted_ / std::chrono::duration<double>(last_ - first_).count();
  }

 private:
  Connection connection_;
  std::chrono::steady_clock::time_point first_;
  std::chrono::steady_clock::time_point last_;
  double bytes_ = 0;
  double counted_ = 0;
  std::jthread sending_;
  std::jthread receiving_;
};

void measure(EmulatedPairs& pairs, Measured& measured) {
  auto connections = pairs.connect_many(1, 0);
  measured.share.push_back(throughput(connections, kLasting) / bytes_per_s(kMeasuredMbit));
}

void measure_delay(EmulatedPairs& pairs, Measured& measured) {
  Connection connection = pairs.connect(0);
  const auto beyond = beyond_at_half_load_ms(connection, bytes_per_s(kMeasuredMbit), kDelay, kLasting);
  measured.median_ms.push_back(quantile(beyond, 0.5));
  measured.p99_ms.push_back(quantile(beyond, 0.99));
}

}  // namespace

std::string emulator_pairs(const Plan& plan) {
  const Surroundings surroundings(plan.rounds);
  const std::vector<EmulatedPair> two{{.rate_bytes_per_s = bytes_per_s(kMeasuredMbit), .delay = kDelay},
                                      {.rate_bytes_per_s = bytes_per_s(kOtherMbit), .delay = kDelay}};
  std::array<Measured, 2> measured;  // alone, and beside the other pair
  std::vector<double> other_share;
  for (int round = 1; round <= plan.rounds; ++round) {
    for (const bool beside : {false, true}) {
      say(fmt::format("two pairs, round {} of {}: {}", round, plan.rounds,
                      beside ? "side by side" : "alone"));
      for (const auto& what : {measure, measure_delay}) {
        EmulatedPairs pairs(two);
        std::optional<Saturated> other;
        if (beside) other.emplace(pairs.connect(1));
        what(pairs, measured[beside ? 1 : 0]);
        if (other) other_share.push_back(other->end() / bytes_per_s(kOtherMbit));
      }
    }
  }
  Table table({"pair A, 58 Mb/s", "A's throughput / rate", "A's added delay, median ms",
               "A's added delay, 99th percentile ms", "B's throughput / rate"});
  for (const bool beside : {false, true}) {
    const Measured& one = measured[beside ? 1 : 0];
    table.add({beside ? "beside pair B, 116 Mb/s, saturated" : "alone", median_and_range(one.share, 3),
               median_and_range(one.median_ms, 2), median_and_range(one.p99_ms, 2),
               beside ? median_and_range(other_share, 3) : "–"});
  }
  return table.markdown() + "\n" + surroundings.line();
}

}  // namespace meridian::precision
