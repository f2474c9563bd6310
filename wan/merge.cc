#include "wan/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace meridian::wan {

void add_chunk(const UpdateChunk& chunk, datacenter::ParameterStore& store) {
  std::size_t entered = store.tables();
  std::span<float> values;
  std::size_t begin = 0;
  for_each_entry(chunk, [&](std::size_t table, std::size_t flat, float value) {
    if (table != entered) {
      entered = table;
      values = store.change(table);
      begin = store.ranges()[table].begin;
    }
    values[flat - begin] += value;
  });
}

void EagerSum::own_step(Clock /*clock*/, std::size_t /*table*/, std::span<float> values,
                        std::span<const float> step) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += step[i];
}

Failure EagerSum::remote_chunk(std::size_t /*datacenter*/, UpdateChunk chunk) {
  add_chunk(chunk, store_);
  return {};
}

OrderedSum::OrderedSum(datacenter::ParameterStore& store, std::size_t own, std::vector<std::size_t> order,
                       std::size_t max_pending_bytes)
    : store_(store),
      own_(own),
      order_(std::move(order)),
      max_pending_bytes_(max_pending_bytes),
      remotes_(order_.size()) {
  for (const datacenter::TableRange& range : store_.ranges()) own_step_.emplace_back(range.size());
}

void OrderedSum::own_step(Clock clock, std::size_t table, std::span<float> /*values*/,
                          std::span<const float> step) {
  MERIDIAN_CHECK(clock == merged_ + 1, "own step of clock {} with {} merged", clock, merged_);
  std::copy(step.begin(), step.end(), own_step_[table].data());
}

void OrderedSum::own_clock_closed(Clock clock) {
  own_closed_ = clock;
  merge_what_may_be();
}

Failure OrderedSum::remote_chunk(std::size_t datacenter, UpdateChunk chunk) {
  const Clock clock = chunk.header.clock;
  Remote& remote = remotes_.at(datacenter);
  // It cannot have closed a clock more than one beyond the last one that was merged everywhere.
  if (clock <= merged_ || clock > merged_ + 2 || clock <= remote.complete) {
    return Error{fmt::format("updates of clock {} after {} clocks were merged", clock, merged_)};
  }
  remote.pending_bytes += chunk.payload.size();
  if (remote.pending_bytes > max_pending_bytes_) return Error{"more updates than its model has"};
  remote.pending[clock].push_back(std::move(chunk));
  return {};
}

void OrderedSum::remote_complete(std::size_t datacenter, Clock clock) {
  Remote& remote = remotes_.at(datacenter);
  remote.complete = std::max(remote.complete, clock);
  merge_what_may_be();
}

void OrderedSum::merge_what_may_be() {
  while (merged_ < own_closed_) {
    const Clock clock = merged_ + 1;
    const std::size_t datacenter = order_[turn_];
    if (datacenter == own_) {
      for (std::size_t table = 0; table < own_step_.size(); ++table) {
        const std::span<float> values = store_.change(table);
        for (std::size_t i = 0; i < values.size(); ++i) values[i] += own_step_[table][i];
      }
    } else {
      Remote& remote = remotes_[datacenter];
      if (remote.complete < clock) return;
      for (const UpdateChunk& chunk : remote.pending[clock]) {
        add_chunk(chunk, store_);
        remote.pending_bytes -= chunk.payload.size();
      }
      remote.pending.erase(clock);
    }
    if (++turn_ == order_.size()) {
      turn_ = 0;
      ++merged_;
    }
  }
}

}  // namespace meridian::wan
