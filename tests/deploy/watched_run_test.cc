// Goal: Prometheus, set up as deploy/monitoring says, sees a real run: every expression of every panel, of
// consoles and dashboards alike, returns data; when a link is cut the matching alert is pending and then
// fires. How: three datacenters in real processes, a Prometheus of the test's own that looks once a second,
// and the emulator's HTTP API. Skipped where Prometheus is not installed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/deploy/monitored_expressions.h"
#include "tests/integration/program_under_test.h"
#include "tests/integration/workspace.h"

namespace meridian::deploy {
namespace {

namespace fs = std::filesystem;
using integration::ProgramUnderTest;
using integration::Workspace;
using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr auto kDeadline = 120s;
constexpr auto kLook = 500ms;

/// A Prometheus on 127.0.0.1; it ends with this.
class Prometheus {
 public:
  Prometheus(const fs::path& config, const fs::path& folder, int port) : port_(port) {
    const std::vector<std::string> arguments = {"prometheus", "--config.file=" + config.string(),
                                                "--storage.tsdb.path=" + (folder / "database").string(),
                                                fmt::format("--web.listen-address=127.0.0.1:{}", port),
                                                "--log.level=warn"};
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ != 0) return;
    const std::string log = (folder / "prometheus.log").string();
    if (std::freopen(log.c_str(), "w", stdout) != nullptr && ::dup2(STDOUT_FILENO, STDERR_FILENO) >= 0)
      ::execvp(argv.front(), argv.data());
    ::_exit(127);
  }
  ~Prometheus() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Prometheus(const Prometheus&) = delete;
  Prometheus& operator=(const Prometheus&) = delete;

  /// An answer of its API; null where there is none.
  nlohmann::json get(const std::string& path, const httplib::Params& parameters) const {
    httplib::Client client("127.0.0.1", port_);
    client.set_read_timeout(10s);
    const auto answer = client.Get(path, parameters, httplib::Headers());
    if (!answer) return nullptr;
    return nlohmann::json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
  }

  bool has_data(const std::string& expression) const {
    const nlohmann::json answer = get("/api/v1/query", {{"query", expression}});
    return answer.is_object() && answer.value("status", "") == "success" && !answer["data"]["result"].empty();
  }

  /// "pending" or "firing", or nothing.
  std::string state_of(const std::string& alert) const {
    const nlohmann::json answer = get("/api/v1/alerts", {});
    if (!answer.is_object() || !answer.contains("data")) return {};
    std::string state;
    for (const nlohmann::json& one : answer["data"]["alerts"]) {
      if (one["labels"]["alertname"] == alert) state = one["state"];
    }
    return state;
  }

 private:
  pid_t pid_ = 0;
  int port_;
};

/// deploy/monitoring with looks once a second, in `folder`. What an alert means stays as it is.
fs::path hurried(const fs::path& monitoring, const fs::path& folder) {
  fs::copy(monitoring / "rules", folder / "rules");
  fs::create_directories(folder / "targets");
  std::ifstream original(monitoring / "prometheus.yml");
  std::string text{std::istreambuf_iterator<char>(original), {}};
  text = std::regex_replace(text, std::regex("(scrape|evaluation)_interval: 5s"), "$1_interval: 1s");
  text = std::regex_replace(text, std::regex("refresh_interval: 30s"), "refresh_interval: 1s");
  std::ofstream(folder / "prometheus.yml") << text;
  return folder / "prometheus.yml";
}

/// The panels' expressions, each with all that may stand for its placeholders.
std::vector<std::pair<std::string, std::vector<std::string>>> panels(const fs::path& monitoring) {
  std::vector<std::pair<std::string, std::vector<std::string>>> found;
  for (const MonitoredExpression& expression : monitored_expressions(monitoring)) {
    if (expression.where.starts_with("alerts.yml")) continue;
    std::vector<std::string> texts;
    // What counts only what is wrong has nothing to count here; as a truth value a comparison has data.
    const std::string text = std::regex_replace(expression.text, std::regex(" == 0"), " == bool 0");
    for (const char* const other : {"west", "east", "south", "0"})
      texts.push_back(filled(text, {"small", "east", other}));
    found.emplace_back(expression.where, std::move(texts));
  }
  return found;
}

TEST(WatchedRun, EveryPanelHasDataAndACutLinkIsCalled) {
  if (std::system("command -v prometheus > /dev/null") != 0)
    GTEST_SKIP() << "Prometheus is not installed (Debian's package prometheus)";
  const char* const source = std::getenv("MERIDIAN_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  const fs::path monitoring = fs::path(source) / "deploy" / "monitoring";
  const Workspace work;
  const fs::path config = hurried(monitoring, work.folder());
  integration::TestConfig endless = integration::three_datacenters();
  endless.stop = integration::kEndless;
  const std::string yaml = work.write("config.yaml", endless.yaml());
  ProgramUnderTest run({"run", yaml, "--out", work / "out", "--set",
                        "metrics.targets=" + (work.folder() / "targets" / "run.json").string(), "--set",
                        "wan.on_silence=wait", "--set", "workload.stop.target=1", "--set",
                        "workload.evaluate_every=50", "--set",
                        "wan.links={default: {bandwidth_mbps: 50, rtt_ms: 10}, prices: {dated: 2026-01-31, "
                        "source: a test, currency: "
                        "EUR, default: {egress_per_gb: 0.1, machine_per_hour: 2}}}"});
  const Prometheus prometheus(config, work.folder(), integration::free_port_blocks(1).front());

  // The list of alerts has something to show once there is one; everything else has by then.
  auto unanswered = panels(monitoring);
  ASSERT_GT(unanswered.size(), 100U);
  const auto look = [&] {
    std::erase_if(unanswered, [&](const auto& panel) {
      return std::any_of(panel.second.begin(), panel.second.end(),
                         [&](const std::string& text) { return prometheus.has_data(text); });
    });
  };
  const auto is_about_alerts = [](const auto& panel) {
    return panel.second.front().find("ALERTS") != std::string::npos;
  };
  const auto told = [&] {
    std::string text;
    for (const auto& [where, texts] : unanswered) text += where + ": " + texts.front() + "\n";
    return text;
  };
  auto deadline = std::chrono::steady_clock::now() + kDeadline;
  for (look(); !std::all_of(unanswered.begin(), unanswered.end(), is_about_alerts); look()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "without data:\n" << told() << run.err();
    std::this_thread::sleep_for(kLook);
  }

  EXPECT_EQ(prometheus.state_of("MeridianDatacenterSilent"), "");
  std::string emulator = integration::read_file(work / "out" / "emulator" / "address");
  emulator.erase(emulator.find_last_not_of('\n') + 1);
  const auto cut = httplib::Client(emulator).Post(
      "/events", R"({"action": "cut", "between": ["east", "west"]})", "application/json");
  ASSERT_TRUE(cut);
  ASSERT_EQ(cut->status, 200) << cut->body;
  bool was_pending = false;
  deadline = std::chrono::steady_clock::now() + kDeadline;
  for (std::string state; state != "firing"; state = prometheus.state_of("MeridianDatacenterSilent")) {
    was_pending = was_pending || state == "pending";
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the alert is '" << state << "'";
    std::this_thread::sleep_for(100ms);
  }
  EXPECT_TRUE(was_pending);
  look();
  EXPECT_THAT(told(), IsEmpty()) << "without data";
}

}  // namespace
}  // namespace meridian::deploy
