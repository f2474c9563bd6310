// Loops that run on the vector units of the machine they happen to be on: MERIDIAN_FOR_EACH_INSTRUCTION_SET
// makes a function several times, for newer processors too, and takes one of them at run time. Builds stay
// portable, and a loop over floats is up to eight times as fast.
//
//   MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, add, (const float* terms, float* sums, std::size_t size),
//                                     (terms, sums, size)) {
//     for (std::size_t i = 0; i < size; ++i) sums[i] += terms[i];
//   }
//
// For functions of plain loops only: what they call and is not inlined is the portable version. All versions
// give the same bits where none may fuse a product with a sum, so whoever uses this compiles with
// -ffp-contract=off.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace meridian {

enum class InstructionSet : std::uint8_t {
  portable,  ///< what every machine of this kind has: SSE2 on x86-64, NEON on aarch64
  avx2,
  avx512,
};

/// "portable", "avx2" or "avx512".
const char* to_string(InstructionSet set);

/// Those that this machine has and this build knows, the best one last.
std::vector<InstructionSet> available_instruction_sets();

/// The best one that is available, or the one that the environment variable MERIDIAN_ISA names, where it is
/// available. The same at every call.
InstructionSet instruction_set();

/// Why `wanted`, what MERIDIAN_ISA is set to, cannot be had here; nothing where it can.
Failure check_instruction_set(std::string_view wanted);

}  // namespace meridian

#if defined(__x86_64__) && defined(__GNUC__)

#define MERIDIAN_FOR_EACH_INSTRUCTION_SET(result, name, parameters, arguments)                        \
  [[gnu::always_inline]] inline result name##_for_any parameters;                                     \
  [[gnu::target("avx512f")]] result name##_for_avx512 parameters { return name##_for_any arguments; } \
  [[gnu::target("avx2")]] result name##_for_avx2 parameters { return name##_for_any arguments; }      \
  result name##_portable parameters { return name##_for_any arguments; }                              \
  result name parameters {                                                                            \
    switch (::meridian::instruction_set()) {                                                          \
      case ::meridian::InstructionSet::avx512:                                                        \
        return name##_for_avx512 arguments;                                                           \
      case ::meridian::InstructionSet::avx2:                                                          \
        return name##_for_avx2 arguments;                                                             \
      case ::meridian::InstructionSet::portable:                                                      \
        break;                                                                                        \
    }                                                                                                 \
    return name##_portable arguments;                                                                 \
  }                                                                                                   \
  inline result name##_for_any parameters

#else

#define MERIDIAN_FOR_EACH_INSTRUCTION_SET(result, name, parameters, arguments) result name parameters

#endif
