// The simulator's network in virtual time, against closed forms.
#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "experiments/precision/measurements.h"
#include "experiments/precision/table.h"
#include "src/network/network.h"

namespace meridian::precision {

namespace {

constexpr double kRate = bytes_per_s(58);
constexpr double kCap = bytes_per_s(50);
constexpr Time kDelay = std::chrono::milliseconds(40);
constexpr std::size_t kMegabyte = 1'000'000;
constexpr std::size_t kTurn = SharedLink::kTurnBytes;
const WideAreaLink::Options kLink{.link = {.rate_bytes_per_s = kRate, .delay = kDelay}};

// What a first of two equal messages needs until it is through, when they share a rate in turns: its own
// bytes and, for each of its turns but the last, one turn of the other.
constexpr std::size_t kFirstOfTwo = kMegabyte + (kMegabyte - 1) / kTurn * kTurn;
constexpr std::size_t kLastTurn = kMegabyte - (kMegabyte - 1) / kTurn * kTurn;

Time serialised(std::size_t bytes, double rate) { return from_seconds(static_cast<double>(bytes) / rate); }

struct Arrived {
  Network::Arrival what;
  Time at{0};
};

std::vector<Arrived> run(Network& network) {
  std::vector<Arrived> all;
  std::vector<Network::Arrival> arrived;
  while (const auto next = network.next_event()) {
    network.advance(*next, arrived);
    for (const Network::Arrival& one : arrived) all.push_back({one, *next});
    arrived.clear();
  }
  return all;
}

class Comparison {
 public:
  void add(const std::string& what, Time formula, Time simulated) {
    table_.add({what, fmt::format("{}", formula.count()), fmt::format("{}", simulated.count()),
                fmt::format("{}", (simulated - formula).count())});
  }
  std::string markdown() const { return table_.markdown(); }

 private:
  Table table_{{"case", "formula, ns", "simulated, ns", "difference, ns"}};
};

void one_transfer(Comparison& comparison) {
  Network network;
  network.send(Time{0}, network.add_link(kLink, 1), 0, kMegabyte, 0);
  comparison.add("1 MB alone", serialised(kMegabyte, kRate) + kDelay, run(network).at(0).at);
}

void two_sharing(Comparison& comparison) {
  Network network;
  const auto link = network.add_link(kLink, 1);
  network.send(Time{0}, link, 0, kMegabyte, 0);
  network.send(Time{0}, link, 1, kMegabyte, 1);
  const auto arrived = run(network);
  comparison.add("two of 1 MB share the link: the first", serialised(kFirstOfTwo, kRate) + kDelay,
                 arrived.at(0).at);
  comparison.add("two of 1 MB share the link: the second", serialised(2 * kMegabyte, kRate) + kDelay,
                 arrived.at(1).at);
}

// Each message is sent on over a second link when it is there.
void pipeline(Comparison& comparison) {
  constexpr std::size_t kMessages = 100;
  constexpr std::size_t kBytes = 10'000;
  Network network;
  const auto first = network.add_link(kLink, 1);
  const auto second = network.add_link({.link = {.rate_bytes_per_s = kRate / 2, .delay = 2 * kDelay}}, 2);
  for (std::size_t i = 0; i < kMessages; ++i) network.send(Time{0}, first, 0, kBytes, i);
  Time last{0};
  std::vector<Network::Arrival> arrived;
  while (const auto next = network.next_event()) {
    network.advance(*next, arrived);
    for (const Network::Arrival& one : arrived) {
      if (one.link == first) network.send(*next, second, 0, one.bytes, one.cookie);
      last = *next;
    }
    arrived.clear();
  }
  comparison.add("100 of 10 kB through two links, the second half as fast: the last",
                 serialised(kBytes, kRate) + kDelay + serialised(kMessages * kBytes, kRate / 2) + 2 * kDelay,
                 last);
}

// Pieces of a turn pass the cap one after the other. The link is faster and keeps none of them waiting, but
// for the second message's last one: it is small, and follows a whole turn closely.
void capped_egress(Comparison& comparison) {
  Network network;
  const auto cap = network.add_cap(kCap);
  network.send(Time{0}, network.add_link(kLink, 1, cap), 0, kMegabyte, 0);
  network.send(Time{0}, network.add_link(kLink, 2, cap), 0, kMegabyte, 1);
  const auto arrived = run(network);
  const Time last_piece = serialised(kLastTurn, kRate) + kDelay;
  comparison.add("1 MB over each of two links out of a datacenter capped at 50 Mb/s: the first",
                 serialised(kFirstOfTwo, kCap) + last_piece, arrived.at(0).at);
  comparison.add("1 MB over each of two links out of a datacenter capped at 50 Mb/s: the second",
                 serialised(2 * (kMegabyte - kLastTurn), kCap) + serialised(kTurn, kRate) + last_piece,
                 arrived.at(1).at);
}

// The cap begins when the first pieces are there, and is busy from then on.
void capped_ingress(Comparison& comparison) {
  Network network;
  const auto cap = network.add_cap(kCap);
  network.send(Time{0}, network.add_link(kLink, 1, std::nullopt, cap), 0, kMegabyte, 0);
  network.send(Time{0}, network.add_link(kLink, 2, std::nullopt, cap), 0, kMegabyte, 1);
  const auto arrived = run(network);
  comparison.add("1 MB over each of two links into a datacenter capped at 50 Mb/s: the second",
                 serialised(kTurn, kRate) + kDelay + serialised(2 * kMegabyte, kCap), arrived.at(1).at);
}

}  // namespace

std::string simulator(const Plan& /*plan*/) {
  say("simulator: closed forms");
  Comparison comparison;
  one_transfer(comparison);
  two_sharing(comparison);
  pipeline(comparison);
  capped_egress(comparison);
  capped_ingress(comparison);
  return comparison.markdown();
}

}  // namespace meridian::precision
