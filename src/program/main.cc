// meridian: the command line.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <string>

#include "src/base/instruction_sets.h"
#include "src/program/commands.h"
#include "src/program/run_setup.h"

namespace meridian::program {
namespace {

void add_config(CLI::App& command, ConfigArguments& config) {
  command.add_option("CONFIG", config.file, "the configuration, a YAML file")->required();
  command
      .add_option("--set", config.overrides,
                  "override a key: --set a.b=value; list elements by name or index")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->take_all();
}

void add_output(CLI::App& command, OutputArguments& output) {
  command
      .add_option("--out", output.folder,
                  "where the run's files go (default: output.dir, or runs/NAME-MODE-SEED)")
      ->type_name("DIR");
  command.add_flag("--overwrite", output.overwrite, "replace what an earlier run left in that folder");
}

constexpr const char* kExitCodes = "Exit codes: 0 done, 1 the run failed, 2 bad usage or configuration.";

/// Parses the command line and does what it says. The command's exit code.
int dispatch(int argc, char** argv) {
  CLI::App app{"Trains one model over several datacenters at close to LAN speed, without moving their data.",
               "meridian"};
  app.set_version_flag("--version", std::string("meridian ") + MERIDIAN_VERSION);
  app.require_subcommand(1);
  app.footer(kExitCodes);
  int code = kDone;

  CheckArguments check;
  CLI::App* const check_app = app.add_subcommand(
      "check", "is a configuration valid? Says file:line:column, what is wrong, what was expected");
  add_config(*check_app, check.config);
  check_app->add_flag("--explain", check.explain,
                      "say what the synchronisation method comes to, and where each part of it comes from");
  check_app->footer(
      "Example: meridian check configs/demo.yaml --set wan.mode=bsp\n"
      "         meridian check configs/demo.yaml --set wan.mode=local_sgd --explain\n"
      "         meridian check configs/links/ec2-11.yaml       # a file of links, as a table\n"
      "         meridian check configs/emulate.yaml            # what `meridian emulate` would do");
  check_app->callback([&] { code = check_command(check); });

  RunArguments run;
  CLI::App* const run_app = app.add_subcommand(
      "run", "the whole deployment on this machine: real processes, real sockets, emulated WAN");
  add_config(*run_app, run.config);
  add_output(*run_app, run.output);
  run_app->footer(std::string("Example: meridian run configs/demo.yaml --out runs/demo\n") + kExitCodes);
  run_app->callback([&] { code = run_command(run); });

  SimulateArguments simulate;
  CLI::App* const simulate_app = app.add_subcommand(
      "simulate", "the same in virtual time: a function of the configuration and its seed");
  add_config(*simulate_app, simulate.config);
  add_output(*simulate_app, simulate.output);
  simulate_app
      ->add_option(
          "--threads", simulate.threads,
          "threads for the computations (default: one for each core); the result does not depend on it")
      ->check(CLI::Range(1, 1024));
  simulate_app->add_flag(
      "--progress", simulate.progress,
      "a line each second (virtual time, clocks, speed), also where stderr is no terminal; "
      "without it every five seconds");
  simulate_app->footer(std::string("Example: meridian simulate configs/demo.yaml --set wan.links=lan\n") +
                       kExitCodes);
  simulate_app->callback([&] { code = simulate_command(simulate); });

  SweepArguments sweep;
  CLI::App* const sweep_app = app.add_subcommand(
      "sweep", "runs a grid of configurations, simulated or real, and makes tables, plots and a page");
  sweep_app->add_option("EXPERIMENT", sweep.experiment, "what is varied in which configuration, a YAML file")
      ->required();
  sweep_app
      ->add_option("--out", sweep.folder,
                   "where everything goes (default: runs/NAME); finished cells in it stay")
      ->type_name("DIR");
  sweep_app->add_flag("--real", sweep.real,
                      "real runs on this machine, all processes and emulated links, in place of simulations");
  sweep_app
      ->add_option("--jobs", sweep.jobs,
                   "simulations at once (default: one for each core), or real runs (default: one)")
      ->check(CLI::Range(1, 1024));
  sweep_app->add_flag("--quiet", sweep.quiet, "no progress on stderr");
  sweep_app->footer(
      "Example: meridian sweep experiments/threshold_sweep.yaml --out runs/thresholds\n"
      "Started again, it goes on where it was ended: what is finished is not repeated.\n"
      "Exit codes: 0 done, 1 a cell failed or the sweep was interrupted, 2 bad usage, experiment or "
      "configuration.");
  sweep_app->callback([&] { code = sweep_command(sweep); });

  NodeArguments node;
  CLI::App* const node_app =
      app.add_subcommand("node", "one process of a deployment whose addresses stand in the configuration");
  add_config(*node_app, node.config);
  add_output(*node_app, node.output);
  node_app->add_option("--datacenter", node.datacenter, "of which datacenter")->required()->type_name("NAME");
  node_app->add_option("--role", node.role, "server or worker")
      ->required()
      ->check(CLI::IsMember({"server", "worker"}));
  node_app->add_option("--index", node.index, "which of its servers or workers, from 0");
  node_app->add_option("--addresses", node.addresses)->group("");
  node_app->add_option("--launcher-fd", node.launcher_fd)->group("");
  node_app->footer(
      std::string("Example: meridian node deployment.yaml --datacenter tokyo --role server --index 0\n"
                  "Its files go to DIR/DATACENTER-ROLE-INDEX; `meridian report DIR` joins them.\n") +
      kExitCodes);
  node_app->callback([&] { code = node_command(node); });

  EmulateArguments emulate;
  CLI::App* const emulate_app =
      app.add_subcommand("emulate", "wide-area links between any TCP programs, in real time, without root");
  add_config(*emulate_app, emulate.config);
  emulate_app->add_option("--relays", emulate.relays)->group("");
  emulate_app->add_option("--launcher-fd", emulate.launcher_fd)->group("");
  emulate_app->footer(
      "Example: meridian emulate configs/emulate.yaml\n"
      "         meridian emulate configs/emulate.yaml --set links=links/ec2-11.yaml --set api=null\n"
      "Exit codes: 0 ended by Ctrl-C, 1 it failed, 2 bad usage or configuration, or a port in use.");
  emulate_app->callback([&] { code = emulate_command(emulate); });

  ReportArguments report;
  CLI::App* const report_app = app.add_subcommand("report", "compares finished runs in a table");
  report_app->add_option("DIR", report.folders, "folders of finished runs")->required();
  report_app->add_option("--baseline", report.baseline, "the run that speed-ups are measured against")
      ->type_name("DIR");
  report_app->add_option("--lan", report.lan, "the run over a LAN, for the ratio to it")->type_name("DIR");
  report_app->add_flag("--json", report.json, "print JSON");
  CLI::Option* const centralised = report_app->add_flag(
      "--centralised", report.centralised,
      "add what moving all data to one place and training there would take, computed from "
      "the --lan run");
  report_app->add_option("--region", report.region, "where that is; otherwise where it costs least")
      ->type_name("DATACENTER")
      ->needs(centralised);
  report_app
      ->add_option("--data-gb", report.data_gb, "how much data that moves, in 10^9 bytes of all datacenters")
      ->type_name("GB")
      ->needs(centralised);
  report_app
      ->add_option("--page", report.page,
                   "also write results.csv, results.md, plots and page.html of these runs into this folder")
      ->type_name("DIR");
  report_app->footer(
      "Example: meridian report runs/gaia runs/bsp --baseline runs/bsp --page runs/gaia-and-bsp");
  report_app->callback([&] { code = report_command(report); });

  TopicsArguments topics;
  CLI::App* const topics_app =
      app.add_subcommand("topics", "what the topics of a finished run are about: the words of each");
  topics_app->add_option("DIR", topics.folder, "the folder of a finished run of a topic model")->required();
  topics_app->add_option("--words", topics.words, "words of each topic (default 10)")
      ->check(CLI::Range(1, 1000));
  topics_app->footer("Example: meridian topics runs/topics-gaia-1 --words 5");
  topics_app->callback([&] { code = topics_command(topics); });

  TopArguments top;
  CLI::App* const top_app =
      app.add_subcommand("top", "a live view of a running deployment: datacenters, links, waits, objective");
  top_app
      ->add_option("WHERE", top.where, "the run's folder, or addresses at which its processes serve metrics")
      ->required();
  top_app->add_option("--interval", top.interval_s, "seconds between two looks (default 1)")
      ->check(CLI::Range(0.1, 3600.0));
  top_app->add_flag("--once", top.once, "print one page as text; the same where stdout is no terminal");
  top_app->footer(
      "Example: meridian top runs/demo-gaia-1\n"
      "         meridian top 10.0.0.5:9400 10.0.1.5:9400 10.0.2.5:9400 --once\n"
      "Exit codes: 0 done, 1 nobody answers, 2 bad usage.");
  top_app->callback([&] { code = top_command(top); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help is no error; everything else is bad usage.
    return app.exit(error) == 0 ? kDone : kBadUsage;
  }
  return code;
}

}  // namespace
}  // namespace meridian::program

int main(int argc, char** argv) {
  try {
    if (const char* const wanted = std::getenv("MERIDIAN_ISA")) {
      if (const meridian::Failure wrong = meridian::check_instruction_set(wanted)) {
        meridian::program::print_error("meridian: " + wrong->message);
        return meridian::program::kBadUsage;
      }
    }
    return meridian::program::dispatch(argc, argv);
  } catch (const std::exception& error) {
    meridian::program::print_error(std::string("meridian: ") + error.what());
    return meridian::program::kFailed;
  }
}
