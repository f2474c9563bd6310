// Goal: `meridian node` makes one deployment out of processes that people start by hand, in any order, from
// one file; who does not belong is refused and told why, who is missing is named, and what strangers send
// does no harm. Reached with a 2-datacenter deployment on this machine's own ports, one process at a time.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#include "tests/integration/program_under_test.h"
#include "tests/integration/run_files_check.h"
#include "tests/integration/workspace.h"

namespace meridian::integration {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// A deployment: one file, and its processes by name.
class NodeByNode : public ::testing::Test {
 protected:
  NodeByNode() : ports_(free_port_blocks(3)) {
    shape_.datacenters = {{"east", 1, {ports_[0], ports_[1]}, 2}, {"west", 1, {ports_[2]}, 1}};
  }

  void write_config() { config_ = work_.write("deployment.yaml", shape_.yaml()); }

  void start(const std::string& datacenter, const std::string& role, int index,
             const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"node", config_,   "--datacenter",        datacenter, "--role",
                                      role,   "--index", std::to_string(index), "--out",    out()};
    words.insert(words.end(), more.begin(), more.end());
    nodes_[datacenter + "-" + role + "-" + std::to_string(index)] = std::make_unique<ProgramUnderTest>(words);
  }

  /// All of them but one, in an order that nobody would choose.
  void start_all_but(const std::string& missing, const std::vector<std::string>& more = {}) {
    if (missing != "west-worker-0") start("west", "worker", 0, more);
    if (missing != "east-server-1") start("east", "server", 1, more);
    start("west", "server", 0, more);
    start("east", "worker", 0, more);
    start("east", "server", 0, more);
  }
  void start_all() { start_all_but(""); }

  ProgramUnderTest& node(const std::string& name) { return *nodes_.at(name); }
  std::filesystem::path out() const { return work_ / "out"; }

  /// What every process wrote to stderr, for a failed expectation.
  std::string all_errors() const {
    std::string text;
    for (const auto& [name, program] : nodes_) text += name + ": " + program->err() + "\n";
    return text;
  }

  void expect_all_end_well() {
    for (const auto& [name, program] : nodes_) {
      const auto ended = program->wait();
      ASSERT_TRUE(ended) << name << " still runs\n" << all_errors();
      EXPECT_EQ(ended->code, 0) << name << ": " << ended->err;
      EXPECT_TRUE(std::filesystem::exists(out() / name / "config.yaml")) << name;
      EXPECT_TRUE(std::filesystem::exists(out() / name / "log")) << name;
    }
  }

  Workspace work_;
  std::vector<int> ports_;
  TestConfig shape_;
  std::string config_;
  std::map<std::string, std::unique_ptr<ProgramUnderTest>> nodes_;
};

TEST_F(NodeByNode, ADeploymentStartedInAnyOrderTrainsAndReports) {
  write_config();
  start_all();
  expect_all_end_well();
  for (const char* datacenter : {"east", "west"}) {
    const json part = read_json(out() / (std::string(datacenter) + "-server-0") / "summary.json");
    ASSERT_TRUE(part.is_object()) << datacenter;
    EXPECT_EQ(part["datacenters"].size(), 1U);
    EXPECT_EQ(part["datacenters"][0]["name"], datacenter);
    EXPECT_TRUE(part["objective"]["final"].is_number());
    EXPECT_TRUE(
        std::filesystem::exists(out() / (std::string(datacenter) + "-server-0") / "model.safetensors"));
  }
  EXPECT_FALSE(std::filesystem::exists(out() / "summary.json"));
  for (int times = 0; times < 2; ++times) {
    const Ended report = run_meridian({"report", out()});
    ASSERT_EQ(report.code, 0) << report.err;
    EXPECT_THAT(report.out, HasSubstr("gaia"));
    // The parts may be newer than what an earlier report made of them.
    if (times == 0) std::ofstream(out() / "summary.json") << "an earlier one";
  }
  expect_summary_keys(out());
  const json summary = read_json(out() / "summary.json");
  EXPECT_EQ(summary["stop_reason"], "clocks");
  EXPECT_EQ(summary["clocks"], 30);
  EXPECT_EQ(summary["datacenters"].size(), 2U);
  EXPECT_EQ(summary["wan"]["links"].size(), 2U);
  ASSERT_TRUE(summary["replicas"]["max_relative_difference_after_drain"].is_number());
  EXPECT_LE(summary["replicas"]["max_relative_difference_after_drain"], 1e-5);
}

TEST_F(NodeByNode, AnotherConfigurationIsRefusedByItsKey) {
  shape_.stop = kEndless;
  write_config();
  start_all_but("west-worker-0", {"--set", "wan.deadlines.start_s=3"});
  start("west", "worker", 0, {"--set", "workload.batch=21", "--set", "wan.deadlines.start_s=3"});
  const auto refused = node("west-worker-0").wait();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, 1);
  EXPECT_THAT(refused->err, AllOf(HasSubstr("another configuration"), HasSubstr("workload.batch"),
                                  HasSubstr("20"), HasSubstr("21")));
  for (const char* name : {"west-server-0", "east-server-0", "east-server-1", "east-worker-0"}) {
    const auto ended = node(name).wait();
    ASSERT_TRUE(ended) << name;
    EXPECT_EQ(ended->code, 1) << name;
    EXPECT_NE(ended->err, "") << name;
  }
  EXPECT_THAT(node("west-server-0").err(), HasSubstr("west-worker-0"));
}

TEST_F(NodeByNode, OtherDataAreRefused) {
  shape_.stop = kEndless;
  write_config();
  std::string ratings;
  for (int user = 1; user <= 20; ++user) {
    for (int item = 1; item <= 10; ++item)
      ratings += std::to_string(user) + " " + std::to_string(item) + " 3\n";
  }
  const auto with_data = [this](const std::string& name, const std::string& content) {
    return std::vector<std::string>{
        "--set", "wan.deadlines.start_s=3",
        "--set", "workload.model=matrix_factorisation",
        "--set", "workload.data={format: ratings, path: " + work_.write(name, content) + "}"};
  };
  start_all_but("west-worker-0", with_data("ratings", ratings));
  start("west", "worker", 0, with_data("other-ratings", ratings + "20 11 3\n"));
  const auto refused = node("west-worker-0").wait();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, 1);
  EXPECT_THAT(refused->err, HasSubstr("workload.data.contents is '"));
  for (const char* name : {"west-server-0", "east-server-0", "east-server-1", "east-worker-0"}) {
    const auto ended = node(name).wait();
    ASSERT_TRUE(ended) << name;
    EXPECT_EQ(ended->code, 1) << name;
  }
}

TEST_F(NodeByNode, AMissingProcessIsNamed) {
  write_config();
  start_all_but("east-server-1", {"--set", "wan.deadlines.start_s=1"});
  for (const char* name : {"east-server-0", "west-server-0", "east-worker-0"}) {
    const auto ended = node(name).wait();
    ASSERT_TRUE(ended) << name;
    EXPECT_EQ(ended->code, 1) << name;
    EXPECT_THAT(ended->err, HasSubstr("east-server-1")) << name;
  }
  const auto worker = node("west-worker-0").wait();
  ASSERT_TRUE(worker);
  EXPECT_EQ(worker->code, 1);
}

TEST_F(NodeByNode, ARestartedWorkerIsRefusedByName) {
  shape_.stop = kEndless;
  write_config();
  const std::vector<std::string> deadline = {"--set", "wan.deadlines.start_s=5"};
  start_all_but("", deadline);
  ASSERT_TRUE(node("west-server-0").wait_until([&] { return has_measured(out(), "west"); })) << all_errors();
  nodes_.erase("west-worker-0");  // killed without a word
  // Whom it asks has ended the run by then, or ends it now: it waits no longer than the start deadline.
  start("west", "worker", 0, {"--overwrite", "--set", "wan.deadlines.start_s=5"});
  for (const auto& [name, program] : nodes_) {
    const auto ended = program->wait();
    ASSERT_TRUE(ended) << name << " still runs\n" << all_errors();
    EXPECT_EQ(ended->code, 1) << name;
  }
  EXPECT_THAT(node("west-server-0").err(), AllOf(HasSubstr("west-worker-0"), HasSubstr("restarted")));
}

TEST_F(NodeByNode, AnInterruptOfOneEndsAllInGoodOrder) {
  shape_.stop = kEndless;
  write_config();
  start_all();
  ASSERT_TRUE(node("west-server-0").wait_until([&] {
    return has_measured(out(), "west") && has_measured(out(), "east");
  })) << all_errors();
  node("east-server-0").send_signal(SIGINT);
  for (const char* name : {"east-server-0", "west-server-0"}) {
    const auto ended = node(name).wait();
    ASSERT_TRUE(ended) << name << " still runs\n" << all_errors();
    EXPECT_EQ(ended->code, 1) << name << ": " << ended->err;
    const json part = read_json(out() / name / "summary.json");
    ASSERT_TRUE(part.is_object());
    EXPECT_EQ(part["stop_reason"], "interrupted") << name;
    EXPECT_TRUE(part["objective"]["final"].is_number()) << name;
  }
}

/// A TCP client that says nothing anybody expects.
void send_garbage(int port, unsigned seed) {
  const program::Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ASSERT_EQ(::connect(client.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0)
      << port;
  std::mt19937 random(seed);
  std::string bytes(20000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  // One in two begins as ZeroMQ does, and goes on as nobody does.
  if (seed % 2 == 0) bytes.replace(0, 12, std::string("\xff\0\0\0\0\0\0\0\x01\x7f\x03\0", 12));
  // The other side may close at any point of it.
  [[maybe_unused]] const ssize_t sent = ::send(client.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

TEST_F(NodeByNode, GarbageFromStrangersDoesNoHarm) {
  shape_.stop = "{clocks: 150}";
  write_config();
  start_all();
  ASSERT_TRUE(node("west-server-0").wait_until([&] { return has_measured(out(), "west"); })) << all_errors();
  unsigned seed = 0;
  for (int round = 0; round < 4; ++round) {
    for (const int port : ports_) {
      for (int offset = 0; offset < 4; ++offset) send_garbage(port + offset, seed++);
    }
  }
  expect_all_end_well();
  EXPECT_EQ(read_json(out() / "east-server-0" / "summary.json")["stop_reason"], "clocks");
}

TEST_F(NodeByNode, WhatIsWrongWithTheArgumentsIsSaid) {
  write_config();
  struct Case {
    std::vector<std::string> words;
    const char* said;
  };
  const std::vector<Case> cases = {
      {{"--datacenter", "tokyo", "--role", "worker"}, "expected one of east, west"},
      {{"--datacenter", "east", "--role", "server", "--index", "2"}, "east has 2 servers"},
      {{"--datacenter", "east", "--role", "scheduler"}, "--role"},
      {{"--role", "server"}, "--datacenter"},
      {{"--datacenter", "east", "--role", "worker", "--set", "datacenters.east.hosts=[]"}, "hosts"},
  };
  for (const Case& tested : cases) {
    std::vector<std::string> words = {"node", config_, "--out", out()};
    words.insert(words.end(), tested.words.begin(), tested.words.end());
    const Ended ended = run_meridian(words);
    EXPECT_EQ(ended.code, 2) << tested.said;
    EXPECT_THAT(ended.err, HasSubstr(tested.said));
  }
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(NodeByNode, APortInUseIsNamed) {
  write_config();
  const program::Descriptor taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(ports_[2] + 2));
  ASSERT_EQ(::bind(taken.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(taken.number(), 1), 0);
  start("west", "server", 0);
  const auto ended = node("west-server-0").wait();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 1);
  EXPECT_THAT(ended->err,
              AllOf(HasSubstr(std::to_string(ports_[2] + 2)), HasSubstr("Address already in use")));
}

}  // namespace
}  // namespace meridian::integration
