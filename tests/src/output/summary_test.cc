// Goal: summary.json has the promised keys in a fixed order, reads back as what was written, and no file,
// however broken, does more than give an error that names file and key. Reached by writing a full summary,
// comparing the text with the one expected, and reading it back whole, damaged and cut at every byte.
#include "src/output/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/src/output/temporary_folder.h"

namespace meridian::output {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Summary example() {
  Summary summary;
  summary.name = "demo";
  summary.mode = RunMode::run;
  summary.wan_mode = "gaia";
  summary.seed = 18446744073709551615U;
  summary.stop_reason = StopReason::target;
  summary.data_note = "generated data";
  summary.started_unix_s = 1763600000.25;
  summary.time_s = 57;
  summary.clocks = 500;
  summary.objective = {"accuracy", true, 0.8612, 0.86, 56.5, 475};
  summary.wan = {1000, 900, 100, 800, 40, 4, {{"tokyo", "ireland", 1000, 0.125}}, 850, 700};
  summary.waits_s = {1.5, std::nullopt, 0.1};
  summary.work_s = {40.0, 2.5, std::nullopt, 3.0};
  summary.replicas = {0.02, 3e-7, true};
  summary.datacenters = {{"tokyo", 500, 2, 1, 0.8612, 4, 47100000, 800},
                         {"ireland", 501, 3, 2, std::nullopt, 3, std::nullopt, std::nullopt}};
  summary.cost = {"USD", "2023-08-06", "a list", {0.5, 0.25, 0.75}, {0.375, std::nullopt, std::nullopt}};
  return summary;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Summary, TextHasTheKeysInTheirOrder) {
  EXPECT_EQ(to_json(example()), R"({
  "name": "demo",
  "mode": "run",
  "wan_mode": "gaia",
  "seed": 18446744073709551615,
  "stop_reason": "target",
  "failure": null,
  "data_note": "generated data",
  "started_unix_s": 1763600000.25,
  "time_s": 57.0,
  "clocks": 500,
  "objective": {
    "metric": "accuracy",
    "larger_is_better": true,
    "final": 0.8612,
    "target": 0.86,
    "time_to_target_s": 56.5,
    "clocks_to_target": 475
  },
  "wan": {
    "bytes_sent": 1000,
    "data_bytes": 900,
    "control_bytes": 100,
    "payload_bytes": 850,
    "bytes_to_target": 800,
    "payload_bytes_to_target": 700,
    "entries_considered": 40,
    "entries_sent": 4,
    "links": [
      {
        "from": "tokyo",
        "to": "ireland",
        "bytes": 1000,
        "utilization": 0.125
      }
    ]
  },
  "waits_s": {
    "local_barrier": 1.5,
    "selective_barrier": null,
    "mirror_clock": 0.1
  },
  "work_s": {
    "compute": 40.0,
    "evaluation": 2.5,
    "push": null,
    "pull": 3.0
  },
  "replicas": {
    "max_relative_difference": 0.02,
    "max_relative_difference_after_drain": 3e-07,
    "drained": true
  },
  "datacenters": [
    {
      "name": "tokyo",
      "clocks": 500,
      "workers": 2,
      "servers": 1,
      "objective": 0.8612,
      "machines": 4,
      "training_bytes": 47100000,
      "bytes_to_target": 800
    },
    {
      "name": "ireland",
      "clocks": 501,
      "workers": 3,
      "servers": 2,
      "objective": null,
      "machines": 3,
      "training_bytes": null,
      "bytes_to_target": null
    }
  ],
  "cost": {
    "currency": "USD",
    "prices_dated": "2023-08-06",
    "prices_source": "a list",
    "in_all": {
      "machines": 0.5,
      "transfer": 0.25,
      "total": 0.75
    },
    "to_target": {
      "machines": 0.375,
      "transfer": null,
      "total": null
    }
  }
}
)");
}

TEST(Summary, ReadsBackWhatWasWritten) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "summary.json";
  ASSERT_EQ(write_summary(path, example()), std::nullopt);
  const Result<Summary> read = read_summary(path);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value(), example());
}

TEST(Summary, ASimulationHoldsNoWallTime) {
  Summary summary = example();
  summary.started_unix_s.reset();
  EXPECT_THAT(to_json(summary), ::testing::Not(HasSubstr("unix")));
  EXPECT_EQ(summary_from_json(to_json(summary), "f").value(), summary);
}

TEST(Summary, WithoutPricesTheCostIsNullAndNotZero) {
  Summary summary = example();
  summary.cost.reset();
  EXPECT_THAT(to_json(summary), HasSubstr("\"cost\": null"));
  EXPECT_EQ(summary_from_json(to_json(summary), "f").value(), summary);
}

TEST(Summary, ReadsWhatWasWrittenBeforeThereWereCosts) {
  std::string text = to_json(example());
  text.erase(text.find(",\n  \"cost\""));
  text += "}";
  for (const char* own : {",\n      \"machines\": 4", ",\n      \"training_bytes\": 47100000",
                          ",\n      \"bytes_to_target\": 800"}) {
    text = replaced(text, own, "");
  }
  const Result<Summary> read = summary_from_json(text, "f");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().cost, std::nullopt);
  EXPECT_EQ(read.value().datacenters[0],
            (DatacenterSummary{"tokyo", 500, 2, 1, 0.8612, 2, std::nullopt, std::nullopt}));
}

TEST(Summary, NoFileSaysThatItsRunWasComputed) {
  Summary summary = example();
  summary.mode = RunMode::computed;
  EXPECT_EQ(summary_from_json(to_json(summary), "f").error().message,
            "f: mode: expected one of run, simulate");
}

TEST(Summary, WritesNullForWhatIsNotFiniteAndReplacesBrokenText) {
  Summary summary = example();
  summary.objective.final = std::numeric_limits<double>::quiet_NaN();
  summary.name =
      "a\xff"
      "b";
  const Result<Summary> read = summary_from_json(to_json(summary), "f");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().objective.final, std::nullopt);
  EXPECT_EQ(read.value().name,
            "a\xef\xbf\xbd"
            "b");
}

TEST(Summary, ReadsWhatOthersWroteWithTheirOwnKeys) {
  std::string text = to_json(example());
  for (const char* own :
       {"  \"wan_mode\": \"gaia\",\n", "  \"failure\": null,\n", "  \"data_note\": \"generated data\",\n",
        "    \"larger_is_better\": true,\n", "  \"started_unix_s\": 1763600000.25,\n"}) {
    text = replaced(text, own, "");
  }
  text = replaced(text, "\"metric\": \"accuracy\"", "\"metric\": \"rmse\", \"other\": [1]");
  const Result<Summary> read = summary_from_json(text, "f");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read.value().objective.larger_is_better);
}

TEST(Summary, ErrorsNameFileKeyAndExpectation) {
  const std::string text = to_json(example());
  const auto error = [&](const std::string& from, const std::string& to) {
    const Result<Summary> read = summary_from_json(replaced(text, from, to), "runs/x/summary.json");
    EXPECT_FALSE(read) << from << " -> " << to;
    return read ? std::string() : read.error().message;
  };
  EXPECT_EQ(error("\"time_s\": 57.0", "\"time_s\": \"57\""),
            "runs/x/summary.json: time_s: expected a number");
  EXPECT_EQ(error("\"bytes_sent\": 1000", "\"bytes_sent\": -1"),
            "runs/x/summary.json: wan.bytes_sent: expected a whole number that is not negative");
  EXPECT_EQ(error("\"clocks\": 501", "\"clocks\": null"),
            "runs/x/summary.json: datacenters[1].clocks: expected a whole number that is not negative");
  EXPECT_EQ(error("\"control_bytes\": 100,", ""), "runs/x/summary.json: wan.control_bytes: is missing");
  EXPECT_EQ(error("\"transfer\": 0.25", "\"transfer\": \"much\""),
            "runs/x/summary.json: cost.in_all.transfer: expected a number or null");
  EXPECT_THAT(error("\"stop_reason\": \"target\"", "\"stop_reason\": \"done\""),
              AllOf(HasSubstr("stop_reason"), HasSubstr("drain_timeout")));
  EXPECT_THAT(error("\"seed\": 18446744073709551615", "\"seed\": 18446744073709551616"), HasSubstr("seed"));
  EXPECT_EQ(error("\"time_s\": 57.0", "\"time_s\": 1e999"), "runs/x/summary.json: is not valid JSON");
  EXPECT_EQ(summary_from_json("[1]", "f").error().message, "f: the content: expected an object");
}

TEST(Summary, NoBrokenTextDoesHarm) {
  const std::string text = to_json(example());
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    EXPECT_FALSE(summary_from_json(text.substr(0, size), "f")) << size;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char c : {'\0', '[', '}', '"', '9', '\xff'}) {
      std::string broken = text;
      broken[at] = c;
      const Result<Summary> read = summary_from_json(broken, "f");
      if (!read) {
        EXPECT_THAT(read.error().message, HasSubstr("f: "));
      }
    }
  }
  EXPECT_FALSE(summary_from_json(std::string(1000000, '['), "f"));
  EXPECT_FALSE(
      summary_from_json("{\"name\":" + std::string(1000000, '[') + std::string(1000000, ']') + "}", "f"));
}

TEST(Summary, AFileThatIsNoneIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THAT(read_summary(folder.path()).error().message, HasSubstr("is not a regular file"));
  EXPECT_THAT(read_summary(folder.path() / "none").error().message,
              HasSubstr("none: cannot be opened: No such file"));
}

}  // namespace
}  // namespace meridian::output
