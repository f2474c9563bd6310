#include "src/math/dropout.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "src/base/check.h"
#include "src/base/instruction_sets.h"
#include "src/base/random.h"

namespace meridian {
namespace {

// Each random word decides four entries, 16 bits for each.
constexpr unsigned kBits = 16;
constexpr std::size_t kEntriesOfWord = 64 / kBits;
constexpr std::size_t kWords = 64;
constexpr std::uint64_t kOne = std::uint64_t{1} << kBits;

// Words of a counter that is mixed, not of a generator with a state: a loop that vector units take.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, draw_words,
                                  (std::uint64_t draw, std::uint64_t first, std::uint64_t* __restrict words),
                                  (draw, first, words)) {
  for (std::uint64_t i = 0; i < kWords; ++i) words[i] = mix_bits(draw ^ mix_bits(first + i));
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, keep_some,
                                  (const std::uint64_t* __restrict words, unsigned shift, std::uint64_t kept,
                                   float scale, float* __restrict factors),
                                  (words, shift, kept, scale, factors)) {
  for (std::size_t i = 0; i < kWords; ++i)
    factors[i] = ((words[i] >> shift) & (kOne - 1)) < kept ? scale : 0.0F;
}

}  // namespace

void drop_out(std::uint64_t draw, double rate, ConstMatrix input, Matrix output) {
  MERIDIAN_CHECK(rate >= 0.0 && rate < 1.0, "rate {}", rate);
  MERIDIAN_CHECK(input.rows == output.rows && input.columns == output.columns, "{} x {} into {} x {}",
                 input.rows, input.columns, output.rows, output.columns);
  const auto share = static_cast<std::uint64_t>(std::lround((1.0 - rate) * static_cast<double>(kOne)));
  const std::uint64_t kept = std::max<std::uint64_t>(share, 1);
  const float scale = static_cast<float>(kOne) / static_cast<float>(kept);
  std::array<std::uint64_t, kWords> words{};
  std::array<float, kWords * kEntriesOfWord> factors{};
  for (std::size_t start = 0; start < input.size(); start += factors.size()) {
    draw_words(draw, start, words.data());
    for (unsigned part = 0; part < kEntriesOfWord; ++part)
      keep_some(words.data(), part * kBits, kept, scale, factors.data() + part * kWords);
    const std::size_t count = std::min(factors.size(), input.size() - start);
    // What is dropped is 0 even where the input is not finite.
    for (std::size_t i = 0; i < count; ++i) {
      const float value = input.data[start + i];
      output.data[start + i] = factors[i] == 0.0F ? 0.0F : value * factors[i];
    }
  }
}

}  // namespace meridian
