// Signals as something to wait for beside sockets.
#pragma once

#include <initializer_list>

#include "src/program/descriptor.h"

namespace meridian::program {

/// Blocks these signals and gives a descriptor that is readable once one has come; none where the system has
/// none. Before any other thread is made, since threads inherit the block.
Descriptor signals_as_descriptor(std::initializer_list<int> signals);

}  // namespace meridian::program
