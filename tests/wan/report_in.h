// The clock report that a message brings, whether it travels alone or with the last chunk of an exchange.
#pragma once

#include "src/wire/message.h"

namespace meridian::wan {

/// Nullptr where it brings none.
inline const ClockReport* report_in(const Message& message) {
  if (const auto* update = std::get_if<Update>(&message.body)) {
    return update->report ? &*update->report : nullptr;
  }
  return std::get_if<ClockReport>(&message.body);
}

}  // namespace meridian::wan
