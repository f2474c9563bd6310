// What a link is owed and cannot send yet. Two kinds: eager updates merge into one buffer of the size of the
// shared parameters, however many clocks it holds; updates that others must tell apart by clock wait in line,
// clock by clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "datacenter/shard_map.h"
#include "src/base/time.h"
#include "wan/selection.h"
#include "wan/update_chunk.h"

namespace meridian::wan {

/// How far a link has come: all that was owed for clocks up to `clock`, and all entries of announcements up
/// to `announced`.
struct BacklogMark {
  Clock clock = 0;
  std::uint64_t announced = 0;
};

/// Pure: no I/O, clock or thread.
class Backlog {
 public:
  virtual ~Backlog() = default;

  /// How far is reached once all that was added so far, and what add() brings next, has been handed out.
  virtual void mark(BacklogMark mark) = 0;
  /// Adds all that `rest` has not cut yet.
  virtual void add(ChunkCutter& rest) = 0;
  /// Chunks that were lost on their way, oldest first. What was reached before counts no more.
  virtual void put_back(const std::deque<UpdateChunk>& chunks) = 0;

  virtual bool empty() const = 0;
  /// The next chunk, of at most `max_bytes` of payload; without segments where there was nothing but zeros. A
  /// chunk's clock is 0 where its clock does not matter. Requires !empty().
  virtual UpdateChunk next(std::size_t max_bytes) = 0;
  /// How far the chunks handed out so far have come.
  virtual BacklogMark reached() const = 0;

  /// How many entries wait, at most.
  virtual std::size_t waiting_entries() const = 0;
  /// Adds what waits, or its absolute values, to `sums`: one buffer for each table over the owned range.
  virtual void add_to(std::vector<FloatBuffer>& sums, bool magnitudes) const = 0;
  /// The entries that wait, by table, with their values. At least all that add() brought and next() did not
  /// take.
  virtual Selection entries() const = 0;
};

/// One buffer, swept in laps: each chunk takes up where the last one ended, so that no entry starves however
/// fast updates come, and a lap hands out all that was there when it began.
class MergingBacklog final : public Backlog {
 public:
  MergingBacklog(std::vector<datacenter::TableRange> owned, std::vector<datacenter::TableRange> shared);

  void mark(BacklogMark mark) override { mark_ = mark; }
  void add(ChunkCutter& rest) override;
  void put_back(const std::deque<UpdateChunk>& chunks) override;
  bool empty() const override { return unswept_ == 0; }
  UpdateChunk next(std::size_t max_bytes) override;
  BacklogMark reached() const override { return empty() ? mark_ : reached_; }
  std::size_t waiting_entries() const override { return empty() ? 0 : waiting_; }
  void add_to(std::vector<FloatBuffer>& sums, bool magnitudes) const override;
  Selection entries() const override;

 private:
  void allocate();
  void something_came();

  std::vector<datacenter::TableRange> owned_;
  std::vector<datacenter::TableRange> shared_;
  std::vector<FloatBuffer> sums_;  // over the owned range of each table; allocated when first needed
  std::size_t total_ = 0;          // shared entries
  std::size_t waiting_ = 0;        // entries that are not zero, and some that cancelled since
  std::size_t unswept_ = 0;        // entries until all that is here has been swept
  std::size_t lap_left_ = 0;       // entries until this lap is over
  std::size_t table_ = 0;          // where the sweep is: an entry of a shared range, or its end
  std::size_t flat_ = 0;
  BacklogMark mark_;
  BacklogMark lap_;      // reached when this lap is over
  BacklogMark reached_;  // by the last lap
};

/// First come, first gone. The caller bounds how many clocks wait.
class ClockQueue final : public Backlog {
 public:
  ClockQueue(std::vector<datacenter::TableRange> owned, std::vector<datacenter::TableRange> shared)
      : owned_(std::move(owned)), shared_(std::move(shared)) {}

  void mark(BacklogMark mark) override { mark_ = mark; }
  void add(ChunkCutter& rest) override;
  void put_back(const std::deque<UpdateChunk>& chunks) override;
  bool empty() const override { return returned_.empty() && waiting_.empty(); }
  UpdateChunk next(std::size_t max_bytes) override;
  BacklogMark reached() const override { return empty() ? mark_ : reached_; }
  std::size_t waiting_entries() const override;
  void add_to(std::vector<FloatBuffer>& sums, bool magnitudes) const override;
  Selection entries() const override;

 private:
  /// What is left of one clock's updates.
  struct Waiting {
    Clock clock = 0;
    Selection selection;
    std::unique_ptr<ChunkCutter> cutter;  // over `selection`, which does not move
  };

  std::vector<datacenter::TableRange> owned_;
  std::vector<datacenter::TableRange> shared_;
  std::deque<UpdateChunk> returned_;
  std::deque<std::unique_ptr<Waiting>> waiting_;
  BacklogMark mark_;
  BacklogMark reached_;
};

}  // namespace meridian::wan
