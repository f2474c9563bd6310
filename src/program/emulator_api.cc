#include "src/program/emulator_api.h"

#include <fmt/format.h>
#include <httplib.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

namespace meridian::program {

namespace {

using nlohmann::ordered_json;
using wan::emulator::Emulator;
using wan::emulator::LinkState;

constexpr std::size_t kLargestRequest = 64 * 1024;
constexpr std::size_t kThreads = 2;
constexpr time_t kRequestSeconds = 5;
constexpr const char* kJson = "application/json";

double mbps(double bytes_per_s) { return bytes_per_s * 8 / 1e6; }
double in_ms(Time time) { return static_cast<double>(time.count()) / 1e6; }

ordered_json jitter_json(const DelayVariation::Options& variation) {
  switch (variation.kind) {
    case DelayVariation::Kind::none:
      break;
    case DelayVariation::Kind::uniform:
      return {{"uniform_ms", in_ms(variation.width)}};
    case DelayVariation::Kind::normal:
      return {{"normal_ms", in_ms(variation.width)}};
    case DelayVariation::Kind::recorded:
      return {{"recorded_samples", variation.samples.size()}};
  }
  return nullptr;
}

ordered_json link_json(const LinkState& link) {
  return {{"from", link.from},
          {"to", link.to},
          {"bandwidth_mbps", mbps(link.rate_bytes_per_s)},
          {"delay_ms", in_ms(link.delay)},
          {"jitter", jitter_json(link.variation)},
          {"loss", link.loss},
          {"cut", link.cut},
          {"degraded", link.degraded},
          {"bytes", link.counters.bytes},
          {"waiting_bytes", link.waiting_bytes},
          {"lost_segments", link.losses},
          {"connections", link.counters.connections},
          {"open_connections", link.open_connections}};
}

/// All links' metrics in Prometheus' text format.
std::string metrics_text(const std::vector<LinkState>& links) {
  using prometheus::ClientMetric;
  using prometheus::MetricFamily;
  using prometheus::MetricType;
  std::vector<MetricFamily> families;
  const auto add = [&](const char* name, const char* help, MetricType type, const auto& value_of) {
    MetricFamily family;
    family.name = name;
    family.help = help;
    family.type = type;
    for (const LinkState& link : links) {
      ClientMetric metric;
      metric.label = {{"from", link.from}, {"to", link.to}};
      (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) =
          static_cast<double>(value_of(link));
      family.metric.push_back(std::move(metric));
    }
    families.push_back(std::move(family));
  };
  add("meridian_emulator_link_bytes_total", "Payload that came out at the link's far end",
      MetricType::Counter, [](const LinkState& link) { return link.counters.bytes; });
  add("meridian_emulator_link_connections_total", "Connections opened over the link", MetricType::Counter,
      [](const LinkState& link) { return link.counters.connections; });
  add("meridian_emulator_link_lost_segments_total", "Segments lost and sent again", MetricType::Counter,
      [](const LinkState& link) { return link.losses; });
  add("meridian_emulator_link_busy_seconds_total",
      "Time the link was serialising; its rate is the utilisation", MetricType::Counter,
      [](const LinkState& link) { return to_seconds(link.busy); });
  add("meridian_emulator_link_open_connections", "Connections over the link now", MetricType::Gauge,
      [](const LinkState& link) { return link.open_connections; });
  add("meridian_emulator_link_waiting_bytes", "Bytes taken in and not out yet", MetricType::Gauge,
      [](const LinkState& link) { return link.waiting_bytes; });
  add("meridian_emulator_link_rate_bytes_per_second", "The rate in force", MetricType::Gauge,
      [](const LinkState& link) { return link.rate_bytes_per_s; });
  add("meridian_emulator_link_delay_seconds", "The one-way delay in force", MetricType::Gauge,
      [](const LinkState& link) { return to_seconds(link.delay); });
  add("meridian_emulator_link_loss_ratio", "The share of segments lost, in force", MetricType::Gauge,
      [](const LinkState& link) { return link.loss; });
  add("meridian_emulator_link_cut", "1 while the link is cut", MetricType::Gauge,
      [](const LinkState& link) { return link.cut ? 1 : 0; });
  return prometheus::TextSerializer().Serialize(families);
}

constexpr const char* kHelp =
    "meridian emulate\n"
    "  GET   /links               every link: what is in force, what it carried\n"
    "  GET   /links/FROM/TO       one of them\n"
    "  PATCH /links/FROM/TO       new values: bandwidth_mbps, delay_ms or rtt_ms, jitter, loss\n"
    "  POST  /events              an event as in a configuration: cut, degrade, restore, reset, pause\n"
    "  GET   /metrics             for Prometheus\n";

}  // namespace

class EmulatorApi::Server {
 public:
  Server(EmulatedLinks links, Emulator& emulator) : links_(std::move(links)), emulator_(emulator) {
    http_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    http_.set_payload_max_length(kLargestRequest);
    http_.set_read_timeout(kRequestSeconds);
    http_.set_write_timeout(kRequestSeconds);
    http_.set_keep_alive_timeout(kRequestSeconds);
    http_.set_exception_handler(
        [](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
          refuse(response, 500, "the request could not be served");
        });
    http_.set_error_handler([](const httplib::Request& request, httplib::Response& response) {
      if (response.body.empty())
        refuse(response, response.status, fmt::format("cannot {} {}", request.method, request.path));
    });
    http_.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_content(kHelp, "text/plain");
    });
    http_.Get("/links", [this](const auto&, httplib::Response& response) { list(response); });
    http_.Get("/metrics", [this](const auto&, httplib::Response& response) { metrics(response); });
    http_.Get(R"(/links/([^/]+)/([^/]+))",
              [this](const httplib::Request& request, httplib::Response& response) {
                if (const auto link = find(request, response)) show(*link, response);
              });
    http_.Patch(
        R"(/links/([^/]+)/([^/]+))",
        [this](const httplib::Request& request, httplib::Response& response) { change(request, response); });
    http_.Post("/events", [this](const httplib::Request& request, httplib::Response& response) {
      apply(request, response);
    });
  }

  ~Server() {
    http_.stop();
    if (thread_.joinable()) thread_.join();
  }

  /// The port it listens at.
  Result<int> listen(const HostPort& address) {
    // Another server's port is never shared.
    http_.set_socket_options([](socket_t socket) {
      const int on = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    });
    int port = address.port;
    const bool bound = port == 0 ? (port = http_.bind_to_any_port(address.host)) > 0
                                 : http_.bind_to_port(address.host, port);
    if (!bound) {
      return Error{
          fmt::format("the API cannot listen at {}:{}; expected a free port and an address of this machine",
                      address.host, address.port)};
    }
    thread_ = std::thread([this] { http_.listen_after_bind(); });
    // A server that has not begun yet cannot be stopped either.
    for (int i = 0; i < 1000 && !http_.is_running(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return port;
  }

 private:
  static void refuse(httplib::Response& response, int status, const std::string& why) {
    response.status = status;
    response.set_content(
        ordered_json{{"error", why}}.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n",
        kJson);
  }

  static void answer(httplib::Response& response, const ordered_json& json) {
    response.set_content(json.dump(1) + "\n", kJson);
  }

  void list(httplib::Response& response) {
    const auto states = emulator_.states();
    if (!states) return refuse(response, 503, states.error().message);
    ordered_json all = ordered_json::array();
    for (const LinkState& link : states.value()) all.push_back(link_json(link));
    answer(response, all);
  }

  void show(std::size_t link, httplib::Response& response) {
    const auto states = emulator_.states();
    if (!states) return refuse(response, 503, states.error().message);
    answer(response, link_json(states.value().at(link)));
  }

  void metrics(httplib::Response& response) {
    const auto states = emulator_.states();
    if (!states) return refuse(response, 503, states.error().message);
    response.set_content(metrics_text(states.value()), "text/plain; version=0.0.4");
  }

  std::optional<std::size_t> find(const httplib::Request& request, httplib::Response& response) {
    const std::string from = request.matches[1];
    const std::string to = request.matches[2];
    const auto link = emulator_.find_link(from, to);
    if (!link)
      refuse(response, 404, fmt::format("there is no link {} -> {}; GET /links lists them", from, to));
    return link;
  }

  void change(const httplib::Request& request, httplib::Response& response) {
    const auto link = find(request, response);
    if (!link) return;
    const Result<LinkChangeConfig> read = read_link_change_text(request.body);
    if (!read) return refuse(response, 400, read.error().message);
    if (const Failure failure = emulator_.change(*link, link_change(read.value())))
      return refuse(response, 503, failure->message);
    show(*link, response);
  }

  void apply(const httplib::Request& request, httplib::Response& response) {
    const Result<LinkEventConfig> event = read_event_text(request.body, links_.places);
    if (!event) return refuse(response, 400, event.error().message);
    const auto events = emulator_events(event.value(), links_.places.size(), links_.index);
    if (events.empty()) return refuse(response, 404, "none of its links is emulated; GET /links lists them");
    ordered_json about = ordered_json::array();
    for (const auto& one : events) {
      if (const Failure failure = emulator_.apply(one)) return refuse(response, 503, failure->message);
      const auto& link = links_.description.links[one.link];
      about.push_back({{"from", link.from}, {"to", link.to}});
    }
    answer(response, {{"links", about}});
  }

  EmulatedLinks links_;
  Emulator& emulator_;
  httplib::Server http_;
  std::thread thread_;
};

EmulatorApi::EmulatorApi(std::unique_ptr<Server> server, std::string url)
    : server_(std::move(server)), url_(std::move(url)) {}

EmulatorApi::~EmulatorApi() = default;

Result<std::unique_ptr<EmulatorApi>> EmulatorApi::create(const HostPort& address, EmulatedLinks links,
                                                         Emulator& emulator) {
  auto server = std::make_unique<Server>(std::move(links), emulator);
  const Result<int> port = server->listen(address);
  if (!port) return port.error();
  std::string url = "http://" + to_string(HostPort{address.host, static_cast<std::uint16_t>(port.value())});
  return std::unique_ptr<EmulatorApi>(new EmulatorApi(std::move(server), std::move(url)));
}

}  // namespace meridian::program
