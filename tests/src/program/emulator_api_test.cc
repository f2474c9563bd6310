// Goal: the HTTP API lists the links, changes one, applies events and refuses everything else with a reason.
// How: a real server on a free port, asked by a real client.
#include "src/program/emulator_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <nlohmann/json.hpp>
#include <thread>

namespace meridian::program {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using wan::emulator::Emulator;

class EmulatorApiTest : public ::testing::Test {
 protected:
  EmulatorApiTest() {
    const auto emulation = read_emulation_text(
        "links: {pairs: [{between: [here, there], bandwidth_mbps: 8, rtt_ms: 20, jitter: {normal_ms: 2}}]}\n"
        "relays: [{from: here, to: there, listen: \"127.0.0.1:0\", target: \"127.0.0.1:9\"}]\n",
        "x.yaml", {}, [](const std::string&) { return std::nullopt; });
    links_ = emulated_links(emulation.value());
    emulator_ = std::move(Emulator::create(links_.description)).value();
    thread_ = std::jthread([this] { emulator_->run(); });
    api_ = std::move(EmulatorApi::create({"127.0.0.1", 0}, links_, *emulator_)).value();
    client_.emplace(api_->url());
    client_->set_read_timeout(30);
  }
  ~EmulatorApiTest() override {
    api_.reset();
    emulator_->stop();
  }

  json link(const std::string& path = "/links/here/there") {
    const auto response = client_->Get(path);
    EXPECT_TRUE(response);
    EXPECT_EQ(response->status, 200);
    return json::parse(response->body);
  }

  EmulatedLinks links_;
  std::unique_ptr<Emulator> emulator_;
  std::jthread thread_;
  std::unique_ptr<EmulatorApi> api_;
  std::optional<httplib::Client> client_;
};

TEST_F(EmulatorApiTest, ListsTheLinks) {
  const json all = link("/links");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0]["from"], "here");
  EXPECT_EQ(all[0]["bandwidth_mbps"], 8);
  EXPECT_EQ(all[0]["delay_ms"], 10);
  EXPECT_EQ(all[0]["jitter"]["normal_ms"], 2);
  EXPECT_EQ(link("/links/there/here"), all[1]);
}

TEST_F(EmulatorApiTest, ChangesOneLink) {
  const auto response = client_->Patch(
      "/links/here/there", R"({"bandwidth_mbps": 3, "rtt_ms": 50, "loss": 0.01})", "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200) << response->body;
  const json changed = link();
  EXPECT_EQ(json::parse(response->body), changed);
  EXPECT_EQ(changed["bandwidth_mbps"], 3);
  EXPECT_EQ(changed["delay_ms"], 25);
  EXPECT_EQ(changed["loss"], 0.01);
  EXPECT_EQ(link("/links/there/here")["bandwidth_mbps"], 8);
}

TEST_F(EmulatorApiTest, AppliesEvents) {
  const auto post = [&](const std::string& event) {
    const auto response = client_->Post("/events", event, "application/json");
    EXPECT_TRUE(response);
    EXPECT_EQ(response->status, 200) << response->body;
    return json::parse(response->body);
  };
  EXPECT_EQ(post(R"({"action": "cut", "between": ["here", "there"]})")["links"].size(), 2U);
  EXPECT_EQ(link()["cut"], true);
  post(R"({"action": "restore", "datacenter": "here"})");
  EXPECT_EQ(link()["cut"], false);
  post(R"({"action": "degrade", "from": "here", "to": "there", "bandwidth_factor": 0.5})");
  EXPECT_EQ(link()["bandwidth_mbps"], 4);
  EXPECT_EQ(link()["degraded"], true);
}

TEST_F(EmulatorApiTest, RefusesWithAReason) {
  const auto expect = [](const httplib::Result& response, int status, const std::string& reason) {
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, status);
    EXPECT_THAT(json::parse(response->body)["error"].get<std::string>(), HasSubstr(reason));
  };
  expect(client_->Get("/links/here/nowhere"), 404, "there is no link here -> nowhere");
  expect(client_->Get("/nothing"), 404, "cannot GET /nothing");
  expect(client_->Patch("/links/here/there", R"({"bandwidth_mbps": -3})", "application/json"), 400,
         "request:1:20: bandwidth_mbps is '-3'; expected a number above 0");
  expect(client_->Patch("/links/here/there", "{}", "application/json"), 400, "changes nothing");
  expect(client_->Post("/events", R"({"action": "cut", "datacenter": "moon"})", "application/json"), 400,
         "moon");
  expect(client_->Post("/events", "\xff\xfe{", "application/json"), 400, "request:");
  EXPECT_EQ(link()["bandwidth_mbps"], 8);
}

TEST_F(EmulatorApiTest, TakesNoLongRequests) {
  const auto response = client_->Post("/events", std::string(200'000, ' '), "application/json");
  EXPECT_TRUE(!response || response->status == 413);
  EXPECT_EQ(link()["cut"], false) << "and goes on";
}

TEST_F(EmulatorApiTest, GivesPrometheusItsMetrics) {
  const auto response = client_->Get("/metrics");
  ASSERT_TRUE(response);
  EXPECT_THAT(response->body, HasSubstr("# TYPE meridian_emulator_link_bytes_total counter\n"));
  EXPECT_THAT(
      response->body,
      HasSubstr("meridian_emulator_link_rate_bytes_per_second{from=\"here\",to=\"there\"} 1000000\n"));
  EXPECT_THAT(response->body, HasSubstr("meridian_emulator_link_cut{from=\"there\",to=\"here\"} 0\n"));
}

TEST_F(EmulatorApiTest, APortInUseIsNamed) {
  const std::string& url = api_->url();
  const int port = std::stoi(url.substr(url.rfind(':') + 1));
  const auto second =
      EmulatorApi::create({"127.0.0.1", static_cast<std::uint16_t>(port)}, links_, *emulator_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message,
              HasSubstr("the API cannot listen at 127.0.0.1:" + std::to_string(port)));
}

}  // namespace
}  // namespace meridian::program
