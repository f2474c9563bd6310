// Where the workers' time went, in a few lines for people.
#pragma once

#include <string>

#include "src/output/summary.h"

namespace meridian::output {

/// A heading and five lines: compute, evaluation, LAN (push, pull, local barrier), selective barrier, mirror
/// clock, each as a share of all workers' time and in seconds of one worker. Empty where nothing was
/// measured.
std::string time_split_text(const Summary& summary);

}  // namespace meridian::output
