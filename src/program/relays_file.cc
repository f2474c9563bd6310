#include "src/program/relays_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "src/output/atomic_file.h"

namespace meridian::program {

using nlohmann::json;
using wan::emulator::Endpoint;
using wan::emulator::RelayDescription;

Failure write_relays(const std::filesystem::path& file, const std::vector<RelayDescription>& relays) {
  const auto endpoint = [](const Endpoint& at) { return json{{"host", at.host}, {"port", at.port}}; };
  json all = json::array();
  for (const RelayDescription& relay : relays) {
    all.push_back({{"listen", endpoint(relay.listen)},
                   {"target", endpoint(relay.target)},
                   {"forward_link", relay.forward_link},
                   {"backward_link", relay.backward_link}});
  }
  return output::write_text_atomically(file, all.dump(1) + "\n");
}

Result<std::vector<RelayDescription>> read_relays(const std::filesystem::path& file) {
  constexpr std::size_t kMostBytes = 64 * 1024 * 1024;
  const Result<std::string> text = output::read_text(file, kMostBytes);
  if (!text) return text.error();
  std::vector<RelayDescription> relays;
  try {
    const auto endpoint = [](const json& at) { return Endpoint{at.at("host"), at.at("port")}; };
    for (const json& relay : json::parse(text.value())) {
      relays.push_back({endpoint(relay.at("listen")), endpoint(relay.at("target")), relay.at("forward_link"),
                        relay.at("backward_link")});
    }
  } catch (const json::exception& error) {
    return Error{fmt::format("{}: not a file of relays: {}", file.string(), error.what())};
  }
  return relays;
}

}  // namespace meridian::program
