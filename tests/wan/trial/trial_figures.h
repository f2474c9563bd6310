// What a trial found: the first rule that did not hold, and figures that show that it tried something.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace meridian::wan {

/// A rule of the design that did not hold.
struct Violation {
  std::string rule;  ///< "1 (conservation)"
  std::string what;  ///< with values
};

/// Sums over trials.
struct TrialFigures {
  std::uint64_t events = 0;
  std::uint64_t checks = 0;         ///< of a server's links, whole
  std::uint64_t reads = 0;          ///< that were looked at
  std::uint64_t chunks = 0;         ///< applied
  std::uint64_t repeats = 0;        ///< chunks that came again or too early, and were not applied
  std::uint64_t breaks = 0;         ///< holes found
  std::uint64_t resumed = 0;        ///< of them, those after which chunks came again
  std::uint64_t backlogs = 0;       ///< links that ever had one
  std::uint64_t announcements = 0;  ///< that came in
  std::uint64_t held_reads = 0;     ///< asked while an announcement was open
  std::uint64_t releases = 0;       ///< of announcements that were checked
  std::uint64_t left = 0;           ///< times that a server went on without a datacenter
  std::uint64_t returned = 0;       ///< and took it in again
  std::uint64_t ahead = 0;          ///< reads served ahead of a datacenter by all that DS allows, DS > 0
  std::uint64_t ended_apart = 0;    ///< runs whose end somebody missed: agreement not asked for
  std::uint64_t agreed = 0;         ///< runs whose replicas were compared at the end
  std::uint64_t anchors = 0;        ///< compared

  void add(const TrialFigures& more) {
    events += more.events;
    checks += more.checks;
    reads += more.reads;
    chunks += more.chunks;
    repeats += more.repeats;
    breaks += more.breaks;
    resumed += more.resumed;
    backlogs += more.backlogs;
    announcements += more.announcements;
    held_reads += more.held_reads;
    releases += more.releases;
    left += more.left;
    returned += more.returned;
    ahead += more.ahead;
    ended_apart += more.ended_apart;
    agreed += more.agreed;
    anchors += more.anchors;
  }
};

}  // namespace meridian::wan
