// Ports of 127.0.0.1 for the processes of one run. Between the moment a port is found free and the moment its
// process listens there, another run on this machine may find it free too; so runs claim ports from each
// other.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "src/program/descriptor.h"

namespace meridian::program {

/// Not thread-safe. What it gave belongs to the run as long as it lives, however the process ends.
class FreePorts {
 public:
  /// Of the ports from `lowest` to the one before `past`, in whole blocks of 64. The defaults lie below the
  /// range from which the system takes ports for outgoing connections.
  explicit FreePorts(unsigned lowest = 10240, unsigned past = 32000) : lowest_(lowest), past_(past) {}

  /// A port at which nobody listens and that no other FreePorts on this machine gives, whatever process it is
  /// in. Nothing where there are no more.
  std::optional<std::uint16_t> take();

 private:
  bool claim_block();

  unsigned lowest_;
  unsigned past_;
  std::vector<Descriptor> claims_;
  unsigned next_ = 0;  // of the block claimed last
  unsigned block_end_ = 0;
};

}  // namespace meridian::program
