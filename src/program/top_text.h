// The page of `meridian top` as lines of text; who prints them knows colours and terminals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "src/monitoring/deployment_view.h"

namespace meridian::program {

struct TopLine {
  enum class Style : std::uint8_t { plain, heading, warning };

  std::string text;
  Style style = Style::plain;
};

/// The last `width` values as blocks of eight heights, the smallest of them lowest; with `plain` in ASCII.
std::string sparkline(std::span<const double> values, std::size_t width, bool plain);

/// With `plain` without a character outside of ASCII.
std::vector<TopLine> top_lines(const monitoring::DeploymentView& view, std::size_t width, bool plain);

}  // namespace meridian::program
