// Goal: the parser keeps what yaml-cpp would lose (places, duplicates) and refuses what could grow or recurse
// without end; nothing that a text contains does more than fail to parse.
// How: small texts, and texts built to overflow each limit, checked for the exact place of the refusal.
#include "src/config/yaml_tree.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// What is wrong with a text, "" if nothing is.
std::string problems_of(const std::string& text) {
  Problems problems("x.yaml", {});
  parse_yaml(text, 0, problems);
  return problems.text();
}

YamlNode tree_of(const std::string& text) {
  Problems problems("x.yaml", {});
  const auto tree = parse_yaml(text, 0, problems);
  EXPECT_TRUE(tree) << problems.text();
  return tree.value_or(YamlNode{});
}

TEST(YamlTree, KeepsThePlaceOfEveryKeyAndValue) {
  const YamlNode tree = tree_of("a: 1\nb:\n  - x\n  - {c: \"2\"}\n");
  ASSERT_EQ(tree.kind, YamlNode::Kind::map);
  ASSERT_EQ(tree.keys.size(), 2U);
  EXPECT_EQ(tree.keys[1].place, (Place{0, 2, 1}));
  EXPECT_EQ(tree.find("a")->place, (Place{0, 1, 4}));
  EXPECT_EQ(tree.find("a")->text, "1");
  EXPECT_FALSE(tree.find("a")->quoted);
  const YamlNode& list = *tree.find("b");
  ASSERT_EQ(list.kind, YamlNode::Kind::list);
  EXPECT_EQ(list.children[0].place, (Place{0, 3, 5}));
  EXPECT_EQ(list.children[1].keys[0].place, (Place{0, 4, 6}));
  EXPECT_TRUE(list.children[1].find("c")->quoted);
  EXPECT_EQ(tree.find("c"), nullptr);
}

TEST(YamlTree, RepeatsAnAnchorWhereItsAliasStands) {
  const YamlNode tree = tree_of("a: &link {rate: 5}\nb: *link\n");
  ASSERT_NE(tree.find("b")->find("rate"), nullptr);
  EXPECT_EQ(tree.find("b")->find("rate")->text, "5");
}

TEST(YamlTree, RefusesDuplicateKeysAndGoesOn) {
  EXPECT_EQ(problems_of("a: 1\na: 2\nb: {c: 1, c: [d, e], c: 3}\n"),
            "x.yaml:2:1: the key 'a' stands twice in the same map, first at 1:1; expected each key once\n"
            "x.yaml:3:11: the key 'c' stands twice in the same map, first at 3:5; expected each key once\n"
            "x.yaml:3:22: the key 'c' stands twice in the same map, first at 3:5; expected each key once");
}

TEST(YamlTree, RefusesASecondDocument) {
  EXPECT_EQ(problems_of("a: 1\n---\nb: 2\n"),
            "x.yaml:2:1: a second document starts; expected one document in a file");
}

TEST(YamlTree, RefusesKeysThatAreNoWords) {
  EXPECT_EQ(problems_of("? [a]\n: 1\n"), "x.yaml:1:3: a list or map as a key; expected a word as a key");
  EXPECT_EQ(problems_of("a: 1\n~: 2\n"), "x.yaml:2:1: a key that is not text; expected a word as a key");
}

TEST(YamlTree, RefusesBrokenYamlAtItsPlace) {
  EXPECT_THAT(problems_of("a: b: c\n"), StartsWith("x.yaml:1:5: not valid YAML (illegal map value"));
  EXPECT_THAT(problems_of("a: [1, 2\n"), StartsWith("x.yaml:2:1: not valid YAML ("));
  for (const char* open : {"a: \"open\n", "a: 'open\n", "a: \"open\nb: c\n"}) {
    EXPECT_THAT(problems_of(open), HasSubstr(": not valid YAML (the text ends inside quotes); ")) << open;
  }
  EXPECT_THAT(problems_of("a: \"open"), HasSubstr(": not valid YAML (the text ends inside quotes); "));
  EXPECT_THAT(problems_of("a: *nowhere\n"), StartsWith("x.yaml:1:4: not valid YAML ("));
}

TEST(YamlTree, RefusesAnAliasOfItself) {
  EXPECT_EQ(
      problems_of("a: &a [*a]\n"),
      "x.yaml:1:8: an alias stands inside what it repeats; expected an anchor that ends before its alias");
}

TEST(YamlTree, RefusesAliasesThatMultiply) {
  // "A billion laughs": thirty levels, each ten times the one before.
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    text += fmt::format("a{0}: &a{0} [", i);
    for (int k = 0; k < 10; ++k) text += fmt::format("{}*a{}", k == 0 ? "" : ", ", i - 1);
    text += "]\n";
  }
  EXPECT_THAT(problems_of(text), StartsWith("x.yaml:6:"));
  EXPECT_THAT(problems_of(text), HasSubstr("nested or repeated too far"));
}

TEST(YamlTree, RefusesAliasesThatDeepen) {
  std::string text = "a0: &a0 [[[[[[[[x]]]]]]]]\n";
  for (int i = 1; i < 10; ++i) text += fmt::format("a{0}: &a{0} [[[[[[[[*a{1}]]]]]]]]\n", i, i - 1);
  EXPECT_THAT(problems_of(text), StartsWith("x.yaml:4:"));
}

TEST(YamlTree, RefusesDeepNesting) {
  EXPECT_EQ(problems_of(std::string(32, '[') + std::string(32, ']')), "");
  EXPECT_THAT(problems_of(std::string(33, '[') + std::string(33, ']')),
              StartsWith("x.yaml:1:33: the configuration"));
  for (const char* nested : {"[", "{a: ", "- ", "? ", "&a [", "{? "}) {
    std::string text;
    for (int i = 0; i < 100000; ++i) text += nested;
    EXPECT_NE(problems_of(text), "") << nested;
  }
}

TEST(YamlTree, TakesNoHarmFromStrangeBytes) {
  for (const char* text : {"\x01",      "\xff\xfe", "a: \xc3\x28", "%YAML 9.9\n---\na",
                           "%TAG",      "!",        "&",           "*",
                           "|",         ">9",       "\t- a",       "? ? ?",
                           "}",         "]",        "- -",         ": :",
                           "a: |\n\tx", "'",        "\"\\x\"",     "\"\\uD800\""}) {
    Problems problems("x.yaml", {});
    const auto tree = parse_yaml(text, 0, problems);
    EXPECT_EQ(tree.has_value(), problems.empty()) << text;
  }
  EXPECT_EQ(problems_of(std::string("a: 1\nb:\0c", 9)), "x.yaml:2:3: the byte 0x00; expected text in UTF-8");
  EXPECT_EQ(problems_of("a: 1\n\x04: 2"), "x.yaml:2:1: the byte 0x04; expected text in UTF-8");
  EXPECT_EQ(problems_of("\xff\xfe"
                        "a"),
            "x.yaml:1:1: the byte 0xff; expected text in UTF-8");
}

}  // namespace
}  // namespace meridian
