// The emulated WAN of `meridian run`, in a process of its own.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "src/output/atomic_file.h"
#include "src/output/run_folder.h"
#include "src/program/commands.h"
#include "src/program/emulator_description.h"
#include "src/program/launcher_link.h"
#include "src/program/process_events.h"
#include "src/program/run_setup.h"
#include "wan/emulator/emulator.h"

namespace meridian::program {

int emulate_command(const EmulateArguments& arguments) {
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
  const Result<wan::emulator::Description> description = read_emulator_description(arguments.description);
  if (!description) return give_up(description.error().message);
  Result<std::unique_ptr<wan::emulator::Emulator>> created =
      wan::emulator::Emulator::create(description.value());
  if (!created) return give_up(created.error().message);
  wan::emulator::Emulator& emulator = *created.value();
  if (launcher) {
    const Failure failure = emulator.watch_fd(launcher->fd(), [&] {
      bool stop = false;
      for (const std::string& line : launcher->read_lines()) stop = stop || line.starts_with(kStopCommand);
      if (!stop && !launcher->gone()) return true;
      emulator.stop();
      return false;
    });
    if (failure) return give_up(failure->message);
    launcher->send_line(to_line({.kind = ProcessEvent::Kind::started}));
  }
  emulator.run();

  // What each link carried, for whoever compares it with the run's own count.
  nlohmann::ordered_json carried = nlohmann::ordered_json::array();
  for (std::size_t link = 0; link < description.value().links.size(); ++link) {
    const wan::emulator::LinkCounters counters = emulator.counters(link);
    carried.push_back({{"from", description.value().links[link].from},
                       {"to", description.value().links[link].to},
                       {"bytes", counters.bytes},
                       {"connections", counters.connections}});
  }
  const std::filesystem::path file = arguments.description.parent_path() / output::kCarriedFile;
  if (const Failure failure = output::write_text_atomically(file, carried.dump(1) + "\n"))
    return give_up(failure->message);
  return kDone;
}

}  // namespace meridian::program
