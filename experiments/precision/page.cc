#include "experiments/precision/page.h"

#include <fmt/format.h>

namespace meridian::precision {

namespace {

std::string opening(const std::string& name) { return fmt::format("<!-- {} -->\n", name); }
std::string closing(const std::string& name) { return fmt::format("<!-- /{} -->\n", name); }

}  // namespace

std::string new_section(const std::string& name, const std::string& text) {
  return opening(name) + text + closing(name);
}

Result<std::string> with_section(const std::string& page, const std::string& name, const std::string& text) {
  const std::size_t start = page.find(opening(name));
  const std::size_t end = page.find(closing(name));
  if (start == std::string::npos || end == std::string::npos || end < start) {
    return Error{fmt::format("there are no lines {}and {}one after the other", opening(name), closing(name))};
  }
  return page.substr(0, start) + new_section(name, text) + page.substr(end + closing(name).size());
}

}  // namespace meridian::precision
