// A folder of its own for one test, and the small configurations that tests run: generated data, a linear
// model, computations of a few milliseconds, so that a whole run takes about a second.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace meridian::integration {

/// Made empty; removed in the end, together with whatever process still runs in it.
class Workspace {
 public:
  Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace();

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

  /// Writes a file of this folder and gives its path.
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path folder_;
};

struct TestDatacenter {
  std::string name;
  int workers = 1;
  std::vector<int> server_ports;  ///< of `node`, one for each server
  int servers = 2;
};

/// What the tests' configurations differ in; everything else goes by --set.
struct TestConfig {
  std::string mode = "gaia";
  std::string stop = "{clocks: 30}";
  std::vector<TestDatacenter> datacenters = {{"east", 1, {}, 2}, {"west", 1, {}, 2}};

  std::string yaml() const;
};

/// A run that goes on until something ends it.
inline constexpr const char* kEndless = "{clocks: 1000000}";

TestConfig three_datacenters();

/// `count` runs of four ports in a row at which nobody listens.
std::vector<int> free_port_blocks(std::size_t count);

/// The whole content; empty where there is no such file.
std::string read_file(const std::filesystem::path& file);

/// A JSON file; null, which fails whatever is asked of it, where it is none.
nlohmann::json read_json(const std::filesystem::path& file);

/// One JSON value for each line.
std::vector<nlohmann::json> read_json_lines(const std::filesystem::path& file);

/// Whether that datacenter's first server has measured its replica: the run is well under way.
bool has_measured(const std::filesystem::path& run_folder, const std::string& datacenter);

}  // namespace meridian::integration
