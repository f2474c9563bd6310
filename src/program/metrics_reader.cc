#include "src/program/metrics_reader.h"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <utility>

namespace meridian::program {
namespace {

constexpr std::size_t kThreads = 8;
constexpr std::size_t kLargestAnswer = std::size_t{16} << 20;

std::optional<std::vector<monitoring::Sample>> read_one(const std::string& address,
                                                        std::chrono::milliseconds longest) {
  httplib::Client client("http://" + address);
  if (!client.is_valid()) return std::nullopt;
  client.set_connection_timeout(longest);
  client.set_read_timeout(longest);
  std::string body;
  // The client's own limits are for each read; whoever sends a little now and then meets none of them.
  const auto until = std::chrono::steady_clock::now() + longest;
  const auto take = [&](const char* data, std::size_t size) {
    if (body.size() + size > kLargestAnswer || std::chrono::steady_clock::now() > until) return false;
    body.append(data, size);
    return true;
  };
  const httplib::Result answer = client.Get("/metrics", take);
  if (!answer || answer->status != 200) return std::nullopt;
  auto samples = monitoring::parse_text_format(body);
  if (!samples) return std::nullopt;
  return std::move(samples).value();
}

}  // namespace

MetricsRead read_metrics(const std::vector<std::string>& addresses, std::chrono::milliseconds longest) {
  std::vector<std::optional<std::vector<monitoring::Sample>>> answers(addresses.size());
  {
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(kThreads, addresses.size()); ++i) {
      threads.emplace_back([&] {
        for (std::size_t a = next++; a < addresses.size(); a = next++)
          answers[a] = read_one(addresses[a], longest);
      });
    }
  }
  MetricsRead read;
  for (std::size_t a = 0; a < addresses.size(); ++a) {
    if (!answers[a]) {
      read.unreachable.push_back(addresses[a]);
      continue;
    }
    read.samples.insert(read.samples.end(), std::make_move_iterator(answers[a]->begin()),
                        std::make_move_iterator(answers[a]->end()));
  }
  return read;
}

}  // namespace meridian::program
