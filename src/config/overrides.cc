#include "src/config/overrides.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "src/config/spelling.h"

namespace meridian {

namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kLongestPath = 256;

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    parts.push_back(path.substr(0, dot));
    path.remove_prefix(dot + 1);
  }
  parts.push_back(path);
  return parts;
}

/// The `name` of a list's element, or nothing.
std::optional<std::string_view> name_of(const YamlNode& element) {
  const YamlNode* name = element.find("name");
  if (name == nullptr || name->kind != Kind::scalar) return std::nullopt;
  return name->text;
}

std::optional<std::size_t> position_in(const YamlNode& list, std::string_view part) {
  for (std::size_t i = 0; i < list.children.size(); ++i) {
    if (name_of(list.children[i]) == part) return i;
  }
  std::size_t position = 0;
  const auto [end, failure] = std::from_chars(part.data(), part.data() + part.size(), position);
  if (failure != std::errc() || end != part.data() + part.size()) return std::nullopt;
  if (position >= list.children.size()) return std::nullopt;
  return position;
}

std::string elements_of(const YamlNode& list) {
  if (list.children.empty()) return "a list with elements";
  std::vector<std::string_view> names;
  for (const YamlNode& element : list.children) {
    if (const auto name = name_of(element)) names.push_back(*name);
  }
  std::string positions = fmt::format("a position from 0 to {}", list.children.size() - 1);
  if (names.empty()) return positions;
  return printable(one_of(names), 200) + ", or " + positions;
}

/// The child of `node` that `part` names, made if it may be; nothing (and a problem) when there can be none.
YamlNode* descend(YamlNode& node, std::string_view part, const std::string& path, Place place,
                  Problems& problems) {
  if (node.kind == Kind::null) {
    node = YamlNode{};
    node.kind = Kind::map;
    node.place = place;
  }
  if (node.kind == Kind::map) {
    if (YamlNode* child = node.find(part)) return child;
    node.keys.push_back({std::string(part), place});
    YamlNode& made = node.children.emplace_back();
    made.place = place;
    return &made;
  }
  if (node.kind == Kind::list) {
    if (const auto position = position_in(node, part)) return &node.children[*position];
    problems.add(place, fmt::format("there is no {} in {}", in_quotes(part), path), elements_of(node));
    return nullptr;
  }
  problems.add(place, fmt::format("{} is {}, so it has no {}", path, in_quotes(node.text), in_quotes(part)),
               fmt::format("a whole map, as in {}={{{}: ...}}", path, printable(part)));
  return nullptr;
}

void place_everywhere(YamlNode& node, Place place) {
  node.place = place;
  for (YamlNode::Key& key : node.keys) key.place = place;
  for (YamlNode& child : node.children) place_everywhere(child, place);
}

}  // namespace

void apply_override(YamlNode& root, const std::string& text, std::size_t source, Problems& problems) {
  const Place place{source, 1, 1};
  const std::size_t equals = text.find('=');
  const std::string path = text.substr(0, equals);
  if (equals == std::string::npos || path.empty() || path.size() > kLongestPath) {
    problems.add(place, "not a key and a value",
                 "KEY=VALUE with the keys joined by dots, such as wan.mode=bsp");
    return;
  }
  std::optional<YamlNode> value = parse_yaml(std::string_view(text).substr(equals + 1), source, problems);
  if (!value) return;
  place_everywhere(*value, place);

  YamlNode* node = &root;
  YamlNode* parent = &root;
  std::string walked;
  for (const std::string_view part : split_path(path)) {
    if (part.empty()) {
      problems.add(place, fmt::format("an empty key in {}", in_quotes(path)), "keys joined by single dots");
      return;
    }
    parent = node;
    node = descend(*node, part, walked, place, problems);
    if (node == nullptr) return;
    if (!walked.empty()) walked += '.';
    walked += printable(part);
  }
  if (value->kind == Kind::null && parent->kind == Kind::list) {
    parent->children.erase(parent->children.begin() + (node - parent->children.data()));
    return;
  }
  *node = std::move(*value);
}

}  // namespace meridian
