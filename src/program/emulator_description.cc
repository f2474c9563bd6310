#include "src/program/emulator_description.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "src/output/atomic_file.h"

namespace meridian::program {

using nlohmann::json;
using wan::emulator::Description;
using wan::emulator::Endpoint;

Failure write_emulator_description(const std::filesystem::path& file, const Description& description) {
  json links = json::array();
  for (const auto& link : description.links) {
    links.push_back({{"from", link.from},
                     {"to", link.to},
                     {"bytes_per_s", link.rate_bytes_per_s},
                     {"delay_ns", link.delay.count()}});
  }
  const auto endpoint = [](const Endpoint& at) { return json{{"host", at.host}, {"port", at.port}}; };
  json relays = json::array();
  for (const auto& relay : description.relays) {
    relays.push_back({{"listen", endpoint(relay.listen)},
                      {"target", endpoint(relay.target)},
                      {"forward_link", relay.forward_link},
                      {"backward_link", relay.backward_link}});
  }
  const json all = {
      {"links", links}, {"relays", relays}, {"connect_deadline_ns", description.connect_deadline.count()}};
  return output::write_text_atomically(file, all.dump(1) + "\n");
}

Result<Description> read_emulator_description(const std::filesystem::path& file) {
  constexpr std::size_t kMostBytes = 64 * 1024 * 1024;
  const Result<std::string> text = output::read_text(file, kMostBytes);
  if (!text) return text.error();
  Description description;
  try {
    const json all = json::parse(text.value());
    for (const json& link : all.at("links")) {
      description.links.push_back({link.at("from"), link.at("to"), link.at("bytes_per_s"),
                                   Time(link.at("delay_ns").get<std::int64_t>())});
    }
    const auto endpoint = [](const json& at) { return Endpoint{at.at("host"), at.at("port")}; };
    for (const json& relay : all.at("relays")) {
      description.relays.push_back({endpoint(relay.at("listen")), endpoint(relay.at("target")),
                                    relay.at("forward_link"), relay.at("backward_link")});
    }
    description.connect_deadline = Time(all.at("connect_deadline_ns").get<std::int64_t>());
  } catch (const json::exception& error) {
    return Error{fmt::format("{}: not an emulator description: {}", file.string(), error.what())};
  }
  return description;
}

}  // namespace meridian::program
