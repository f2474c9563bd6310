// A launcher to be killed: starts three obedient children and tells its own launcher their process numbers,
// once all of them are ready, as "children P Q R".
#include <cstdlib>

#include "src/program/launcher_link.h"
#include "src/program/supervisor.h"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  auto up = meridian::program::LauncherLink::open(std::atoi(argv[1]));
  if (!up) return 3;
  meridian::program::Supervisor supervisor;
  std::string children = "children";
  for (int i = 0; i < 3; ++i) {
    auto child = supervisor.spawn({"child-" + std::to_string(i), {argv[2], "{launcher_fd}"}, {}, {}});
    if (!child) return 4;
    children += " " + std::to_string(supervisor.pid(child.value()));
  }
  int ready = 0;
  meridian::program::SupervisorHandlers handlers;
  handlers.on_line = [&](meridian::program::ChildId, std::string_view line) {
    if (line == "ready" && ++ready == 3) up.value().send_line(children);
  };
  supervisor.run(handlers);
  return 5;
}
