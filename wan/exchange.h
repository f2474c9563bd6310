// Ordered exchanges: all datacenters' contributions to one exchange after another, summed over the overlay in
// an order that every datacenter reproduces, so that all end with the same total, bit for bit, whatever the
// order of arrival. An exchange is named by the clock at which it is due; all datacenters have the same due
// clocks.
//
// A datacenter's *subtree sum* is its own contribution and its children's subtree sums, added in the order of
// datacenter names. It goes to the parent and to every peer. The *total* is, without a parent, the own and
// all peers' subtree sums, again in the order of names; with a parent it is what the parent sends, unaltered.
// It goes to every child. In a mesh everybody is a peer: subtree sums are own contributions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "datacenter/shard_map.h"
#include "src/base/float_buffer.h"
#include "src/base/result.h"
#include "src/base/time.h"
#include "wan/relation.h"
#include "wan/selection.h"
#include "wan/update_chunk.h"

namespace meridian::wan {

/// Pure: no I/O, clock or thread. It keeps one buffer of the owned size for each open exchange and one for
/// the total, and what has arrived before its turn.
class Exchange {
 public:
  struct Member {
    std::string name;  ///< of the neighbour's datacenter
    Relation relation = Relation::peer;
  };

  struct Options {
    std::string own_name;                       ///< of the own datacenter
    std::vector<Member> members;                ///< neighbours go by their position here; names differ
    std::vector<datacenter::TableRange> owned;  ///< by this server, of every table
    /// Exchanges that may be open here at once: contributed to, their totals not taken. The same in every
    /// datacenter, for it also bounds how far ahead of us others can be. At least 1.
    std::size_t max_open = 1;
  };

  /// Requires at most one parent and no peers beside a parent.
  explicit Exchange(Options options);
  Exchange(Exchange&&) = default;
  Exchange& operator=(Exchange&&) = default;

  /// The own contribution to the exchange that is due at `clock`, later than every one before. Requires
  /// may_open(). An error says that a neighbour took part in an exchange that was never due.
  Failure own(Clock clock, const Selection& contribution);
  /// The same where all of `contribution`, one buffer for each table over the owned range, is contributed: it
  /// is left all zeros. Requires it to hold no negative zero; what was added up from 0 never does.
  Failure own(Clock clock, std::vector<FloatBuffer>& contribution);

  /// A checked chunk of the exchange `chunk.header.clock`: of a child's or peer's subtree sum, or of the
  /// total from the parent. An error says why it cannot be: that exchange is over, was said to be complete,
  /// cannot have been reached by a neighbour in step, or more entries came than the model has.
  Failure chunk(std::size_t neighbour, UpdateChunk chunk);

  /// Everything of this neighbour's exchanges up to `clock` was given.
  void complete(std::size_t neighbour, Clock clock);

  struct Ready {
    enum class Kind : std::uint8_t {
      subtree,  ///< to be sent to the parent and to every peer
      total,    ///< to be sent to every child, and applied
    };
    Kind kind = Kind::subtree;
    Clock clock = 0;
    /// One buffer for each table over the owned range. Valid until the next call of any function that is not
    /// const.
    std::span<const FloatBuffer> sums;
  };

  /// What can be sent and applied by now, one by one: subtree sums by rising clock, totals by rising clock,
  /// an exchange's subtree sum before its total. Taking a total ends its exchange.
  std::optional<Ready> next();

  /// The clock of the last total that was taken, 0 at the start.
  Clock settled() const { return settled_; }
  /// Whether one more exchange may be opened; where not, the reads that lead to it are to be held back.
  bool may_open() const { return open_.size() < options_.max_open; }
  /// No exchange is open, here or at a neighbour as far as known.
  bool idle() const;
  /// Payload bytes of this neighbour that wait for their turn: at most 8 for each owned entry, for each of
  /// 2 max_open exchanges.
  std::size_t waiting_bytes(std::size_t neighbour) const;

 private:
  /// What came of one exchange from one neighbour.
  struct Arrived {
    std::size_t entries = 0;
    std::vector<UpdateChunk> waiting;
  };
  struct Source {
    Clock complete = 0;
    std::map<Clock, Arrived> arrived;  // exchanges whose part has not been summed whole
  };
  struct Open {
    Clock clock = 0;
    std::vector<FloatBuffer> sums;  // the own contribution; once the exchange is told of, the subtree sum
  };
  /// A sum in the making: contributors in the order of names, and whose turn it is.
  struct Sum {
    std::vector<std::size_t> order;  // members, or kOwn
    std::size_t turn = 0;
    std::vector<FloatBuffer> sums;

    bool done() const { return turn == order.size(); }
  };

  static constexpr std::size_t kOwn = static_cast<std::size_t>(-1);

  std::vector<std::size_t> by_name(std::initializer_list<Relation> relations, bool with_own) const;
  std::vector<FloatBuffer> zeros();
  void recycle(std::vector<FloatBuffer> sums);
  Failure open(Clock clock, std::vector<FloatBuffer> sums);
  Failure refusal(std::size_t neighbour, const UpdateChunk& chunk) const;
  bool in_reach(std::size_t neighbour, Clock clock) const;
  void advance();
  void advance(Sum& sum, Open& exchange, bool own_is_there);
  void add_waiting(Arrived& arrived, Sum& sum);
  void add_own(Open& exchange, Sum& sum);

  Options options_;
  std::size_t owned_entries_ = 0;
  std::vector<Source> sources_;  // by member
  Sum subtree_;                  // of open_[summed_]
  Sum total_;                    // of open_.front()
  std::deque<Open> open_;        // by rising clock
  std::size_t summed_ = 0;       // subtree sums of so many open exchanges are done
  std::size_t told_ = 0;         // and so many have been taken
  Clock opened_ = 0;             // the last own contribution's clock
  Clock settled_ = 0;
  std::vector<FloatBuffer> taken_;               // the total that was taken last
  std::vector<std::vector<FloatBuffer>> spare_;  // buffers of zeros
};

}  // namespace meridian::wan
