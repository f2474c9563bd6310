#include "experiments/bench/network_limits.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "experiments/bench/seconds_of.h"
#include "src/base/float_buffer.h"
#include "src/wire/float_bytes.h"

namespace meridian::bench {
namespace {

constexpr std::size_t kWarmUp = 2;             // blocks and batches
constexpr std::size_t kWarmUpRoundTrips = 50;  // which are shorter
constexpr std::size_t kBlockBytes = std::size_t{64} << 20U;
constexpr std::size_t kWriteBytes = std::size_t{1} << 20U;
constexpr std::size_t kBatchBytes = std::size_t{32} << 20U;
constexpr int kWaitMs = 20000;  // for any one thing that the other process should do
constexpr std::chrono::seconds kDeadline{120};
constexpr std::size_t kLongestReason = 512;

void require(bool well, const char* what) {
  if (!well) throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

/// What the two processes write down for the one that started them, in memory that all three share.
struct SideLog {
  double cpu_s = 0.0;
  char failure[kLongestReason] = {};
};
class SharedTimes {
 public:
  explicit SharedTimes(std::size_t count)
      : bytes_(2 * sizeof(SideLog) + count * sizeof(double)),
        memory_(::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    MERIDIAN_CHECK(memory_ != MAP_FAILED, "mmap of {} bytes: {}", bytes_, std::strerror(errno));
  }
  ~SharedTimes() { ::munmap(memory_, bytes_); }
  SharedTimes(const SharedTimes&) = delete;
  SharedTimes& operator=(const SharedTimes&) = delete;

  SideLog& side(std::size_t index) const { return static_cast<SideLog*>(memory_)[index]; }
  double& seconds(std::size_t index) const {
    return reinterpret_cast<double*>(static_cast<SideLog*>(memory_) + 2)[index];
  }

 private:
  std::size_t bytes_;
  void* memory_;
};

/// How the receiver tells the sender where it listens.
class PortPipe {
 public:
  PortPipe() { MERIDIAN_CHECK(::pipe2(ends_.data(), O_CLOEXEC) == 0, "pipe: {}", std::strerror(errno)); }
  ~PortPipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  PortPipe(const PortPipe&) = delete;
  PortPipe& operator=(const PortPipe&) = delete;

  void tell(std::uint16_t port) const {
    require(::write(ends_[1], &port, sizeof(port)) == sizeof(port), "telling the port");
  }
  std::uint16_t hear() const {
    pollfd end{ends_[0], POLLIN, 0};
    if (::poll(&end, 1, kWaitMs) != 1) throw std::runtime_error("the receiver has told no port");
    std::uint16_t port = 0;
    require(::read(ends_[0], &port, sizeof(port)) == sizeof(port), "reading the port");
    return port;
  }

 private:
  std::array<int, 2> ends_ = {-1, -1};
};

void place(const Placement& placement, std::size_t process) {
  if (placement.cores.empty()) return;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(placement.cores[std::min(process, placement.cores.size() - 1)], &cores);
  require(::sched_setaffinity(0, sizeof(cores), &cores) == 0, placement.name.c_str());
}

/// Runs `work` in a process of its own, which does not outlive this one.
pid_t start(const Placement& placement, std::size_t process, SideLog& log,
            const std::function<void()>& work) {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  try {
    place(placement, process);
    work();
    log.cpu_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  } catch (const std::exception& error) {
    std::strncpy(log.failure, error.what(), kLongestReason - 1);
    ::_exit(1);
  }
  ::_exit(0);
}

/// Waits for both; where one fails or takes too long, none is left.
bool wait_for(std::vector<pid_t> processes) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  bool well = std::find(processes.begin(), processes.end(), -1) == processes.end();
  std::erase(processes, -1);
  while (!processes.empty() && well && std::chrono::steady_clock::now() < deadline) {
    std::erase_if(processes, [&well](pid_t process) {
      int status = 0;
      if (::waitpid(process, &status, WNOHANG) == 0) return false;
      well = well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
      return true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const bool all_ended = processes.empty();
  for (const pid_t process : processes) {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
  }
  return well && all_ended;
}

using Receive = std::function<void(const PortPipe&, const SharedTimes&)>;
using Send = std::function<void(const PortPipe&, const SharedTimes&)>;

/// Receiver and sender, each in its process; `count` times are written, the first `warm_up` left out.
Result<LimitTimes> measure(const char* what, const Placement& placement, std::size_t warm_up,
                           std::size_t count, const Receive& receive, const Send& send) {
  const SharedTimes times(count);
  const PortPipe port;
  const pid_t receiver = start(placement, 0, times.side(0), [&] { receive(port, times); });
  const pid_t sender = start(placement, 1, times.side(1), [&] { send(port, times); });
  if (!wait_for({receiver, sender})) {
    for (std::size_t side = 0; side < 2; ++side) {
      if (*times.side(side).failure == '\0') continue;
      return Error{fmt::format("{}, {}: the {}: {}", what, placement.name, side == 0 ? "receiver" : "sender",
                               times.side(side).failure)};
    }
    return Error{fmt::format("{}, {}: did not end within {} s", what, placement.name, kDeadline.count())};
  }
  LimitTimes limit;
  for (std::size_t i = warm_up; i < count; ++i) limit.seconds.push_back(times.seconds(i));
  limit.warm_up = static_cast<double>(warm_up);
  limit.receiver_cpu_s = times.side(0).cpu_s;
  limit.sender_cpu_s = times.side(1).cpu_s;
  return limit;
}

// --- TCP ---

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {
    require(descriptor >= 0, "a TCP socket");
    const timeval wait{kWaitMs / 1000, 0};
    require(::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0, "SO_RCVTIMEO");
    require(::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0, "SO_SNDTIMEO");
  }
  ~Socket() { ::close(descriptor_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// Accepts one stream. Hands each piece of at most kWriteBytes to `take`, with its place in the block.
template <typename Take>
void receive_stream(const PortPipe& port, const SharedTimes& times, std::size_t blocks, Take take) {
  const Socket listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  require(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  require(::listen(listener.get(), 1) == 0, "listen");
  require(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  port.tell(ntohs(address.sin_port));
  const Socket stream(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  std::vector<char> buffer(kWriteBytes);
  double before = seconds_of(CLOCK_MONOTONIC);
  for (std::size_t block = 0; block < blocks; ++block) {
    std::size_t filled = 0;
    for (std::size_t done = 0; done < kBlockBytes;) {
      const ssize_t got = ::recv(stream.get(), buffer.data() + filled, buffer.size() - filled, 0);
      if (got == 0) throw std::runtime_error("the stream ended early");
      require(got > 0, "recv");
      filled += static_cast<std::size_t>(got);
      if (filled < buffer.size()) continue;
      take(done, std::as_bytes(std::span(buffer)));
      done += filled;
      filled = 0;
    }
    const double now = seconds_of(CLOCK_MONOTONIC);
    times.seconds(block) = now - before;
    before = now;
  }
}

/// Sends the same `memory` again and again.
void send_stream(const PortPipe& port, std::size_t blocks, std::span<const std::byte> memory) {
  const Socket stream(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(port.hear());
  require(::connect(stream.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0, "connect");
  const std::size_t all = blocks * kBlockBytes;
  for (std::size_t done = 0; done < all;) {
    const std::size_t place = done % memory.size();
    const std::size_t most = std::min({kWriteBytes, memory.size() - place, all - done});
    const ssize_t gone = ::send(stream.get(), memory.data() + place, most, MSG_NOSIGNAL);
    require(gone > 0, "send");
    done += static_cast<std::size_t>(gone);
  }
}

// --- ZeroMQ ---

zmq::socket_t zmq_socket(zmq::context_t& context, zmq::socket_type type, int linger_ms) {
  zmq::socket_t socket(context, type);
  socket.set(zmq::sockopt::rcvtimeo, kWaitMs);
  socket.set(zmq::sockopt::sndtimeo, kWaitMs);
  socket.set(zmq::sockopt::linger, linger_ms);
  return socket;
}

void listen(zmq::socket_t& socket, const PortPipe& port) {
  socket.bind("tcp://127.0.0.1:*");
  const std::string address = socket.get(zmq::sockopt::last_endpoint);
  port.tell(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
}

void connect(zmq::socket_t& socket, const PortPipe& port) {
  socket.connect(fmt::format("tcp://127.0.0.1:{}", port.hear()));
}

void receive_frame(zmq::socket_t& socket, zmq::message_t& frame, std::size_t bytes) {
  if (!socket.recv(frame)) throw std::runtime_error(fmt::format("no frame within {} ms", kWaitMs));
  if (frame.size() != bytes)
    throw std::runtime_error(fmt::format("a frame of {} bytes; expected {}", frame.size(), bytes));
}

/// Sends from memory that outlives the socket, so nothing is to be freed.
void send_frame(zmq::socket_t& socket, std::vector<char>& memory) {
  zmq::message_t frame(
      memory.data(), memory.size(), [](void*, void*) {}, nullptr);
  if (!socket.send(frame, zmq::send_flags::none))
    throw std::runtime_error(fmt::format("a frame could not be sent within {} ms", kWaitMs));
}

void echo(const PortPipe& port, std::size_t bytes, std::size_t round_trips) {
  zmq::context_t context;
  zmq::socket_t router = zmq_socket(context, zmq::socket_type::router, kWaitMs);
  listen(router, port);
  zmq::message_t who;
  zmq::message_t frame;
  for (std::size_t i = 0; i < round_trips; ++i) {
    if (!router.recv(who)) throw std::runtime_error(fmt::format("no frame within {} ms", kWaitMs));
    receive_frame(router, frame, bytes);
    if (!router.send(who, zmq::send_flags::sndmore) || !router.send(frame, zmq::send_flags::none))
      throw std::runtime_error("an echo could not be sent");
  }
}

void ask(const PortPipe& port, const SharedTimes& times, std::size_t bytes, std::size_t round_trips) {
  std::vector<char> memory(bytes, 'm');
  zmq::context_t context;
  zmq::socket_t dealer = zmq_socket(context, zmq::socket_type::dealer, kWaitMs);
  connect(dealer, port);
  zmq::message_t frame;
  for (std::size_t i = 0; i < round_trips; ++i) {
    const double before = seconds_of(CLOCK_MONOTONIC);
    send_frame(dealer, memory);
    receive_frame(dealer, frame, bytes);
    times.seconds(i) = seconds_of(CLOCK_MONOTONIC) - before;
  }
}

std::size_t frames_per_batch(std::size_t frame_bytes) {
  return std::max<std::size_t>(1, kBatchBytes / frame_bytes);
}

void receive_batches(const PortPipe& port, const SharedTimes& times, std::size_t bytes, std::size_t batches) {
  zmq::context_t context;
  zmq::socket_t pull = zmq_socket(context, zmq::socket_type::pull, 0);
  listen(pull, port);
  zmq::message_t frame;
  double before = seconds_of(CLOCK_MONOTONIC);
  for (std::size_t batch = 0; batch < batches; ++batch) {
    for (std::size_t i = 0; i < frames_per_batch(bytes); ++i) receive_frame(pull, frame, bytes);
    const double now = seconds_of(CLOCK_MONOTONIC);
    times.seconds(batch) = now - before;
    before = now;
  }
}

void send_batches(const PortPipe& port, std::size_t bytes, std::size_t batches) {
  std::vector<char> memory(bytes, 'm');
  zmq::context_t context;
  zmq::socket_t push = zmq_socket(context, zmq::socket_type::push, kWaitMs);
  connect(push, port);
  for (std::size_t i = 0; i < batches * frames_per_batch(bytes); ++i) send_frame(push, memory);
}

Result<LimitTimes> of_bytes(Result<LimitTimes> limit, std::size_t bytes) {
  if (limit) limit.value().bytes = bytes;
  return limit;
}

}  // namespace

Result<LimitTimes> measure_tcp_stream(const Placement& placement, std::size_t blocks) {
  const std::size_t count = kWarmUp + blocks;
  return of_bytes(measure(
                      "a TCP stream", placement, kWarmUp, count,
                      [&](const PortPipe& port, const SharedTimes& times) {
                        receive_stream(port, times, count, [](std::size_t, std::span<const std::byte>) {});
                      },
                      [&](const PortPipe& port, const SharedTimes& /*times*/) {
                        const std::vector<float> memory(kWriteBytes / sizeof(float), 1.0F);
                        send_stream(port, count, std::as_bytes(std::span(memory)));
                      }),
                  kBlockBytes);
}

Result<LimitTimes> measure_added_stream(const Placement& placement, std::size_t blocks) {
  const std::size_t count = kWarmUp + blocks;
  constexpr std::size_t kFloats = kBlockBytes / sizeof(float);
  return of_bytes(
      measure(
          "a TCP stream that is added up", placement, kWarmUp, count,
          [&](const PortPipe& port, const SharedTimes& times) {
            FloatBuffer values(kFloats);  // in large pages, as a server's
            receive_stream(port, times, count, [&](std::size_t place, std::span<const std::byte> bytes) {
              add_floats(values.span().subspan(place / sizeof(float)).first(bytes.size() / sizeof(float)),
                         bytes);
            });
          },
          [&](const PortPipe& port, const SharedTimes& /*times*/) {
            const std::vector<float> update(kFloats, 1.0F);
            send_stream(port, count, std::as_bytes(std::span(update)));
          }),
      kBlockBytes);
}

Result<LimitTimes> measure_zmq_round_trip(const Placement& placement, std::size_t frame_bytes,
                                          std::size_t round_trips) {
  const std::size_t count = kWarmUpRoundTrips + round_trips;
  return of_bytes(
      measure(
          "a ZeroMQ round trip", placement, kWarmUpRoundTrips, count,
          [&](const PortPipe& port, const SharedTimes& /*times*/) { echo(port, frame_bytes, count); },
          [&](const PortPipe& port, const SharedTimes& times) { ask(port, times, frame_bytes, count); }),
      frame_bytes);
}

Result<LimitTimes> measure_zmq_throughput(const Placement& placement, std::size_t frame_bytes,
                                          std::size_t batches) {
  const std::size_t count = kWarmUp + batches;
  return of_bytes(measure(
                      "ZeroMQ throughput", placement, kWarmUp, count,
                      [&](const PortPipe& port, const SharedTimes& times) {
                        receive_batches(port, times, frame_bytes, count);
                      },
                      [&](const PortPipe& port, const SharedTimes& /*times*/) {
                        send_batches(port, frame_bytes, count);
                      }),
                  frames_per_batch(frame_bytes) * frame_bytes);
}

}  // namespace meridian::bench
