#include "tests/integration/workspace.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>

#include "src/program/descriptor.h"
#include "tests/integration/program_under_test.h"

namespace meridian::integration {
namespace {

bool is_free(int port) {
  const program::Descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return ::bind(probe.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

Workspace::Workspace() {
  std::string path = (std::filesystem::temp_directory_path() / "meridian-test-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp: " + path);
  folder_ = path;
}

Workspace::~Workspace() {
  for (const auto& [role, pid] : processes_of(folder_)) ::kill(pid, SIGKILL);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Workspace::write(const std::string& name, const std::string& text) const {
  std::filesystem::create_directories((folder_ / name).parent_path());
  std::ofstream(folder_ / name) << text;
  return folder_ / name;
}

std::string TestConfig::yaml() const {
  std::ostringstream text;
  text << "name: small\n"
          "workload:\n"
          "  model: softmax\n"
          "  data: {format: generated, generated_train: 2000, generated_test: 500}\n"
          "  optimizer: {learning_rate: 0.05}\n"
          "  batch: 20\n"
          "  evaluate_every: 5\n"
          "  compute: {seconds_per_clock: 0.005, spread: 0.2, seconds_per_evaluation: 0.002}\n"
          "  stop: "
       << stop << "\ndatacenters:\n";
  for (const TestDatacenter& datacenter : datacenters) {
    text << "  - {name: " << datacenter.name << ", workers: " << datacenter.workers
         << ", servers: " << datacenter.servers;
    for (std::size_t i = 0; i < datacenter.server_ports.size(); ++i) {
      text << (i == 0 ? ", hosts: [" : ", ") << "\"127.0.0.1:" << datacenter.server_ports[i] << "\"";
    }
    text << (datacenter.server_ports.empty() ? "}\n" : "]}\n");
  }
  text << "wan:\n"
          "  mode: "
       << mode
       << "\n"
          "  links: {default: {bandwidth_mbps: 50, rtt_ms: 10}}\n"
          "  parameters: {v0: 0.1, ds: 2}\n"
          "  deadlines: {start_s: 60, silence_s: 60, drain_s: 60}\n";
  return text.str();
}

TestConfig three_datacenters() {
  TestConfig config;
  config.datacenters = {{"east", 2, {}, 1}, {"west", 1, {}, 2}, {"south", 1, {}, 1}};
  return config;
}

std::vector<int> free_port_blocks(std::size_t count) {
  // Below those that `meridian run`, which other tests use at the same time, gives to its processes.
  constexpr int kLowest = 2048;
  constexpr int kBlocks = 2048;
  constexpr int kTries = 10000;
  std::random_device random;
  std::set<int> found;
  for (int tries = 0; found.size() < count && tries < kTries; ++tries) {
    const int port = kLowest + 4 * static_cast<int>(random() % kBlocks);
    if (is_free(port) && is_free(port + 1) && is_free(port + 2) && is_free(port + 3)) found.insert(port);
  }
  if (found.size() < count) throw std::runtime_error("no free ports on 127.0.0.1");
  return {found.begin(), found.end()};
}

std::string read_file(const std::filesystem::path& file) {
  std::ostringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  return content.str();
}

nlohmann::json read_json(const std::filesystem::path& file) {
  return nlohmann::json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
}

std::vector<nlohmann::json> read_json_lines(const std::filesystem::path& file) {
  std::istringstream text(read_file(file));
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(text, line);) {
    lines.push_back(nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false));
  }
  return lines;
}

bool has_measured(const std::filesystem::path& run_folder, const std::string& datacenter) {
  return !read_file(run_folder / (datacenter + "-server-0") / "timeline.jsonl").empty();
}

}  // namespace meridian::integration
