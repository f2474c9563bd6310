// A page of Markdown whose tables stand between markers, `<!-- NAME -->` and `<!-- /NAME -->`, so that they
// can be measured again without touching what is said about them.
#pragma once

#include <string>

#include "src/base/result.h"

namespace meridian::precision {

/// The page with `text` between the markers of `name`. Fails where it does not have both.
Result<std::string> with_section(const std::string& page, const std::string& name, const std::string& text);

/// The markers around `text`.
std::string new_section(const std::string& name, const std::string& text);

}  // namespace meridian::precision
