// The seeded random source. It is a value that whoever needs randomness is handed or makes from a seed and
// the names of what the numbers are for; the same seed and names give the same numbers on every machine and
// build.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <numbers>
#include <string_view>

namespace meridian {

/// SplitMix64's mixing step (Steele, Lea & Flood, OOPSLA 2014): a bijection on 64 bits.
constexpr std::uint64_t mix_bits(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// A bijection on 32 bits that mixes well: C. Wellons' "lowbias32" (hash-prospector). For loops that are
/// vectorised, as products of 64 bits are not.
constexpr std::uint32_t mix_bits32(std::uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352dU;
  x = (x ^ (x >> 15)) * 0x846ca68bU;
  return x ^ (x >> 16);
}

/// FNV-1a, 64 bits: a stable hash of a name, for seeding and digests.
constexpr std::uint64_t hash_text(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

/// Not thread-safe; cheap to copy and to make anew.
class Random {
  __extension__ using Wide = unsigned __int128;

 public:
  explicit constexpr Random(std::uint64_t seed) : state_(mix_bits(seed)) {}

  /// A stream of its own for each (seed, parts): Random::for_parts(seed, {worker, clock}).
  static constexpr Random for_parts(std::uint64_t seed, std::initializer_list<std::uint64_t> parts) {
    std::uint64_t mixed = mix_bits(seed);
    for (const std::uint64_t part : parts) mixed = mix_bits(mixed ^ mix_bits(part + 0x632be59bd9b4e019ULL));
    return Random(mixed);
  }

  constexpr std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    return mix_bits(state_);
  }

  /// Uniform in [0, bound). Requires bound > 0. The bias is below bound / 2^64.
  constexpr std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
  }

  /// Uniform in [0, 1), 53 bits.
  constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// Standard normal (Box and Muller, 1958).
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  std::uint64_t state_;
};

}  // namespace meridian
