// YAML text as a plain tree in which every key and value knows where it stands. yaml-cpp parses; what it lets
// pass is refused here: duplicate keys, tags, several documents, and aliases that would grow without end.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/config/problems.h"

namespace meridian {

/// A value that copies. Only what its kind names is filled.
struct YamlNode {
  enum class Kind { null, scalar, list, map, broken };  ///< broken: a problem with it is noted already
  struct Key {
    std::string text;
    Place place;
  };

  Kind kind = Kind::null;
  Place place;
  std::string text;                ///< of a scalar
  bool quoted = false;             ///< a scalar in quotes: text, even where it looks like a number
  std::vector<Key> keys;           ///< of a map, in the order of the text; keys[i] belongs to children[i]
  std::vector<YamlNode> children;  ///< of a list or a map

  const YamlNode* find(std::string_view key) const;
  YamlNode* find(std::string_view key);
};

/// Limits that no sensible configuration meets and no file can exceed.
inline constexpr std::size_t kLargestYamlBytes = std::size_t{8} << 20;
inline constexpr std::size_t kMostYamlNodes = std::size_t{1} << 20;  ///< aliases count as what they stand for
inline constexpr std::size_t kDeepestYaml = 32;

/// Parses one document. Anything wrong goes to `problems` and gives nothing; an empty text gives a null node.
/// Places say `source`.
std::optional<YamlNode> parse_yaml(std::string_view text, std::size_t source, Problems& problems);

}  // namespace meridian
