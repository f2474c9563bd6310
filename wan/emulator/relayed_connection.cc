#include "wan/emulator/relayed_connection.h"

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <utility>

#include "src/base/check.h"

namespace meridian::wan::emulator {

namespace {

using asio::ip::tcp;

constexpr std::size_t kLargestChunk = 16 * 1024;
// Less room than this is not worth a system call.
constexpr std::size_t kLeastRoomToRead = 4 * 1024;
// After so many chunks others get their chance to be served.
constexpr int kChunksAtOnce = 4;
constexpr std::size_t kBuffersPerWrite = 16;
constexpr std::chrono::milliseconds kConnectRetryPause{20};

bool would_block(const asio::error_code& error) {
  return error == asio::error::would_block || error == asio::error::try_again;
}

// An option that the system refuses costs precision, never the connection.
template <typename Option>
void set_if_possible(tcp::socket& socket, const Option& option) {
  asio::error_code ignored;
  socket.set_option(option, ignored);
}

}  // namespace

Flow::Flow(RelayedConnection& connection, tcp::socket& source, tcp::socket& destination, LinkShaper& link)
    : connection_(connection), source_(source), destination_(destination), link_(link) {}

void Flow::start(const std::shared_ptr<Flow>& self) {
  id_ = link_.open(self);
  running_ = true;
  wait_until_readable();
}

void Flow::stop() {
  if (!running_) return;
  running_ = false;
  link_.close(id_);
  chunks_.clear();
}

void Flow::pass_on_reset() {
  if (!running_ || reset_sent_) return;
  reset_sent_ = true;
  source_ended_ = true;
  link_.send(id_, Unit::reset, 0);
}

void Flow::wait_until_readable() {
  source_.async_wait(tcp::socket::wait_read, [self = connection_.share(*this)](const asio::error_code&) {
    self->link_.catch_up();  // so that what was due before this arrival is not taken for later than it
    self->read();            // which meets the error again, if there was one
  });
}

void Flow::read() {
  for (int i = 0; i < kChunksAtOnce; ++i) {
    if (!running_ || source_ended_) return;
    waits_for_room_ = room() < kLeastRoomToRead;
    if (waits_for_room_) return;
    if (!read_chunk()) break;
  }
  if (running_ && !source_ended_) wait_until_readable();
}

// False when there is nothing more to read for now or ever.
bool Flow::read_chunk() {
  std::array<std::byte, kLargestChunk> chunk;
  asio::error_code error;
  const std::size_t bytes =
      source_.read_some(asio::buffer(chunk.data(), std::min(kLargestChunk, room())), error);
  if (would_block(error) || error == asio::error::interrupted) return false;
  if (error == asio::error::eof) {
    source_ended_ = true;
    link_.send(id_, Unit::end_of_stream, 0);
    return false;
  }
  if (error) {
    pass_on_reset();
    return false;
  }
  chunks_.emplace_back(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(bytes));
  held_bytes_ += bytes;
  link_.send(id_, Unit::data, bytes);
  return true;
}

void Flow::on_released(Unit unit) {
  switch (unit) {
    case Unit::data:
      ++released_;
      MERIDIAN_CHECK(released_ <= chunks_.size(), "{} released of {}", released_, chunks_.size());
      break;
    case Unit::end_of_stream:
      end_released_ = true;
      break;
    case Unit::reset:
      connection_.abort();
      return;
  }
  if (!waits_until_writable_) write();
}

void Flow::wait_until_writable() {
  waits_until_writable_ = true;
  destination_.async_wait(tcp::socket::wait_write,
                          [self = connection_.share(*this)](const asio::error_code&) {
                            self->waits_until_writable_ = false;
                            self->write();
                          });
}

void Flow::write() {
  if (!running_) return;
  while (released_ > 0) {
    if (!write_chunks()) break;
  }
  if (!running_) return;
  if (released_ == 0 && end_released_ && !ended_) {
    ended_ = true;
    asio::error_code ignored;  // the destination may have closed meanwhile: it needs no end then
    destination_.shutdown(tcp::socket::shutdown_send, ignored);
    connection_.on_flow_ended();
    return;
  }
  if (waits_for_room_ && room() >= kLeastRoomToRead) read();
}

// False when the destination takes no more for now or ever.
bool Flow::write_chunks() {
  std::array<asio::const_buffer, kBuffersPerWrite> buffers;
  const std::size_t count = std::min(released_, kBuffersPerWrite);
  for (std::size_t i = 0; i < count; ++i) {
    buffers[i] = asio::buffer(chunks_[i]);
    if (i == 0) buffers[i] += written_of_first_;
  }
  asio::error_code error;
  std::size_t written = destination_.write_some(buffers, error);
  if (would_block(error) || error == asio::error::interrupted) {
    wait_until_writable();
    return false;
  }
  if (error) {
    connection_.on_destination_failed(*this);
    return false;
  }
  held_bytes_ -= written;
  written += written_of_first_;
  while (released_ > 0 && written >= chunks_.front().size()) {
    written -= chunks_.front().size();
    chunks_.pop_front();
    --released_;
  }
  written_of_first_ = written;
  return true;
}

RelayedConnection::RelayedConnection(asio::io_context& io, tcp::socket accepted, LinkShaper& forward,
                                     LinkShaper& backward)
    : accepted_(std::move(accepted)),
      target_(io),
      retry_timer_(io),
      forward_link_(forward),
      backward_link_(backward),
      forward_(*this, accepted_, target_, forward),
      backward_(*this, target_, accepted_, backward) {}

void RelayedConnection::start(std::vector<tcp::endpoint> targets, Time connect_deadline) {
  targets_ = std::move(targets);
  connect_deadline_ = std::chrono::steady_clock::now() + connect_deadline;
  connect();
}

void RelayedConnection::connect() {
  if (!accepted_.is_open()) return;  // aborted meanwhile
  const tcp::endpoint& target = targets_[attempts_++ % targets_.size()];
  asio::error_code error;
  target_.close(error);
  target_.open(target.protocol(), error);
  if (error) {
    on_connect_failed();
    return;
  }
  // Before connecting, because the window is agreed on then.
  set_if_possible(target_, asio::socket_base::send_buffer_size(forward_link_.socket_buffer_bytes()));
  set_if_possible(target_, asio::socket_base::receive_buffer_size(backward_link_.socket_buffer_bytes()));
  retry_timer_.expires_at(connect_deadline_);
  retry_timer_.async_wait([self = shared_from_this()](const asio::error_code& cancelled) {
    asio::error_code ignored;
    if (!cancelled) self->target_.close(ignored);  // which makes the connect below fail
  });
  target_.async_connect(target, [self = shared_from_this()](const asio::error_code& failed) {
    self->retry_timer_.cancel();
    if (failed == asio::error::connection_reset) {
      self->abort();  // it had accepted: trying again would make one connection two
    } else if (failed || !self->target_.is_open()) {
      self->on_connect_failed();
    } else {
      self->on_connected();
    }
  });
}

void RelayedConnection::on_connect_failed() {
  if (std::chrono::steady_clock::now() + kConnectRetryPause >= connect_deadline_) {
    close();
    return;
  }
  retry_timer_.expires_after(kConnectRetryPause);
  retry_timer_.async_wait([self = shared_from_this()](const asio::error_code& cancelled) {
    if (!cancelled) self->connect();
  });
}

void RelayedConnection::on_connected() {
  for (tcp::socket* socket : {&accepted_, &target_}) {
    set_if_possible(*socket, tcp::no_delay(true));
    asio::error_code error;
    socket->non_blocking(true, error);
    if (error) {
      close();
      return;
    }
  }
  forward_.start(share(forward_));
  backward_.start(share(backward_));
}

void RelayedConnection::on_flow_ended() {
  if (forward_.ended() && backward_.ended()) close();
}

// The side that failed tells it to the other one over the link that leads away from it, as its kernel would.
void RelayedConnection::on_destination_failed(const Flow& flow) {
  (&flow == &forward_ ? backward_ : forward_).pass_on_reset();
}

void RelayedConnection::abort() {
  for (tcp::socket* socket : {&accepted_, &target_})
    set_if_possible(*socket, asio::socket_base::linger(true, 0));
  close();
}

void RelayedConnection::close() {
  forward_.stop();
  backward_.stop();
  retry_timer_.cancel();
  asio::error_code ignored;
  accepted_.close(ignored);
  target_.close(ignored);
}

}  // namespace meridian::wan::emulator
