// How long a computation takes on this machine while all the configuration's workers compute at once: what
// `compute: measured` stands for in a simulation.
#pragma once

#include "src/config/config.h"
#include "src/program/deployment.h"

namespace meridian::program {

/// Computes one gradient for nothing: a process's first one also pays for what is loaded and set up on the
/// way, which may take many times as long as the gradient itself.
void warm_up(const Workload& workload, WorkerPlace place);

/// Seconds for one clock's gradients and for one worker's part of an evaluation: means over some seconds in
/// which every worker has a thread of its own. A datacenter's workers go in lock step and leave the cores to
/// others for as long as their messages take on the LAN, as they do in a run.
ComputeConfig measure_compute(const Deployment& deployment);

}  // namespace meridian::program
