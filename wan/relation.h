// What a neighbour is in the overlay that updates travel over, and what is passed on between which.
#pragma once

#include <cstdint>

namespace meridian::wan {

/// What a neighbour is to us.
enum class Relation : std::uint8_t { peer, parent, child };

/// Updates that came from `from` go on to `to` (never back): from a child to all others; from a peer or the
/// parent to children only. Own updates go to every neighbour.
constexpr bool relays(Relation from, Relation to) { return from == Relation::child || to == Relation::child; }

}  // namespace meridian::wan
