#include "experiments/precision/emulated_pairs.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace meridian::precision {

EmulatedPairs::EmulatedPairs(const std::vector<EmulatedPair>& pairs) {
  wan::emulator::Description description;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const EmulatedPair& pair = pairs[i];
    const std::string here = fmt::format("here-{}", i);
    const std::string there = fmt::format("there-{}", i);
    const std::size_t link = description.links.size();
    description.links.push_back({.from = here,
                                 .to = there,
                                 .rate_bytes_per_s = pair.rate_bytes_per_s,
                                 .delay = pair.delay,
                                 .variation = pair.variation,
                                 .loss = pair.loss,
                                 .return_delay = pair.delay,
                                 .seed = pair.seed});
    description.links.push_back({.from = there,
                                 .to = here,
                                 .rate_bytes_per_s = pair.rate_bytes_per_s,
                                 .delay = pair.delay,
                                 .return_delay = pair.delay});
    targets_.push_back(TcpSocket::listening());
    description.relays.push_back({.listen = {"127.0.0.1", 0},
                                  .target = {"127.0.0.1", targets_.back().port()},
                                  .forward_link = link,
                                  .backward_link = link + 1});
  }
  auto created = wan::emulator::Emulator::create(description);
  if (!created) throw std::runtime_error(created.error().message);
  emulator_ = std::move(created).value();
  thread_ = std::jthread([this] { emulator_->run(); });
}

EmulatedPairs::~EmulatedPairs() { emulator_->stop(); }

Connection EmulatedPairs::connect(std::size_t pair) {
  TcpSocket sender = TcpSocket::connected(emulator_->port(pair));
  return {std::move(sender), targets_[pair].accept()};
}

std::vector<Connection> EmulatedPairs::connect_many(std::size_t count, std::size_t pair) {
  std::vector<Connection> connections;
  for (std::size_t i = 0; i < count; ++i) connections.push_back(connect(pair));
  return connections;
}

}  // namespace meridian::precision
