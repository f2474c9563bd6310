#include "src/base/instruction_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace meridian {
namespace {

InstructionSet chosen() {
  const std::vector<InstructionSet> available = available_instruction_sets();
  const char* const wanted = std::getenv("MERIDIAN_ISA");
  for (const InstructionSet set : available) {
    if (wanted != nullptr && std::string_view(wanted) == to_string(set)) return set;
  }
  return available.back();
}

}  // namespace

const char* to_string(InstructionSet set) {
  switch (set) {
    case InstructionSet::portable:
      return "portable";
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::avx512:
      return "avx512";
  }
  return "unknown";
}

std::vector<InstructionSet> available_instruction_sets() {
  std::vector<InstructionSet> available = {InstructionSet::portable};
#if defined(__x86_64__) && defined(__GNUC__)
  if (__builtin_cpu_supports("avx2")) available.push_back(InstructionSet::avx2);
  if (__builtin_cpu_supports("avx512f")) available.push_back(InstructionSet::avx512);
#endif
  return available;
}

InstructionSet instruction_set() {
  static const InstructionSet set = chosen();
  return set;
}

Failure check_instruction_set(std::string_view wanted) {
  std::string names;
  for (const InstructionSet set : available_instruction_sets()) {
    if (wanted == to_string(set)) return {};
    names += fmt::format("{}{}", names.empty() ? "" : ", ", to_string(set));
  }
  return Error{fmt::format("MERIDIAN_ISA is '{}'; this machine and build have {}", wanted, names)};
}

}  // namespace meridian
