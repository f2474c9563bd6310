// Goal: variables expand in values and only there, and what they give is read as if it had been typed.
// How: the sample configuration with variables in it, and an environment made of a map.
#include "src/config/expansion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/src/config/sample_config.h"

namespace meridian {
namespace {

using sample::config_of;
using sample::problems_of;
using sample::with;

std::optional<std::string> environment(const std::string& name) {
  static const std::map<std::string, std::string> kVariables = {{"SEED", "42"},
                                                                {"EMPTY", ""},
                                                                {"DATA", "/srv/data"},
                                                                {"LINKS", "lan"},
                                                                {"LONG", std::string(40000, 'x')}};
  const auto found = kVariables.find(name);
  return found == kVariables.end() ? std::nullopt : std::optional(found->second);
}

std::string path_of(const std::string& value) {
  return config_of(with("path: data/fashion", "path: " + value), {}, environment).workload.data.path.string();
}

TEST(Expansion, GivesNumbersAndWords) {
  EXPECT_EQ(config_of(with("seed: 7", "seed: ${SEED}"), {}, environment).seed, 42U);
  EXPECT_EQ(config_of(with("seed: 7", "seed: \"${SEED}\""), {}, environment).seed, 42U);
  EXPECT_EQ(config_of(with("seed: 7", "seed: 1${SEED}0"), {}, environment).seed, 1420U);
}

TEST(Expansion, FallsBackToTheDefaultWhenUnsetOrEmpty) {
  EXPECT_EQ(config_of(with("seed: 7", "seed: ${NONE:-9}"), {}, environment).seed, 9U);
  EXPECT_EQ(config_of(with("seed: 7", "seed: ${EMPTY:-9}"), {}, environment).seed, 9U);
  EXPECT_EQ(config_of(with("seed: 7", "seed: ${SEED:-9}"), {}, environment).seed, 42U);
  EXPECT_EQ(path_of("\"${DATA:-../data}/fashion\""), "/srv/data/fashion");
  EXPECT_EQ(path_of("${NONE:-/a:-b}/c"), "/a:-b/c");
}

TEST(Expansion, TwoDollarsAreOne) {
  EXPECT_EQ(path_of("/a$$b"), "/a$b");
  EXPECT_EQ(path_of("/a$${SEED}"), "/a${SEED}");
  // What a variable holds is not expanded again.
  const auto dollar = [](const std::string&) -> std::optional<std::string> { return "/${X}"; };
  EXPECT_EQ(config_of(with("path: data/fashion", "path: ${X}"), {}, dollar).workload.data.path, "/${X}");
}

TEST(Expansion, WorksInOverrides) {
  EXPECT_EQ(config_of(sample::kYaml, {"seed=${SEED}"}, environment).seed, 42U);
  EXPECT_EQ(config_of(sample::kYaml, {"wan.links=${LINKS}"}, environment).wan.links[0][1],
            (LinkConfig{1000, 0.25}));
}

TEST(Expansion, RefusesWhatItCannotExpandAtItsPlace) {
  const std::string expected =
      "; expected ${NAME} of a variable that is set, ${NAME:-default}, or $$ for a dollar";
  const auto said = [](const std::string& value) {
    return problems_of(with("seed: 7", "seed: " + value), {}, environment);
  };
  EXPECT_EQ(said("${NONE}"), "dir/test.yaml:2:7: the environment variable 'NONE' is not set" + expected);
  EXPECT_EQ(said("${}"), "dir/test.yaml:2:7: '${}' is no variable" + expected);
  EXPECT_EQ(said("${1A}"), "dir/test.yaml:2:7: '${1A}' is no variable" + expected);
  EXPECT_EQ(said("${SEED"), "dir/test.yaml:2:7: a dollar that starts no ${NAME}" + expected);
  EXPECT_EQ(said("$SEED"), "dir/test.yaml:2:7: a dollar that starts no ${NAME}" + expected);
  EXPECT_EQ(said("1$"), "dir/test.yaml:2:7: a dollar that starts no ${NAME}" + expected);
  EXPECT_EQ(said("${LONG}${LONG}"), "dir/test.yaml:2:7: the expanded value is too long" + expected);
  EXPECT_EQ(said("${EMPTY}"),
            "dir/test.yaml:2:1: seed has no value; expected a value, or no such key for the default");
  EXPECT_EQ(problems_of(sample::kYaml, {"wan.mode=${NONE}"}, environment),
            "--set wan.mode=${NONE}: the environment variable 'NONE' is not set" + expected);
}

TEST(Expansion, LeavesKeysAlone) {
  EXPECT_THAT(problems_of(with("seed: 7", "\"${SEED}\": 7"), {}, environment),
              testing::StartsWith("dir/test.yaml:2:1: unknown key '${SEED}'; "));
}

}  // namespace
}  // namespace meridian
