#include "src/sweep/flow_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::sweep {

namespace {

/// Whether YAML takes the text for the same scalar wherever it stands. Every number and word does.
bool is_plain(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  };
  const auto allowed = [&](char c) { return plain(c) || c == '+' || c == '-' || c == '/'; };
  if (text.empty() || !std::all_of(text.begin(), text.end(), allowed)) return false;
  return plain(text.front()) || (text.size() > 1 && plain(text[1]));
}

std::string quoted(const std::string& text) {
  std::string escaped = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      escaped += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      escaped += c;
    }
  }
  return escaped + '"';
}

}  // namespace

std::string flow_text(const YamlNode& value) {
  std::string text;
  switch (value.kind) {
    case YamlNode::Kind::null:
    case YamlNode::Kind::broken:
      return "null";
    case YamlNode::Kind::scalar:
      return !value.quoted && is_plain(value.text) ? value.text : quoted(value.text);
    case YamlNode::Kind::list:
      for (const YamlNode& child : value.children) text += (text.empty() ? "" : ", ") + flow_text(child);
      return "[" + text + "]";
    case YamlNode::Kind::map:
      break;
  }
  for (std::size_t i = 0; i < value.keys.size(); ++i) {
    const std::string& key = value.keys[i].text;
    text += fmt::format("{}{}: {}", i == 0 ? "" : ", ", is_plain(key) ? key : quoted(key),
                        flow_text(value.children[i]));
  }
  return "{" + text + "}";
}

}  // namespace meridian::sweep
