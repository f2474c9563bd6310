// Exchanges of several datacenters, joined in memory over a drawn overlay: mesh, hubs or tree. Which
// datacenter contributes next and which chunk arrives next is drawn from a seed, so that a failure is a seed.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "src/base/random.h"
#include "wan/exchange.h"
#include "wan/ordered_merge.h"

namespace meridian::wan {

class ExchangeNetwork {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  struct Options {
    std::vector<datacenter::TableRange> owned;
    std::vector<Clock> due;  ///< the exchanges' clocks
    std::size_t max_open = 1;
    std::size_t datacenters = 1;
  };
  /// A datacenter's contribution to the exchange of this clock: calls exchange.own().
  using Contribute = std::function<Failure(std::size_t datacenter, Clock clock, Exchange& exchange)>;
  using OnTotal = std::function<void(std::size_t datacenter, const Exchange::Ready& ready)>;

  ExchangeNetwork(Options options, std::uint64_t seed) : options_(std::move(options)), random_(seed) {
    draw_overlay();
    for (std::size_t d = 0; d < options_.datacenters; ++d) nodes_.push_back(make_node(d));
  }

  const std::string& name(std::size_t datacenter) const { return names_[datacenter]; }
  /// kNone for those without.
  std::size_t parent(std::size_t datacenter) const { return parents_[datacenter]; }

  /// Runs all exchanges to their end. Only those that have not failed the test go on.
  void run(const Contribute& contribute, const OnTotal& on_total) {
    while (!testing::Test::HasFatalFailure() &&
           !std::all_of(nodes_.begin(), nodes_.end(),
                        [&](const Node& n) { return n.totals == options_.due.size(); })) {
      const std::size_t d = random_.below(nodes_.size());
      const std::size_t what = random_.below(nodes_[d].links.size() + 1);
      if (what == nodes_[d].links.size()) {
        open_next(d, contribute);
      } else {
        deliver(d, nodes_[d].links[what]);
      }
      take_ready(d, on_total);
      check_waiting(d);
    }
    for (const Node& node : nodes_) EXPECT_TRUE(node.exchange.idle());
  }

 private:
  /// What one datacenter has been sent by one neighbour and not been given.
  struct Link {
    std::size_t from = 0;
    Relation relation = Relation::peer;  // of the sender, seen by the receiver
    std::vector<UpdateChunk> chunks;
    std::vector<Clock> completes;
  };
  struct Node {
    Exchange exchange;
    std::vector<Link> links;
    std::size_t opened = 0;
    std::size_t totals = 0;
  };

  /// A tree under each root; roots are peers. All are roots in a mesh, one is in a tree.
  void draw_overlay() {
    const std::size_t count = options_.datacenters;
    const std::uint64_t kind = random_.below(3);
    const std::size_t roots = kind == 0 ? count : kind == 1 ? 1 : 1 + random_.below(count);
    for (std::size_t d = 0; d < count; ++d) {
      // Names in an order of their own, that of no position.
      names_.push_back(std::to_string(random_.next()));
      parents_.push_back(d < roots ? kNone : random_.below(kind == 1 ? d : roots));
    }
  }

  Node make_node(std::size_t d) {
    Exchange::Options options{names_[d], {}, options_.owned, options_.max_open};
    std::vector<Link> links;
    for (std::size_t other = 0; other < options_.datacenters; ++other) {
      if (other == d) continue;
      const bool peers = parents_[d] == kNone && parents_[other] == kNone;
      if (!peers && parents_[d] != other && parents_[other] != d) continue;
      const Relation relation = peers                  ? Relation::peer
                                : parents_[d] == other ? Relation::parent
                                                       : Relation::child;
      options.members.push_back({names_[other], relation});
      links.push_back({other, relation, {}, {}});
    }
    return {Exchange(std::move(options)), std::move(links)};
  }

  void open_next(std::size_t d, const Contribute& contribute) {
    Node& node = nodes_[d];
    if (node.opened == options_.due.size() || !node.exchange.may_open()) return;
    const Failure wrong = contribute(d, options_.due[node.opened++], node.exchange);
    ASSERT_FALSE(wrong) << wrong->message;
  }

  /// A chunk, any of those on the way, or the word that an exchange's were all.
  void deliver(std::size_t d, Link& link) {
    const auto neighbour = static_cast<std::size_t>(&link - nodes_[d].links.data());
    if (!link.completes.empty() &&
        std::none_of(link.chunks.begin(), link.chunks.end(), [&](const UpdateChunk& chunk) {
          return chunk.header.clock <= link.completes.front();
        })) {
      nodes_[d].exchange.complete(neighbour, link.completes.front());
      link.completes.erase(link.completes.begin());
    } else if (!link.chunks.empty()) {
      const auto at = static_cast<std::ptrdiff_t>(random_.below(link.chunks.size()));
      UpdateChunk chunk = std::move(link.chunks[static_cast<std::size_t>(at)]);
      link.chunks.erase(link.chunks.begin() + at);
      const Failure wrong = nodes_[d].exchange.chunk(neighbour, std::move(chunk));
      ASSERT_FALSE(wrong) << wrong->message;
    }
  }

  void take_ready(std::size_t d, const OnTotal& on_total) {
    Node& node = nodes_[d];
    while (const auto ready = node.exchange.next()) {
      const bool total = ready->kind == Exchange::Ready::Kind::total;
      Selection selection;
      EXPECT_FALSE(select_nonzeros(ready->sums, selection));
      for (Link& link : node.links) {
        if ((link.relation == Relation::child) == total) send(d, link.from, ready->clock, selection);
      }
      if (!total) continue;
      EXPECT_EQ(ready->clock, options_.due[node.totals++]);
      EXPECT_EQ(node.exchange.settled(), ready->clock);
      on_total(d, *ready);
    }
  }

  void send(std::size_t from, std::size_t to, Clock clock, const Selection& selection) {
    auto& links = nodes_[to].links;
    Link& link = *std::find_if(links.begin(), links.end(), [&](const Link& l) { return l.from == from; });
    for (ChunkCutter cutter(selection, options_.owned, options_.owned); !cutter.done();) {
      link.chunks.push_back(cutter.next(8 + random_.below(40)));
      link.chunks.back().header.clock = clock;
    }
    link.completes.push_back(clock);
  }

  void check_waiting(std::size_t d) {
    std::size_t entries = 0;
    for (const datacenter::TableRange& range : options_.owned) entries += range.size();
    for (std::size_t n = 0; n < nodes_[d].links.size(); ++n) {
      ASSERT_LE(nodes_[d].exchange.waiting_bytes(n), 8 * entries * 2 * options_.max_open);
    }
  }

  Options options_;
  Random random_;
  std::vector<std::string> names_;
  std::vector<std::size_t> parents_;
  std::vector<Node> nodes_;
};

/// What `what` takes at `clock`, of tables whose rows are single entries.
inline OrderedMerge::Select select_with(const What& what, Clock clock = 1, double scale = 1.0) {
  return [&what, clock, scale](std::size_t table, std::span<const float> values, std::span<float> residual,
                               TableSelection& out) {
    what.select({.clock = clock, .table = table, .scale = scale}, values, residual, out);
  };
}

}  // namespace meridian::wan
