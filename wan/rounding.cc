#include "wan/rounding.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "src/base/instruction_sets.h"
#include "src/base/random.h"
#include "wan/compact_values.h"
#include "wan/grating.h"

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

/// Moves the entries [first, past) that are not 0 to `kept`; returns where they end.
std::size_t keep_nonzeros(TableSelection& out, std::size_t first, std::size_t past, std::size_t kept) {
  for (std::size_t i = first; i < past; ++i) {
    const float value = out.values[i];
    out.offsets[kept] = out.offsets[i];
    out.values[kept] = value;
    kept += static_cast<std::size_t>(value != 0.0F);
  }
  return kept;
}

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
  const std::size_t begin = out.size();
  inner_->select(pass, values, residual, out);
  if (format_ == ValueFormat::fp32) return;
  const ChanceKeys keys = keys_of(pass);
  std::array<float, kValueBlock> limits{};
  limits.fill(0.5F);
  std::array<float, kValueBlock> errors{};
  std::optional<Grating> grating;
  std::size_t kept = begin;
  // As many at once as the block has room for: what comes to nothing leaves its place to what follows, so
  // that blocks stay full.
  for (std::size_t first = begin; first < out.size();) {
    const std::size_t within = (kept - begin) % kValueBlock;
    const std::size_t past = std::min(first + kValueBlock - within, out.size());
    const std::span<const std::uint32_t> offsets = std::span(out.offsets).subspan(first, past - first);
    const std::span<float> block = std::span(out.values).subspan(first, past - first);
    if (within == 0) grating.emplace(format_, block);
    if (mode_ == RoundingMode::stochastic)
      draw_chances(keys, offsets.data(), block.data(), block.size(), limits.data());
    grating->round(block, limits.data(), errors.data());
    add_errors(offsets, errors.data(), residual);
    kept = keep_nonzeros(out, first, past, kept);
    first = past;
  }
  out.offsets.resize(kept);
  out.values.resize(kept);
}

}  // namespace meridian::wan
