// Goal: the command line keeps its promises before anything runs: exit codes, errors with their place, help
// with an example, overrides everywhere, no earlier run overwritten unasked, reports in text and JSON.
// Reached by calling each command with good and bad arguments and reading what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/integration/program_under_test.h"
#include "tests/integration/workspace.h"

namespace meridian::integration {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(CommandLine, CheckSaysWhatAFileIs) {
  const Workspace work;
  const std::string config = work.write("config.yaml", three_datacenters().yaml());
  const Ended check = run_meridian({"check", config});
  EXPECT_EQ(check.code, 0);
  EXPECT_EQ(check.err, "");
  EXPECT_THAT(check.out, AllOf(HasSubstr("is valid"), HasSubstr("east: 2 workers, 1 server"),
                               HasSubstr("south"), HasSubstr("gaia")));
  const Ended other =
      run_meridian({"check", config, "--set", "wan.mode=bsp", "--set", "datacenters.south.workers=3"});
  EXPECT_EQ(other.code, 0);
  EXPECT_THAT(other.out, AllOf(HasSubstr("bsp"), HasSubstr("south: 3 workers")));
  EXPECT_FALSE(std::filesystem::exists("runs"));
}

TEST(CommandLine, CheckExplainsTheMode) {
  const Workspace work;
  const std::string config = work.write("config.yaml", three_datacenters().yaml());
  EXPECT_THAT(run_meridian({"check", config}).out, Not(HasSubstr("what ")));
  const Ended explained = run_meridian({"check", config, "--explain", "--set", "wan.mode=bsp"});
  EXPECT_EQ(explained.code, 0);
  EXPECT_THAT(explained.out, AllOf(HasSubstr("is valid"), HasSubstr("\nmerge "), HasSubstr("ordered"),
                                   HasSubstr("mode bsp"), HasSubstr("topology: mesh")));
  EXPECT_THAT(run_meridian({"check", "--help"}).out, HasSubstr("--explain"));
}

TEST(CommandLine, CheckSaysThatTheDataIsMissing) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  const auto check = [&](const std::string& if_missing) {
    return run_meridian({"check", config, "--set",
                         "workload.data={format: idx, path: nowhere, if_missing: " + if_missing + "}"});
  };
  const Ended generated = check("generated");
  EXPECT_EQ(generated.code, 0);
  EXPECT_THAT(generated.err,
              AllOf(HasSubstr("no data in "), HasSubstr("nowhere"), HasSubstr("takes the generated set")));
  const Ended error = check("error");
  EXPECT_EQ(error.code, 0);
  EXPECT_THAT(error.err, HasSubstr("a run would fail"));
}

TEST(CommandLine, CheckSaysOfWhichDatacenterTheDataAreNotHere) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  const Ended check = run_meridian(
      {"check", config, "--set",
       "workload.data={format: idx, mean: 0.5, deviation: 0.5, paths: {east: here, west: there}}"});
  EXPECT_EQ(check.code, 0);
  EXPECT_THAT(
      check.err,
      AllOf(HasSubstr("here (workload.data.paths.east): a process of east would fail on this machine"),
            HasSubstr("there (workload.data.paths.west): a process of west would fail")));
}

TEST(CommandLine, TablesThatTheModelDoesNotHaveAreRefusedWithThoseItHas) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  const Ended ended = run_meridian(
      {"simulate", config, "--out", work / "out", "--set", "wan.parameters.tables={layer0.wieght: {v0: 1}}"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("'layer0.wieght'"), HasSubstr("perhaps 'layer0.weight'"),
                               HasSubstr("layer0.bias")));
}

TEST(CommandLine, CheckAcceptsEveryFileThatUsersCopy) {
  const char* const source = std::getenv("MERIDIAN_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(source) / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    const Ended check = run_meridian({"check", entry.path()});
    EXPECT_EQ(check.code, 0) << entry.path() << ": " << check.err;
  }
  EXPECT_GT(files, 5);
}

constexpr const char* kLinks = R"(pairs:
  - {between: [east, west], bandwidth_mbps: 50, rtt_ms: 40, loss: 0.01}
  - {from: west, to: moon, bandwidth_mbps: 3, delay_ms: 1300}
caps: {east: {egress_mbps: 45}}
events: [{at_s: 3, for_s: 2, action: cut, between: [east, west]}]
)";

constexpr const char* kEmulation = R"(seed: 7
links: links.yaml
relays:
  - {from: east, to: west, listen: "127.0.0.1:5001", target: "[::1]:5201"}
  - {from: west, to: east, listen: "127.0.0.1:0", target: "localhost:80"}
api: "127.0.0.1:8474"
)";

TEST(CommandLine, CheckPrintsALinksFileAsATable) {
  const Workspace work;
  const std::string links = work.write("links.yaml", kLinks);
  const Ended check = run_meridian({"check", links});
  EXPECT_EQ(check.code, 0);
  EXPECT_EQ(check.err, "");
  EXPECT_THAT(check.out, AllOf(StartsWith(links + " is valid: links\n"), HasSubstr("moon"),
                               HasSubstr("50 Mb/s, 40 ms, 1 % lost"), HasSubstr("3 Mb/s, 2600 ms"),
                               HasSubstr("east sends at most 45 Mb/s in all\n"),
                               HasSubstr("at 3 s: cut east - west for 2 s\n")));
}

TEST(CommandLine, CheckPrintsTheLinksRelaysAndApiOfAnEmulation) {
  const Workspace work;
  work.write("links.yaml", kLinks);
  const std::string emulation = work.write("emulate.yaml", kEmulation);
  const Ended check = run_meridian({"check", emulation});
  EXPECT_EQ(check.code, 0);
  EXPECT_EQ(check.err, "");
  EXPECT_THAT(check.out,
              AllOf(StartsWith(emulation + " is valid: an emulation, seed 7\n"), HasSubstr("50 Mb/s, 40 ms"),
                    HasSubstr("relay east -> west: from 127.0.0.1:5001 to [::1]:5201\n"),
                    HasSubstr("relay west -> east: from 127.0.0.1, a free port to localhost:80\n"),
                    HasSubstr("API: 127.0.0.1:8474\n")));
  const Ended set = run_meridian({"check", emulation, "--set", "seed=9", "--set", "api=null"});
  EXPECT_EQ(set.code, 0) << set.err;
  EXPECT_THAT(set.out, AllOf(HasSubstr("seed 9"), HasSubstr("API: none\n")));
}

TEST(CommandLine, CheckRefusesBadLinksAndEmulationsWithThePlace) {
  const Workspace work;
  const std::string links = work.write("links.yaml", kLinks);
  const std::string emulation = work.write("emulate.yaml", kEmulation);
  const auto refused = [&](const std::vector<std::string>& words, const std::string& problem) {
    std::vector<std::string> command = {"check"};
    command.insert(command.end(), words.begin(), words.end());
    const Ended check = run_meridian(command);
    EXPECT_EQ(check.code, 2) << ::testing::PrintToString(words);
    EXPECT_EQ(check.out, "") << ::testing::PrintToString(words);
    EXPECT_THAT(check.err, HasSubstr(problem)) << ::testing::PrintToString(words);
  };
  const std::string bad_links =
      work.write("bad-links.yaml", "default: {bandwidth_mbps: -1, rtt_ms: 3}\npars: []\n");
  refused({bad_links}, bad_links + ":1:27: default.bandwidth_mbps is '-1'");
  refused({bad_links}, bad_links + ":2:1: unknown key 'pars', perhaps 'pairs'");
  refused({links, "--set", "caps=null"}, "--set caps=null: " + links + " is a links file");
  refused({links, "--explain"}, "--explain: " + links + " is a links file");

  refused({emulation, "--explain"}, "--explain: " + emulation + " is an emulation");
  refused({emulation, "--set", "api=here"}, "--set api=here: api is 'here'");
  refused({emulation, "--set", "relays.0.to=moon"},
          emulation + ":4:5: relays[0] needs the link moon -> east");
  // What stands in the links file is said with that file's place.
  refused({emulation, "--set", "links=bad-links.yaml"}, bad_links + ":1:27: ");
  refused({work.write("no-relays.yaml", "links: links.yaml\n")}, "no-relays.yaml:1:1: relays is missing");
}

TEST(CommandLine, EveryCommandNamesThePlaceOfAnError) {
  const Workspace work;
  std::string text = TestConfig().yaml();
  const std::string good = work.write("good.yaml", text);
  // On line 6, from column 3 on.
  text.replace(text.find("batch: 20"), 5, "bacth");
  const std::string config = work.write("bad.yaml", text);
  const std::vector<std::vector<std::string>> commands = {
      {"check"}, {"run"}, {"simulate"}, {"node", "--datacenter", "east", "--role", "worker"}};
  for (const std::vector<std::string>& command : commands) {
    std::vector<std::string> words = command;
    words.push_back(config);
    const Ended ended = run_meridian(
        words, {.working_directory = work.folder(), .environment = {}, .file_size_limit_bytes = {}});
    EXPECT_EQ(ended.code, 2) << command.front();
    EXPECT_THAT(ended.err, AllOf(StartsWith(config + ":6:3: "), HasSubstr("bacth"), HasSubstr("batch")))
        << command.front();
    EXPECT_EQ(ended.out, "") << command.front();
    words.back() = good;
    words.insert(words.end(), {"--set", "wan.mode=gaya"});
    const Ended set = run_meridian(
        words, {.working_directory = work.folder(), .environment = {}, .file_size_limit_bytes = {}});
    EXPECT_EQ(set.code, 2) << command.front();
    EXPECT_THAT(set.err, AllOf(HasSubstr("--set wan.mode=gaya"), HasSubstr("gaia"))) << command.front();
  }
  EXPECT_FALSE(std::filesystem::exists(work / "runs"));
}

TEST(CommandLine, AFileThatIsNotThereIsNamed) {
  const Workspace work;
  const Ended ended = run_meridian({"check", work / "nowhere.yaml"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr((work / "nowhere.yaml").string()));
}

TEST(CommandLine, HelpOfEveryCommandHasAnExample) {
  for (const char* command : {"check", "run", "simulate", "node", "report"}) {
    const Ended help = run_meridian({command, "--help"});
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_THAT(help.out, HasSubstr(std::string("Example: meridian ") + command)) << command;
    EXPECT_EQ(help.err, "") << command;
  }
  const Ended help = run_meridian({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("check"), HasSubstr("run"), HasSubstr("simulate"), HasSubstr("node"),
                              HasSubstr("report"), HasSubstr("Exit codes")));
}

TEST(CommandLine, BadUsageHasExitCodeTwo) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  const std::vector<std::vector<std::string>> cases = {{},
                                                       {"train"},
                                                       {"check"},
                                                       {"check", config, "--colour"},
                                                       {"run", config, "--set"},
                                                       {"simulate", config, "--threads", "0"},
                                                       {"simulate", config, "--threads", "many"},
                                                       {"node", config},
                                                       {"report"},
                                                       {"check", config, "another.yaml"}};
  for (const std::vector<std::string>& words : cases) {
    const Ended ended = run_meridian(words);
    EXPECT_EQ(ended.code, 2) << ::testing::PrintToString(words);
    EXPECT_NE(ended.err, "") << ::testing::PrintToString(words);
    EXPECT_EQ(ended.out, "") << ::testing::PrintToString(words);
  }
}

TEST(CommandLine, ARunGoesToItsDefaultFolder) {
  const Workspace work;
  work.write("here/config.yaml", TestConfig().yaml());
  for (const char* command : {"run", "simulate"}) {
    const std::string seed = command == std::string("run") ? "3" : "4";
    const Ended ended =
        run_meridian({command, "config.yaml", "--set", "seed=" + seed},
                     {.working_directory = work / "here", .environment = {}, .file_size_limit_bytes = {}});
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_TRUE(std::filesystem::exists(work / "here/runs" / ("small-gaia-" + seed) / "summary.json"))
        << ended.out;
  }
}

TEST(CommandLine, AnEarlierRunIsNotOverwrittenUnasked) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  work.write("out/notes.txt", "mine");
  for (const char* command : {"run", "simulate"}) {
    const std::vector<std::string> words = {command, config, "--out", work / "out"};
    const Ended refused = run_meridian(words);
    EXPECT_EQ(refused.code, 2) << command;
    EXPECT_THAT(refused.err,
                AllOf(HasSubstr((work / "out").string()), HasSubstr("not empty"), HasSubstr("--overwrite")))
        << command;
    EXPECT_FALSE(std::filesystem::exists(work / "out/config.yaml")) << command;
  }
  for (const char* command : {"run", "run", "simulate"}) {
    const Ended ended = run_meridian({command, config, "--out", work / "out", "--overwrite"});
    EXPECT_EQ(ended.code, 0) << command << ": " << ended.err;
  }
  // Nothing of the real runs is left that could be taken for the simulation's, and nothing of ours is gone.
  EXPECT_EQ(read_json(work / "out/summary.json")["mode"], "simulate");
  EXPECT_FALSE(std::filesystem::exists(work / "out/east-server-0"));
  EXPECT_FALSE(std::filesystem::exists(work / "out/emulator"));
  EXPECT_FALSE(std::filesystem::exists(work / "out/addresses.json"));
  EXPECT_EQ(read_file(work / "out/notes.txt"), "mine");
}

TEST(CommandLine, ReportComparesRuns) {
  const Workspace work;
  TestConfig shape;
  shape.stop = "{target: 0.25, clocks: 500}";
  const std::string config = work.write("config.yaml", shape.yaml());
  for (const char* mode : {"gaia", "bsp"}) {
    const Ended ended =
        run_meridian({"simulate", config, "--out", work / mode, "--set", std::string("wan.mode=") + mode});
    ASSERT_EQ(ended.code, 0) << ended.err;
  }
  const Ended text = run_meridian({"report", work / "gaia", work / "bsp", "--baseline", work / "bsp"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("gaia"), HasSubstr("bsp")));
  const Ended report =
      run_meridian({"report", work / "gaia", work / "bsp", "--baseline", work / "bsp", "--json"});
  ASSERT_EQ(report.code, 0) << report.err;
  const json rows = json::parse(report.out, nullptr, false);
  ASSERT_TRUE(rows.is_array());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["wan_mode"], "gaia");
  EXPECT_TRUE(rows[0]["speed_up"].is_number());
  EXPECT_EQ(rows[1]["speed_up"], 1.0);
  EXPECT_EQ(run_meridian({"report", work / "nowhere"}).code, 1);
  EXPECT_THAT(run_meridian({"report", work / "nowhere"}).err, HasSubstr((work / "nowhere").string()));
  EXPECT_EQ(run_meridian({"report", work / "gaia", "--baseline", work / "bsp"}).code, 2);
}

}  // namespace
}  // namespace meridian::integration
