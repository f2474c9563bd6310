// meridian emulate CONFIG: wide-area links for any TCP program; and, started by `meridian run`, the WAN
// between its processes.
#include <fmt/format.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "src/config/links_table.h"
#include "src/output/atomic_file.h"
#include "src/output/run_folder.h"
#include "src/program/commands.h"
#include "src/program/emulator_api.h"
#include "src/program/launcher_link.h"
#include "src/program/link_parts.h"
#include "src/program/process_events.h"
#include "src/program/relays_file.h"
#include "src/program/run_setup.h"
#include "src/program/signal_descriptor.h"
#include "wan/emulator/emulator.h"

namespace meridian::program {

namespace {

using wan::emulator::Emulator;

constexpr const char* kLoopback = "127.0.0.1";

/// What each link carried, for whoever compares it with a run's own count.
Failure write_carried(const std::filesystem::path& file, const EmulatedLinks& links,
                      const Emulator& emulator) {
  nlohmann::ordered_json carried = nlohmann::ordered_json::array();
  for (std::size_t link = 0; link < links.description.links.size(); ++link) {
    const wan::emulator::LinkCounters counters = emulator.counters(link);
    carried.push_back({{"from", links.description.links[link].from},
                       {"to", links.description.links[link].to},
                       {"bytes", counters.bytes},
                       {"connections", counters.connections}});
  }
  return output::write_text_atomically(file, carried.dump(1) + "\n");
}

/// The WAN of a run, under its launcher.
int emulate_run(const EmulateArguments& arguments) {
  std::optional<LauncherLink> launcher;
  if (arguments.launcher_fd) {
    Result<LauncherLink> opened = LauncherLink::open(*arguments.launcher_fd);
    if (!opened) {
      print_error(opened.error().message);
      return kBadUsage;
    }
    launcher = std::move(opened).value();
  }
  const auto give_up = [&](const std::string& reason) {
    if (launcher) launcher->send_line(to_line({.kind = ProcessEvent::Kind::fault, .text = reason}));
    print_error(reason);
    return kFailed;
  };
  const Result<Config> config = load_config(arguments.config);
  if (!config) return give_up(config.error().message);
  auto relays = read_relays(*arguments.relays);
  if (!relays) return give_up(relays.error().message);
  EmulatedLinks links = emulated_links(config.value());
  links.description.relays = std::move(relays).value();
  // A connection may be made long before its target, which reads its data first, listens.
  links.description.connect_deadline = from_seconds(config.value().wan.deadlines.start_s);
  Result<std::unique_ptr<Emulator>> created = Emulator::create(links.description);
  if (!created) return give_up(created.error().message);
  Emulator& emulator = *created.value();
  if (launcher) {
    const Failure failure = emulator.watch_fd(launcher->fd(), [&] {
      bool stop = false;
      for (const std::string& line : launcher->read_lines()) {
        stop = stop || line.starts_with(kStopCommand);
        if (line == kBeginCommand) (void)emulator.begin();
      }
      if (!stop && !launcher->gone()) return true;
      emulator.stop();
      return false;
    });
    if (failure) return give_up(failure->message);
  }
  const std::filesystem::path folder = arguments.relays->parent_path();
  // A run goes on without its API.
  const auto api = EmulatorApi::create({kLoopback, 0}, links, emulator);
  if (api) {
    if (const Failure failure =
            output::write_text_atomically(folder / output::kEmulatorAddressFile, api.value()->url() + "\n"))
      return give_up(failure->message);
  }
  if (launcher) {
    launcher->send_line(to_line({.kind = ProcessEvent::Kind::started}));
    const std::string note =
        api ? fmt::format("links, events and metrics at {}", api.value()->url()) : api.error().message;
    launcher->send_line(to_line({.kind = ProcessEvent::Kind::notice, .text = note}));
    if (api && config.value().metrics.address) {
      const std::string address = api.value()->url().substr(std::string_view("http://").size());
      launcher->send_line(to_line({.kind = ProcessEvent::Kind::watched, .text = address}));
    }
  }
  emulator.run();
  if (const Failure failure = write_carried(folder / output::kCarriedFile, links, emulator))
    return give_up(failure->message);
  return kDone;
}

void print_relays(const EmulationConfig& emulation, const Emulator& emulator) {
  for (std::size_t i = 0; i < emulation.relays.size(); ++i) {
    const RelayConfig& relay = emulation.relays[i];
    fmt::print("{}:{} in {} -> {}:{} in {}\n", relay.listen.host, emulator.port(i),
               emulation.places[relay.from], relay.target.host, relay.target.port,
               emulation.places[relay.to]);
  }
}

void print_carried(const EmulatedLinks& links, const Emulator& emulator) {
  for (std::size_t link = 0; link < links.description.links.size(); ++link) {
    const wan::emulator::LinkCounters counters = emulator.counters(link);
    if (counters.connections == 0) continue;
    fmt::print("{} -> {}: {:.3f} MB over {} connection{}\n", links.description.links[link].from,
               links.description.links[link].to, static_cast<double>(counters.bytes) / 1e6,
               counters.connections, counters.connections == 1 ? "" : "s");
  }
}

/// By itself, until it is interrupted.
int emulate_alone(const EmulateArguments& arguments) {
  const Result<EmulationConfig> read = load_emulation(arguments.config);
  if (!read) {
    print_error(read.error().message);
    return kBadUsage;
  }
  const EmulationConfig& emulation = read.value();
  const Descriptor signals = signals_as_descriptor({SIGINT, SIGTERM, SIGHUP});
  const EmulatedLinks links = emulated_links(emulation);
  Result<std::unique_ptr<Emulator>> created = Emulator::create(links.description);
  if (!created || !signals) {
    print_error(fmt::format("{}: {}", arguments.config.file.string(),
                            created ? "cannot wait for signals" : created.error().message));
    return kBadUsage;
  }
  Emulator& emulator = *created.value();
  std::unique_ptr<EmulatorApi> api;
  if (emulation.api) {
    auto opened = EmulatorApi::create(*emulation.api, links, emulator);
    if (!opened) {
      print_error(fmt::format("{}: {}", arguments.config.file.string(), opened.error().message));
      return kBadUsage;
    }
    api = std::move(opened).value();
  }
  const Failure failure = emulator.watch_fd(signals.number(), [&] {
    emulator.stop();
    return false;
  });
  if (failure) {
    print_error(failure->message);
    return kFailed;
  }
  fmt::print("{}", describe_links(emulation.places, emulation.links, emulation.caps, emulation.events));
  print_relays(emulation, emulator);
  if (api) fmt::print("links, events and metrics at {}\n", api->url());
  fmt::print("relaying; Ctrl-C ends it\n");
  std::fflush(stdout);
  emulator.begin_when_running();
  emulator.run();
  api.reset();
  print_carried(links, emulator);
  return kDone;
}

}  // namespace

int emulate_command(const EmulateArguments& arguments) {
  return arguments.relays ? emulate_run(arguments) : emulate_alone(arguments);
}

}  // namespace meridian::program
