// Goal: `meridian emulate` relays any TCP program, says what it does and what it carried, ends on Ctrl-C, and
// refuses what it cannot do before anything is started.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/integration/program_under_test.h"
#include "tests/integration/workspace.h"
#include "tests/wan/emulator/tcp_socket.h"

namespace meridian::integration {
namespace {

using ::testing::HasSubstr;
using wan::emulator::TcpSocket;

std::string yaml(int listen, int target, const std::string& more = "") {
  return fmt::format(
      "links: {{pairs: [{{between: [here, there], bandwidth_mbps: 80, rtt_ms: 4}}]}}\n"
      "relays: [{{from: here, to: there, listen: \"127.0.0.1:{}\", target: \"127.0.0.1:{}\"}}]\n{}",
      listen, target, more);
}

TEST(Emulate, RelaysAndTellsWhatItCarried) {
  const Workspace work;
  TcpSocket server = TcpSocket::listening();
  const int port = free_port_blocks(1).front();
  const std::string config = work.write("emulate.yaml", yaml(port, server.port(), "api: \"127.0.0.1:0\"\n"));
  ProgramUnderTest emulate({"emulate", config});
  ASSERT_TRUE(emulate.wait_until([&] { return emulate.out().find("relaying") != std::string::npos; }))
      << emulate.err();
  EXPECT_THAT(emulate.out(), HasSubstr("80 Mb/s, 4 ms"));
  EXPECT_THAT(emulate.out(),
              HasSubstr(fmt::format("127.0.0.1:{} in here -> 127.0.0.1:{} in there", port, server.port())));
  EXPECT_THAT(emulate.out(), HasSubstr("links, events and metrics at http://127.0.0.1:"));

  TcpSocket client = TcpSocket::connected(static_cast<std::uint16_t>(port));
  TcpSocket accepted = server.accept();
  client.send(std::string("question"));
  EXPECT_EQ(accepted.receive_all(8), "question");
  accepted.send(std::string("answer"));
  EXPECT_EQ(client.receive_all(6), "answer");

  emulate.send_signal(SIGINT);
  const auto ended = emulate.wait();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 0);
  EXPECT_THAT(ended->out, HasSubstr("here -> there: 0.000 MB over 1 connection\n"));
}

TEST(Emulate, APortInUseIsRefusedByItsAddress) {
  const Workspace work;
  TcpSocket taken = TcpSocket::listening();
  const std::string config = work.write("emulate.yaml", yaml(taken.port(), 9));
  const Ended ended = run_meridian({"emulate", config});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr(fmt::format("listening at 127.0.0.1:{}", taken.port())));
  EXPECT_THAT(ended.err, HasSubstr("expected a free port"));
  EXPECT_EQ(ended.out, "");
  const std::string api =
      work.write("api.yaml", yaml(0, 9, fmt::format("api: \"127.0.0.1:{}\"\n", taken.port())));
  const Ended refused = run_meridian({"emulate", api});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr(fmt::format("the API cannot listen at 127.0.0.1:{}", taken.port())));
}

TEST(Emulate, ABadFileIsRefusedWithItsPlace) {
  const Workspace work;
  const std::string config = work.write("emulate.yaml", yaml(0, 9, "events: []\n"));
  const Ended ended = run_meridian({"emulate", config});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("emulate.yaml:3:1: unknown key 'events'"));
}

}  // namespace
}  // namespace meridian::integration
