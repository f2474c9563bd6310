#include "src/config/expansion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "src/base/result.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

constexpr std::size_t kLongestValue = std::size_t{64} << 10;

bool is_variable_name(std::string_view name) {
  const auto starts = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto goes_on = [&](char c) { return starts(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && starts(name.front()) && std::all_of(name.begin(), name.end(), goes_on);
}

/// What "${" + inside + "}" stands for.
Result<std::string> value_of(std::string_view inside, const Environment& environment) {
  const std::size_t split = inside.find(":-");
  const std::string name(inside.substr(0, split));
  if (!is_variable_name(name)) {
    return Error{fmt::format("{} is no variable", in_quotes(fmt::format("${{{}}}", inside)))};
  }
  const std::optional<std::string> value = environment(name);
  if (split == std::string_view::npos) {
    if (!value) return Error{fmt::format("the environment variable {} is not set", in_quotes(name))};
    return *value;
  }
  return value && !value->empty() ? *value : std::string(inside.substr(split + 2));
}

Result<std::string> expand(std::string_view text, const Environment& environment) {
  std::string expanded;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    expanded += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      expanded += '$';
      text.remove_prefix(1);
    } else if (const std::size_t end = text.find('}');
               text.starts_with('{') && end != std::string_view::npos) {
      Result<std::string> value = value_of(text.substr(1, end - 1), environment);
      if (!value.ok()) return value;
      expanded += value.value();
      text.remove_prefix(end + 1);
    } else {
      return Error{"a dollar that starts no ${NAME}"};
    }
    if (expanded.size() > kLongestValue) return Error{"the expanded value is too long"};
  }
  return expanded;
}

bool is_null_text(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

}  // namespace

std::optional<std::string> process_environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

void expand_variables(YamlNode& node, const Environment& environment, Problems& problems) {
  for (YamlNode& child : node.children) expand_variables(child, environment, problems);
  if (node.kind != YamlNode::Kind::scalar || node.text.find('$') == std::string::npos) return;
  Result<std::string> expanded = expand(node.text, environment);
  if (!expanded.ok()) {
    problems.add(node.place, expanded.error().message,
                 "${NAME} of a variable that is set, ${NAME:-default}, or $$ for a dollar");
    node.kind = YamlNode::Kind::broken;
    return;
  }
  node.text = std::move(expanded).value();
  node.quoted = false;
  if (is_null_text(node.text)) node.kind = YamlNode::Kind::null;
}

}  // namespace meridian
