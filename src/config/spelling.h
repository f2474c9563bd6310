// How configuration messages show what a user wrote, and guess what was meant.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace meridian {

/// `text` as one harmless line for a message: what does not print becomes \xNN, and what is longer than
/// `limit` bytes ends in "...".
std::string printable(std::string_view text, std::size_t limit = 80);

/// printable(text) between single quotes.
std::string in_quotes(std::string_view text);

/// The word of `known` nearest to `word`, or nothing when none is near: at most a third of its letters (two
/// at least) differ, counting insertions, deletions, replacements and swapped neighbours (Damerau, 1964).
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known);

/// "a, b or c".
std::string one_of(std::span<const std::string_view> words);

/// ", perhaps 'x'" for the nearest known word; empty when none is near.
std::string perhaps(std::string_view word, std::span<const std::string_view> known);

}  // namespace meridian
