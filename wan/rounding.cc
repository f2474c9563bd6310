#include "wan/rounding.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "src/base/instruction_sets.h"
#include "src/base/random.h"
#include "wan/compact_values.h"
#include "wan/grating.h"
#include "wan/packing.h"

namespace meridian::wan {
namespace {

constexpr std::array<std::pair<std::string_view, ValueFormat>, 7> kFormats{{
    {"fp32", ValueFormat::fp32},
    {"fp16", ValueFormat::fp16},
    {"bf16", ValueFormat::bf16},
    {"8bit", ValueFormat::bits8},
    {"4bit", ValueFormat::bits4},
    {"2bit", ValueFormat::bits2},
    {"sign", ValueFormat::sign},
}};

/// What keeps the draws of one pass apart from those of others.
struct ChanceKeys {
  std::uint32_t place;
  std::uint32_t value;
};

ChanceKeys keys_of(const FilterPass& pass) {
  const std::uint64_t mixed = mix_bits(mix_bits(pass.clock) ^ pass.table);
  return {static_cast<std::uint32_t>(mixed >> 32U), static_cast<std::uint32_t>(mixed)};
}

/// In [0, 1), by the entry and its value: another one in every datacenter.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, draw_chances,
                                  (ChanceKeys keys, const std::uint32_t* offsets, const float* values,
                                   std::size_t count, float* chances),
                                  (keys, offsets, values, count, chances)) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t place = mix_bits32(offsets[i] ^ keys.place);
    const std::uint32_t mixed = mix_bits32(place ^ std::bit_cast<std::uint32_t>(values[i]) ^ keys.value);
    chances[i] = static_cast<float>(static_cast<std::int32_t>(mixed >> 8U)) * 0x1.0p-24F;
  }
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, add_all, (const float* errors, std::size_t count, float* residual),
                                  (errors, count, residual)) {
  for (std::size_t i = 0; i < count; ++i) residual[i] += errors[i];
}

/// Rising offsets; most often those of a dense selection have no gaps.
void add_errors(std::span<const std::uint32_t> offsets, const float* errors, std::span<float> residual) {
  if (offsets.back() - offsets.front() + 1 == offsets.size())
    return add_all(errors, offsets.size(), residual.data() + offsets.front());
  for (std::size_t i = 0; i < offsets.size(); ++i) residual[offsets[i]] += errors[i];
}

/// Entries that are selected at once, where that is free: they are rounded while they are in the cache.
constexpr std::size_t kSelectedAtOnce = 4096;

/// Rounds what was selected of a table, from entry `begin` of the selection on, as it grows.
class SelectionRounding {
 public:
  SelectionRounding(ValueFormat format, RoundingMode mode, const FilterPass& pass, std::span<float> residual,
                    TableSelection& out)
      : format_(format),
        mode_(mode),
        keys_(keys_of(pass)),
        residual_(residual),
        out_(out),
        begin_(out.size()) {
    limits_.fill(0.5F);
  }

  /// Rounds the blocks that are full.
  void round_full() {
    while (room() <= out_.size() - next_) round(room());
  }

  /// Rounds the rest. What came to nothing is no longer in the selection.
  void finish() {
    round_full();
    if (next_ < out_.size()) round(out_.size() - next_);
    out_.shorten(kept_);
  }

 private:
  /// As many at once as the block has room for: what comes to nothing leaves its place to what follows, so
  /// that blocks stay full.
  std::size_t room() const { return kValueBlock - (kept_ - begin_) % kValueBlock; }

  void round(std::size_t count) {
    const std::span<const std::uint32_t> offsets = std::span(out_.offsets).subspan(next_, count);
    const std::span<float> block = std::span(out_.values).subspan(next_, count);
    if ((kept_ - begin_) % kValueBlock == 0) grating_.emplace(format_, block);
    if (mode_ == RoundingMode::stochastic)
      draw_chances(keys_, offsets.data(), block.data(), count, limits_.data());
    grating_->round(block, limits_.data(), errors_.data());
    add_errors(offsets, errors_.data(), residual_);
    kept_ += keep_nonzeros(offsets.data(), block.data(), count, out_.offsets.data() + kept_,
                           out_.values.data() + kept_);
    next_ += count;
  }

  ValueFormat format_;
  RoundingMode mode_;
  ChanceKeys keys_;
  std::span<float> residual_;
  TableSelection& out_;
  std::size_t begin_;
  std::size_t next_ = begin_;  ///< the first entry that is not rounded
  std::size_t kept_ = begin_;  ///< where the entries that are kept end
  std::optional<Grating> grating_;
  std::array<float, kValueBlock> limits_{};
  std::array<float, kValueBlock> errors_{};
};

}  // namespace

std::optional<ValueFormat> value_format_named(std::string_view name) {
  for (const auto& [known, format] : kFormats) {
    if (known == name) return format;
  }
  return {};
}

Rounded::Rounded(std::unique_ptr<What> inner, ValueFormat format, RoundingMode mode)
    : inner_(std::move(inner)), format_(format), mode_(mode) {}

void Rounded::select(const FilterPass& pass, std::span<const float> values, std::span<float> residual,
                     TableSelection& out) const {
  if (format_ == ValueFormat::fp32) return inner_->select(pass, values, residual, out);
  SelectionRounding rounding(format_, mode_, pass, residual, out);
  const std::size_t at_once = inner_->selects_by_block() ? kSelectedAtOnce : residual.size();
  for (std::size_t first = 0; first < residual.size(); first += at_once) {
    const std::size_t size = std::min(at_once, residual.size() - first);
    FilterPass part = pass;
    part.first = pass.first + first;
    inner_->select(part, values.empty() ? values : values.subspan(first, size), residual.subspan(first, size),
                   out);
    rounding.round_full();
  }
  rounding.finish();
}

}  // namespace meridian::wan
