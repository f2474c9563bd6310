#include "src/monitoring/targets_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "src/output/atomic_file.h"
#include "src/output/run_folder.h"

namespace meridian::monitoring {
namespace {

constexpr std::size_t kLargestFile = std::size_t{4} << 20;

}  // namespace

Failure write_targets(const std::filesystem::path& file, const std::vector<TargetGroup>& groups) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const TargetGroup& group : groups)
    json.push_back({{"targets", group.addresses}, {"labels", group.labels}});
  if (file.has_parent_path()) {
    if (Failure failure = output::make_folder(file.parent_path())) return failure;
  }
  return output::write_text_atomically(file, json.dump(1) + "\n");
}

Result<std::vector<TargetGroup>> read_targets(const std::filesystem::path& file) {
  const Result<std::string> text = output::read_text(file, kLargestFile);
  if (!text) return text.error();
  const auto wrong = [&](const char* what) {
    return Error{
        fmt::format(R"({}: {}; expected a list of {{"targets": ["HOST:PORT", ...], "labels": {{...}}}})",
                    file.string(), what)};
  };
  const nlohmann::json json = nlohmann::json::parse(text.value(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_array()) return wrong("is no JSON list");
  std::vector<TargetGroup> groups;
  for (const nlohmann::json& entry : json) {
    if (!entry.is_object() || !entry.contains("targets")) return wrong("has an entry without targets");
    try {
      groups.push_back({entry.at("targets"), entry.value("labels", std::map<std::string, std::string>())});
    } catch (const nlohmann::json::exception&) {
      return wrong("has an entry of another form");
    }
  }
  return groups;
}

}  // namespace meridian::monitoring
