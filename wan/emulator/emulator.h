// The WAN emulator: TCP relays in user space that give the traffic between two places the rate and the delay
// of a wide-area link. All connections assigned to one link and direction share its rate as SharedLink says;
// bytes, half-closes and resets come out in the order in which they went in, each after its delay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/base/time.h"
#include "src/network/wide_area_link.h"

namespace meridian::wan::emulator {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
};

/// One direction between two places.
struct LinkDescription {
  std::string from;
  std::string to;
  double rate_bytes_per_s = 0;  ///< above 0; infinity for no limit
  Time delay{0};                ///< one way, at least 0
  DelayVariation::Options variation = {};
  double loss = 0;       ///< probability that a segment is lost, below 1
  Time return_delay{0};  ///< of the other direction
  RateTrace trace = {};
  std::uint64_t seed = 1;  ///< of what varies by chance
};

/// What all links from, or to, one place may carry together.
struct CapDescription {
  std::string place;
  std::optional<double> egress_bytes_per_s = std::nullopt;
  std::optional<double> ingress_bytes_per_s = std::nullopt;
};

/// Something that happens to one link.
struct LinkEvent {
  enum class Kind : std::uint8_t {
    cut,      ///< nothing moves, nothing is lost
    degrade,  ///< `values` replace the link's own
    restore,  ///< ends cuts and degradations
    reset,    ///< every connection over it breaks; what is on the way is lost
  };

  std::size_t link = 0;  ///< by position in Description::links
  Kind kind = Kind::cut;
  Time at{0};                                ///< after begin(); for apply(): after the call
  std::optional<Time> lasts = std::nullopt;  ///< a cut or degradation without it lasts until it is restored
  LinkChange values = {};
};

/// Accepts TCP connections at `listen` (port 0: the system chooses one, see Emulator::port) and relays each
/// to `target`: what the accepted side sends goes over links[forward_link], what the target sends over
/// links[backward_link].
struct RelayDescription {
  Endpoint listen;
  Endpoint target;
  std::size_t forward_link = 0;
  std::size_t backward_link = 0;
};

struct Description {
  std::vector<LinkDescription> links;
  std::vector<RelayDescription> relays;
  std::vector<CapDescription> caps = {};
  std::vector<LinkEvent> events = {};
  /// How long a connection waits for a target that refuses or does not answer yet; then it is closed.
  Time connect_deadline = std::chrono::seconds(10);
};

struct LinkCounters {
  std::uint64_t bytes = 0;        ///< payload that came out at the link's far end
  std::uint64_t connections = 0;  ///< opened since the start, living and ended
};

/// One link as it is now.
struct LinkState {
  std::string from;
  std::string to;
  double rate_bytes_per_s = 0;  ///< in force
  Time delay{0};
  DelayVariation::Options variation = {};
  double loss = 0;
  bool cut = false;
  bool degraded = false;
  LinkCounters counters;
  std::uint64_t open_connections = 0;
  std::uint64_t waiting_bytes = 0;  ///< taken in and not out yet
  std::uint64_t losses = 0;         ///< segments lost so far
  Time busy{0};                     ///< how long it was serialising
};

/// Bounded buffers: of one connection and direction at most rate x delay + 64 KiB are held; beyond that
/// nothing more is read, so TCP holds the sender back. (A link without a rate limit counts as 10 Gb/s in this
/// bound.) The kernel's buffers on the emulator's side are asked for 20 ms of the link's rate each, within
/// 64 and 512 KiB; the kernel doubles that.
///
/// A failure of one connection ends that connection only. Setting up a connection costs no round trip of the
/// link.
///
/// run() may be called once and owns its thread while it runs; stop(), port() and counters() may be called
/// from any thread, and so may begin(), states(), change() and apply(), which are done in run()'s thread and
/// need it to run within a second. Everything else before run().
class Emulator {
 public:
  /// Listens at every relay's port, so that connections wait from now on, or says which relay or link cannot
  /// be and why; then nothing is left open.
  static Result<std::unique_ptr<Emulator>> create(const Description& description);

  /// Open connections are closed at once.
  ~Emulator();
  Emulator(const Emulator&) = delete;
  Emulator& operator=(const Emulator&) = delete;

  /// Relays until stop() is called.
  void run();

  /// Ends run(), or lets it return at once if it comes later. Not for signal handlers.
  void stop();

  /// The description's events and traces count from now on. A second call does nothing.
  Failure begin();
  /// The same as soon as run() is called.
  void begin_when_running();

  /// The links as they are now, in the description's order.
  Result<std::vector<LinkState>> states();

  /// New values of a link's own, from now on.
  Failure change(std::size_t link, const LinkChange& change);

  /// Does it now, or after event.at.
  Failure apply(const LinkEvent& event);

  /// The position of a link, or nothing.
  std::optional<std::size_t> find_link(const std::string& from, const std::string& to) const;

  /// Calls `on_readable` in run()'s thread whenever `fd` can be read without blocking, its end included,
  /// until it returns false. The descriptor stays the caller's and must outlive the emulator; it must be a
  /// pipe, a socket or another that can be polled. `on_readable` must take what is there, or it is called
  /// again at once.
  Failure watch_fd(int fd, std::function<bool()> on_readable);

  /// The port on which relay `relay` listens.
  std::uint16_t port(std::size_t relay) const;

  /// What link `link` has carried up to now.
  LinkCounters counters(std::size_t link) const;

 private:
  struct Parts;
  explicit Emulator(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace meridian::wan::emulator
