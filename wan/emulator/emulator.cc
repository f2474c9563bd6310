#include "wan/emulator/emulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <cmath>
#include <utility>

#include "src/base/check.h"
#include "wan/emulator/link_shaper.h"
#include "wan/emulator/relay.h"

namespace meridian::wan::emulator {

namespace {

std::string relay_name(const Description& description, std::size_t index) {
  const RelayDescription& relay = description.relays[index];
  return fmt::format("relay {} (listening at {}:{}, to {}:{})", index, relay.listen.host, relay.listen.port,
                     relay.target.host, relay.target.port);
}

Failure check_links(const Description& description) {
  for (const LinkDescription& link : description.links) {
    if (!(link.rate_bytes_per_s > 0)) {
      return Error{fmt::format("link {} -> {}: rate is {} bytes/s; expected more than 0", link.from, link.to,
                               link.rate_bytes_per_s)};
    }
    if (link.delay < Time{0}) {
      return Error{fmt::format("link {} -> {}: delay is {} s; expected at least 0", link.from, link.to,
                               to_seconds(link.delay))};
    }
  }
  for (std::size_t i = 0; i < description.relays.size(); ++i) {
    for (const std::size_t link : {description.relays[i].forward_link, description.relays[i].backward_link}) {
      if (link < description.links.size()) continue;
      return Error{fmt::format("{}: link {} is not there; expected one of {} links",
                               relay_name(description, i), link, description.links.size())};
    }
  }
  return std::nullopt;
}

}  // namespace

// In this order, because whoever holds sockets and timers must go before the context they belong to.
struct Emulator::Parts {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::vector<std::unique_ptr<LinkShaper>> links;
  std::vector<LinkDescription> descriptions;  // of the links, in their order
  std::vector<std::unique_ptr<Relay>> relays;

  struct Watch {
    asio::posix::stream_descriptor descriptor;
    std::function<bool()> on_readable;

    Watch(asio::io_context& io, std::function<bool()> callback)
        : descriptor(io), on_readable(std::move(callback)) {}
    ~Watch() {
      if (descriptor.is_open()) descriptor.release();  // it is the caller's
    }
    void wait() {
      descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
        if (error != asio::error::operation_aborted && on_readable()) wait();
      });
    }
  };
  std::vector<std::unique_ptr<Watch>> watches;
};

Emulator::Emulator(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Emulator::~Emulator() = default;

Result<std::unique_ptr<Emulator>> Emulator::create(const Description& description) {
  if (Failure failure = check_links(description)) return *failure;
  auto parts = std::make_unique<Parts>();
  parts->descriptions = description.links;
  for (const LinkDescription& link : description.links) {
    parts->links.push_back(std::make_unique<LinkShaper>(
        parts->io, SharedLink::Options{.rate_bytes_per_s = link.rate_bytes_per_s, .delay = link.delay}));
  }
  for (std::size_t i = 0; i < description.relays.size(); ++i) {
    const RelayDescription& relay = description.relays[i];
    parts->relays.push_back(std::make_unique<Relay>(parts->io, *parts->links[relay.forward_link],
                                                    *parts->links[relay.backward_link],
                                                    description.connect_deadline));
    if (Failure failure = parts->relays.back()->listen(relay.listen, relay.target)) {
      return Error{relay_name(description, i) + ": " + failure->message};
    }
  }
  return std::unique_ptr<Emulator>(new Emulator(std::move(parts)));
}

void Emulator::run() {
  for (const auto& relay : parts_->relays) relay->accept_next();
  parts_->io.run();
}

void Emulator::stop() { parts_->io.stop(); }

Failure Emulator::reset(const std::string& from, const std::string& to) {
  const auto found = std::ranges::find_if(parts_->descriptions, [&](const LinkDescription& description) {
    return description.from == from && description.to == to;
  });
  if (found == parts_->descriptions.end()) return Error{fmt::format("there is no link {} -> {}", from, to)};
  const LinkShaper& link = *parts_->links[static_cast<std::size_t>(found - parts_->descriptions.begin())];
  asio::post(parts_->io, [this, &link] {
    for (const auto& relay : parts_->relays) {
      if (relay->uses(link)) relay->reset_connections();
    }
  });
  return std::nullopt;
}

Failure Emulator::watch_fd(int fd, std::function<bool()> on_readable) {
  auto watch = std::make_unique<Parts::Watch>(parts_->io, std::move(on_readable));
  asio::error_code error;
  watch->descriptor.assign(fd, error);
  if (error) return Error{fmt::format("descriptor {} cannot be watched: {}", fd, error.message())};
  watch->wait();
  parts_->watches.push_back(std::move(watch));
  return std::nullopt;
}

std::uint16_t Emulator::port(std::size_t relay) const { return parts_->relays.at(relay)->port(); }

LinkCounters Emulator::counters(std::size_t link) const {
  const LinkShaper& shaper = *parts_->links.at(link);
  return {.bytes = shaper.bytes(), .connections = shaper.connections()};
}

}  // namespace meridian::wan::emulator
