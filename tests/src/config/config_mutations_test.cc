// Goal: whatever a file holds, reading it ends in a configuration or in problems that each say where they
// are. How: thousands of seeded mutations of the sample (bytes flipped, pieces deleted, doubled, moved and
// replaced by bits of YAML). A configuration that is read must also survive being written out. A failure
// names its seed.
#include <gtest/gtest.h>

#include <array>
#include <sstream>

#include "src/base/random.h"
#include "src/config/resolved_yaml.h"
#include "src/config/run_identity.h"
#include "tests/src/config/sample_config.h"

namespace meridian {
namespace {

constexpr int kTrials = 6000;

constexpr auto kPieces = std::to_array<std::string_view>({"[",
                                                          "]",
                                                          "{",
                                                          "}",
                                                          ": ",
                                                          "- ",
                                                          "\n",
                                                          "  ",
                                                          "&a ",
                                                          "*a",
                                                          "!!x ",
                                                          "|\n",
                                                          ">\n",
                                                          "\"",
                                                          "'",
                                                          "#",
                                                          "? ",
                                                          "---\n",
                                                          "...\n",
                                                          "%YAML",
                                                          "${",
                                                          "${X:-",
                                                          "$",
                                                          "~",
                                                          "null",
                                                          "nan",
                                                          "-1",
                                                          "1e308",
                                                          "99999999999999999999",
                                                          "virginia",
                                                          "tokyo",
                                                          ","});

std::size_t place_in(Random& random, const std::string& text) {
  return static_cast<std::size_t>(random.below(text.size() + 1));
}

void mutate(std::string& text, Random& random) {
  const std::size_t at = place_in(random, text);
  const auto length = static_cast<std::size_t>(random.below(40));
  switch (random.below(6)) {
    case 0:
      if (at < text.size()) text[at] = static_cast<char>(random.below(256));
      break;
    case 1:
      text.erase(at, length);
      break;
    case 2:
      text.insert(place_in(random, text), text.substr(at, length));
      break;
    case 3: {
      const std::string piece = text.substr(at, length);
      text.erase(at, length);
      text.insert(place_in(random, text), piece);
      break;
    }
    case 4: {
      const std::size_t digit = text.find_first_of("0123456789", at);
      if (digit != std::string::npos) text[digit] = static_cast<char>('0' + random.below(10));
      break;
    }
    default:
      text.replace(at, random.below(3), kPieces.at(static_cast<std::size_t>(random.below(kPieces.size()))));
  }
}

TEST(ConfigMutations, EndInAConfigurationOrInProblemsWithPlaces) {
  int read = 0;
  for (int seed = 0; seed < kTrials; ++seed) {
    Random random = Random::for_parts(11, {static_cast<std::uint64_t>(seed)});
    std::string text(sample::kYaml);
    for (std::uint64_t change = 0; change <= random.below(4); ++change) mutate(text, random);
    const Result<Config> config = sample::read(text);
    SCOPED_TRACE("seed " + std::to_string(seed) + ":\n" + text);
    if (config.ok()) {
      ++read;
      const auto again =
          read_config_text(resolved_yaml(config.value()), "again.yaml", {}, sample::no_variables);
      ASSERT_TRUE(again.ok()) << again.error().message;
      ASSERT_EQ(run_id(again.value()), run_id(config.value()));
      continue;
    }
    std::istringstream lines(config.error().message);
    std::string line;
    while (std::getline(lines, line)) {
      ASSERT_TRUE(line.starts_with("dir/test.yaml:") || line.starts_with("and ")) << line;
      ASSERT_TRUE(line.find("; expected ") != std::string::npos || line.starts_with("and ")) << line;
    }
    ASSERT_FALSE(config.error().message.empty());
  }
  // Both outcomes must occur, or the mutations test nothing.
  EXPECT_GT(read, kTrials / 50);
  EXPECT_LT(read, kTrials / 2);
}

}  // namespace
}  // namespace meridian
