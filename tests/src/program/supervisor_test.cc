// Goal: the supervisor names who ended and how, and leaves no process behind: not on termination, not for
// children that ignore SIGTERM or start others, not when the launcher itself is killed. Reached with real
// children: shell scripts, a program that obeys its lifeline, and one that acts as a launcher and is killed
// with SIGKILL.
#include "src/program/supervisor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "src/program/process_descriptor.h"

namespace meridian::program {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// For what must happen: long enough for any machine, reached only when the test fails.
constexpr seconds kDeadline{30};

ChildSpec script(const std::string& name, const std::string& text) {
  return {name, {"/bin/sh", "-c", text, "sh", "{launcher_fd}"}, {}, {}};
}

ChildSpec obedient(const std::string& name) { return {name, {OBEDIENT_CHILD, "{launcher_fd}"}, {}, {}}; }

/// What the children did until the last one ended, or until the deadline, which fails the test.
struct Record {
  std::vector<std::string> lines;
  std::vector<std::string> exits;
};

SupervisorHandlers recording(Supervisor& supervisor, Record& record) {
  SupervisorHandlers handlers;
  const auto deadline = steady_clock::now() + kDeadline;
  handlers.on_line = [&](ChildId child, std::string_view line) {
    record.lines.push_back(supervisor.name(child) + ": " + std::string(line));
  };
  handlers.on_exit = [&](const ChildExit& exit) { record.exits.push_back(exit.text); };
  handlers.on_tick = [&supervisor, deadline] {
    if (steady_clock::now() < deadline) return;
    ADD_FAILURE() << "the deadline has passed";
    supervisor.stop();
  };
  return handlers;
}

Record record_run(Supervisor& supervisor) {
  Record record;
  supervisor.run(recording(supervisor, record));
  return record;
}

void start(Supervisor& supervisor, const ChildSpec& spec) {
  const Result<ChildId> child = supervisor.spawn(spec);
  ASSERT_TRUE(child) << child.error().message;
}

/// Runs until `count` lines have come.
std::vector<std::string> wait_for_lines(Supervisor& supervisor, std::size_t count) {
  Record record;
  SupervisorHandlers handlers = recording(supervisor, record);
  handlers.on_line = [&](ChildId, std::string_view line) {
    record.lines.emplace_back(line);
    if (record.lines.size() == count) supervisor.stop();
  };
  supervisor.run(handlers);
  EXPECT_EQ(record.lines.size(), count);
  EXPECT_THAT(record.exits, ElementsAre());
  return record.lines;
}

/// Neither a running child nor a zombie is left to this process.
bool no_child_left() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

bool ends_before_deadline(const Descriptor& process) {
  pollfd waiting{process.number(), POLLIN, 0};
  return ::poll(&waiting, 1, static_cast<int>(milliseconds(kDeadline).count())) == 1;
}

TEST(Supervisor, NamesWhoEndedAndHow) {
  Supervisor supervisor;
  start(supervisor, script("tokyo-worker-0", "exit 0"));
  EXPECT_THAT(record_run(supervisor).exits, ElementsAre("tokyo-worker-0 exited with code 0"));
  start(supervisor, script("tokyo-worker-1", "kill -9 $$"));
  EXPECT_THAT(record_run(supervisor).exits, ElementsAre("tokyo-worker-1 was killed by signal 9 (SIGKILL)"));
  start(supervisor, script("tokyo-server-0", "exit 7"));
  EXPECT_THAT(record_run(supervisor).exits, ElementsAre("tokyo-server-0 exited with code 7"));
  EXPECT_TRUE(no_child_left());
}

TEST(Supervisor, TellsTheExitsApart) {
  Supervisor supervisor;
  std::vector<ChildExit> exits;
  SupervisorHandlers handlers;
  handlers.on_exit = [&](const ChildExit& exit) { exits.push_back(exit); };
  start(supervisor, script("good", "exit 0"));
  supervisor.run(handlers);
  start(supervisor, script("killed", "kill -11 $$"));
  supervisor.run(handlers);
  ASSERT_EQ(exits.size(), 2U);
  EXPECT_TRUE(exits[0].succeeded());
  EXPECT_EQ(exits[1].child, 1U);
  EXPECT_EQ(exits[1].signal, SIGSEGV);
  EXPECT_EQ(exits[1].code, std::nullopt);
  EXPECT_FALSE(exits[1].succeeded());
}

TEST(Supervisor, GivesAllLinesBeforeTheExit) {
  Supervisor supervisor;
  start(supervisor, script("a", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done >&$1"));
  std::size_t lines = 0;
  bool ended = false;
  SupervisorHandlers handlers;
  handlers.on_line = [&](ChildId, std::string_view line) {
    EXPECT_FALSE(ended);
    EXPECT_EQ(line, "line " + std::to_string(lines++));
  };
  handlers.on_exit = [&](const ChildExit&) { ended = true; };
  supervisor.run(handlers);
  EXPECT_EQ(lines, 20000U);
  EXPECT_TRUE(ended);
}

TEST(Supervisor, GivesAllThatAChildSaidBeforeItEndedUnheard) {
  Supervisor supervisor;
  // More than one read takes, and nobody reads before the child is gone.
  start(supervisor, script("a", "yes | head -c 100000 >&$1"));
  ASSERT_TRUE(ends_before_deadline(open_process(supervisor.pid(0))));
  EXPECT_EQ(record_run(supervisor).lines.size(), 50000U);
}

TEST(Supervisor, JoinsLinesThatArriveInPieces) {
  Supervisor supervisor;
  // The answer to the first half makes the child send the second: the two can only arrive apart.
  start(supervisor,
        script("a", "printf 'go\\nfirst ' >&$1; read answer <&$1; printf 'second %s\\nrest' $answer >&$1"));
  Record record;
  SupervisorHandlers handlers = recording(supervisor, record);
  handlers.on_line = [&](ChildId child, std::string_view line) {
    record.lines.emplace_back(line);
    if (line == "go") supervisor.send_line(child, "half");
  };
  supervisor.run(handlers);
  EXPECT_THAT(record.lines, ElementsAre("go", "first second half"));
}

TEST(Supervisor, AnEndlessLineIsTheChildsFault) {
  Supervisor supervisor;
  start(supervisor, script("chatty", "while :; do printf xxxxxxxxxxxxxxxx; done >&$1"));
  std::optional<ChildExit> exit;
  SupervisorHandlers handlers;
  handlers.on_exit = [&](const ChildExit& ended) { exit = ended; };
  supervisor.run(handlers);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->text, "chatty was ended: it sent a line longer than 65536 bytes");
  EXPECT_FALSE(exit->succeeded());
}

TEST(Supervisor, SaysWhatCannotBeStarted) {
  Supervisor supervisor;
  EXPECT_EQ(supervisor.spawn({"tokyo-worker-1", {"/no/such/program"}, {}, {}}).error().message,
            "cannot start tokyo-worker-1: /no/such/program: No such file or directory");
  ChildSpec spec = script("tokyo-worker-1", "exit 0");
  spec.log_file = "/no/such/folder/log";
  EXPECT_EQ(supervisor.spawn(spec).error().message,
            "cannot start tokyo-worker-1: /no/such/folder/log: No such file or directory");
  EXPECT_EQ(supervisor.running(), 0U);
  EXPECT_TRUE(no_child_left());
}

TEST(Supervisor, TerminatesAll) {
  Supervisor supervisor;
  for (const char* name : {"a", "b", "c"}) start(supervisor, obedient(name));
  EXPECT_THAT(wait_for_lines(supervisor, 3), ElementsAre("ready", "ready", "ready"));
  EXPECT_EQ(supervisor.running(), 3U);
  const std::vector<ChildExit> exits = supervisor.terminate_all(kDeadline);
  ASSERT_EQ(exits.size(), 3U);
  for (const ChildExit& exit : exits) EXPECT_EQ(exit.text, exit.name + " was killed by signal 15 (SIGTERM)");
  EXPECT_EQ(supervisor.running(), 0U);
  EXPECT_TRUE(no_child_left());
}

TEST(Supervisor, KillsAfterTheGraceWhoIgnoresSigterm) {
  Supervisor supervisor;
  ChildSpec stubborn = obedient("stubborn");
  stubborn.arguments.emplace_back("ignore SIGTERM");
  start(supervisor, stubborn);
  wait_for_lines(supervisor, 1);
  const std::vector<ChildExit> exits = supervisor.terminate_all(milliseconds(50));
  ASSERT_EQ(exits.size(), 1U);
  EXPECT_EQ(exits[0].text, "stubborn was killed by signal 9 (SIGKILL)");
  EXPECT_TRUE(no_child_left());
}

TEST(Supervisor, ASecondSignalCutsTheGraceShort) {
  Supervisor supervisor;
  ChildSpec stubborn = obedient("stubborn");
  stubborn.arguments.emplace_back("ignore SIGTERM");
  start(supervisor, stubborn);
  wait_for_lines(supervisor, 1);
  ASSERT_EQ(::kill(::getpid(), SIGINT), 0);
  // Without the signal this would go on until the test's own limit.
  EXPECT_EQ(supervisor.terminate_all(seconds(100000)).size(), 1U);
}

TEST(Supervisor, EndsAStoppedChildAndWhatAChildStarted) {
  Supervisor supervisor;
  start(supervisor, obedient("stopped"));
  wait_for_lines(supervisor, 1);
  ASSERT_EQ(::kill(supervisor.pid(0), SIGSTOP), 0);
  // A script that starts another process, says its number, and ends without it.
  start(supervisor, script("parent", "sleep 100000 & echo $! >&$1"));
  std::optional<Descriptor> grandchild;
  SupervisorHandlers handlers;
  handlers.on_line = [&](ChildId, std::string_view line) {
    grandchild.emplace(open_process(std::stoi(std::string(line))));
  };
  handlers.on_exit = [&](const ChildExit&) { supervisor.stop(); };
  supervisor.run(handlers);
  ASSERT_TRUE(grandchild.has_value());
  if (*grandchild) {
    EXPECT_TRUE(ends_before_deadline(*grandchild));
  }
  EXPECT_EQ(supervisor.terminate_all(kDeadline).size(), 1U);
  EXPECT_TRUE(no_child_left());
}

TEST(Supervisor, LeavesNobodyBehindWhenAHandlerThrows) {
  Descriptor process;
  {
    Supervisor supervisor;
    start(supervisor, obedient("a"));
    process = open_process(supervisor.pid(0));
    SupervisorHandlers handlers;
    handlers.on_line = [](ChildId, std::string_view) { throw std::runtime_error("full disk"); };
    EXPECT_THROW(supervisor.run(handlers), std::runtime_error);
  }
  EXPECT_TRUE(ends_before_deadline(process));
  EXPECT_TRUE(no_child_left());
}

TEST(Supervisor, AHandlerMayEndEverybody) {
  Supervisor supervisor;
  start(supervisor, obedient("a"));
  start(supervisor, obedient("b"));
  std::vector<ChildExit> exits;
  SupervisorHandlers handlers;
  handlers.on_line = [&](ChildId, std::string_view) { exits = supervisor.terminate_all(kDeadline); };
  handlers.on_exit = [](const ChildExit& exit) { ADD_FAILURE() << exit.text; };
  supervisor.run(handlers);
  EXPECT_EQ(exits.size(), 2U);
}

TEST(Supervisor, AnInterruptGoesThroughToTheChildren) {
  Supervisor supervisor;
  for (const char* name : {"a", "b"}) start(supervisor, obedient(name));
  wait_for_lines(supervisor, 2);
  Record record;
  SupervisorHandlers handlers = recording(supervisor, record);
  std::vector<int> interrupts;
  handlers.on_interrupt = [&](int n) {
    interrupts.push_back(n);
    if (n == 1) ::kill(::getpid(), SIGTERM);
    if (n == 2) supervisor.broadcast("interrupt");
  };
  ASSERT_EQ(::kill(::getpid(), SIGINT), 0);
  supervisor.run(handlers);
  EXPECT_THAT(interrupts, ElementsAre(1, 2));
  EXPECT_THAT(record.lines, ::testing::UnorderedElementsAre("a: interrupted", "b: interrupted"));
  EXPECT_THAT(record.exits, ::testing::UnorderedElementsAre("a exited with code 0", "b exited with code 0"));
}

TEST(Supervisor, ChildrenAreInGroupsOfTheirOwn) {
  Supervisor supervisor;
  start(supervisor, obedient("a"));
  EXPECT_EQ(::getpgid(supervisor.pid(0)), supervisor.pid(0));
  EXPECT_NE(::getpgid(supervisor.pid(0)), ::getpgrp());
}

TEST(Supervisor, AChildThatReadsNoCommandsIsEnded) {
  Supervisor supervisor;
  start(supervisor, script("deaf", "sleep 100000"));
  const std::string line(60000, 'x');
  for (int i = 0; i < 200; ++i) supervisor.send_line(0, line);
  EXPECT_THAT(record_run(supervisor).exits, ElementsAre("deaf was ended: it does not read its commands"));
}

TEST(Supervisor, AChildHasItsOwnLinkOnlyAndAnEmptyInput) {
  const Descriptor leaked(
      ::open("/dev/null", O_RDONLY));  // as a library without close-on-exec would leave it
  Supervisor supervisor;
  start(supervisor, obedient("other"));
  wait_for_lines(supervisor, 1);
  start(supervisor, obedient("asked"));
  wait_for_lines(supervisor, 1);
  supervisor.send_line(1, "descriptors");
  // Standard streams, input at its end, and one more: its link.
  EXPECT_THAT(wait_for_lines(supervisor, 1), ElementsAre("4 open, 0 bytes of input"));
}

TEST(Supervisor, AppendsOutputToTheLogAndAddsToTheEnvironment) {
  std::string path = ::testing::TempDir() + "supervisor-log-XXXXXX";
  const Descriptor file(::mkstemp(path.data()));
  ASSERT_TRUE(file);
  ASSERT_EQ(::write(file.number(), "before\n", 7), 7);
  Supervisor supervisor;
  ChildSpec spec = script("a", "echo out $MERIDIAN_TEST_WORD; echo err $HOME >&2");
  spec.environment = {{"MERIDIAN_TEST_WORD", "added"}, {"HOME", "/replaced"}};
  spec.log_file = path;
  start(supervisor, spec);
  record_run(supervisor);
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  EXPECT_EQ(content.str(), "before\nout added\nerr /replaced\n");
  ::unlink(path.c_str());
}

TEST(Supervisor, ChildrenOfAKilledLauncherEndThemselves) {
  std::vector<Descriptor> processes;
  {
    Supervisor supervisor;
    start(supervisor, {"launcher", {TEST_LAUNCHER, "{launcher_fd}", OBEDIENT_CHILD}, {}, {}});
    std::istringstream words(wait_for_lines(supervisor, 1).front());
    std::string word;
    words >> word;
    ASSERT_EQ(word, "children");
    while (words >> word) processes.push_back(open_process(std::stoi(word)));
    ASSERT_EQ(processes.size(), 3U);
    for (const Descriptor& process : processes) {
      ASSERT_TRUE(process);
      pollfd waiting{process.number(), POLLIN, 0};
      ASSERT_EQ(::poll(&waiting, 1, 0), 0) << "ended too early";
    }
    ASSERT_EQ(::kill(supervisor.pid(0), SIGKILL), 0);
    EXPECT_THAT(record_run(supervisor).exits, ElementsAre("launcher was killed by signal 9 (SIGKILL)"));
  }
  for (const Descriptor& process : processes) EXPECT_TRUE(ends_before_deadline(process));
}

}  // namespace
}  // namespace meridian::program
