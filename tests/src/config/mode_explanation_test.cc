// Goal: the explanation says every part and parameter in use with where it comes from, and no other; who
// exchanges with whom; the policies in force; the weights. How: the whole text of the sample, spelled out,
// and the lines that change with each setting.
#include "src/config/mode_explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/config/choices.h"
#include "tests/src/config/sample_config.h"

namespace meridian {
namespace {

using sample::config_of;
using sample::kYaml;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string explained(const std::vector<std::string>& overrides) {
  return explain_mode(config_of(kYaml, overrides));
}

TEST(ModeExplanation, SaysItAll) {
  EXPECT_EQ(explained({}), R"(choice                  value                from       meaning
what                    significance_filter  mode gaia  updates go out once they add up to enough beside the value they change; the rest waits and adds up
  v0                    0.5                  file       the threshold at clock 1, relative: 0.01 is 1 % of the value
  schedule              constant             file       the threshold is always v0
  floor                 0                    default    updates up to this size stay, whatever the value (absolute; 0 is none)
  by                    entry                default    each entry is compared by itself
  tables.layer0.weight  v0 0.5               file       floor 0.001, by row
  soft_ratio            1                    default    one threshold for all links
  encoding              compact              default    indexes and values take as few bits as they need
  values                fp32                 default    values go out as they are
when                    every_h_clocks       mode gaia  at every h-th clock
  h                     2                    file       clocks from one exchange to the next
wait                    mirror_clock         mode gaia  reads wait until every datacenter has reported the clock less ds
  ds                    6                    file       how many clocks a datacenter may be ahead of the slowest one
selective_barrier       true                 mode gaia  on a link that falls behind, reads of announced entries wait for their values
merge                   eager                mode gaia  own updates enter at once, others' as they arrive

topology: hubs, found from the links' bandwidth; members exchange with their hub, hubs with each other

policy       value  from     meaning
start_s      10 s   file     the run stops when a process has not joined by then
on_silence   wait   file     a datacenter that falls silent is waited for, then stops the run
  silence_s  20 s   file     silent is who has said nothing for so long
  wait_s     600 s  default  how much longer it is waited for
on_barrier   stop   default  a selective barrier that holds a read too long stops the run
  barrier_s  30 s   default  how long it may hold one
drain_s      30 s   file     the final exchange of everything takes at most so long

weights, by samples per clock
  virginia  0.3333
  ireland   0.5000
  tokyo     0.1667
)");
}

TEST(ModeExplanation, SaysWhichGivenParametersHaveNoEffect) {
  EXPECT_THAT(
      explained({"wan.mode=bsp"}),
      AllOf(HasSubstr("  ds               0              mode bsp "), Not(HasSubstr("  v0 ")),
            HasSubstr("given and without effect here: parameters.ds, parameters.h, parameters.schedule, "
                      "parameters.tables, parameters.v0\n")));
  EXPECT_THAT(explained({"wan.parameters.ds_most=4"}),
              HasSubstr("without effect here: parameters.ds_most\n"));
  EXPECT_THAT(explained({}), Not(HasSubstr("without effect")));
}

TEST(ModeExplanation, ShowsParametersWithTheirParts) {
  EXPECT_THAT(explained({"wan.mode=local_sgd", "wan.parameters={outer: {name: nesterov, momentum: 0.9}}"}),
              AllOf(HasSubstr("\n  h                    10              mode local_sgd"),
                    HasSubstr("\n  outer.name           nesterov        file "),
                    HasSubstr("\n  outer.learning_rate  1               default"),
                    HasSubstr("\n  outer.momentum       0.9             file")));
  EXPECT_THAT(explained({"wan.parameters={schedule: linear, v_end: 0.25, ramp_clocks: 9, soft_ratio: 0.1}"}),
              AllOf(HasSubstr("\n  v_end "), HasSubstr("\n  ramp_clocks "), HasSubstr("\n  soft_below ")));
  EXPECT_THAT(explained({"wan.parameters.ds=auto"}),
              AllOf(HasSubstr("\n  ds                    auto "), HasSubstr("\n  ds_most ")));
  EXPECT_THAT(explained({"wan.mode=dgc", "wan.parameters={total_share: 0.01}",
                         "workload.optimizer={name: sgd, learning_rate: 0.1}",
                         "wan.topology={tree: {ireland: tokyo, virginia: tokyo}}"}),
              AllOf(HasSubstr("\n  momentum             0.9 "), HasSubstr("\n  masking "),
                    HasSubstr("\n  total_share          0.01 ")));
  EXPECT_THAT(explained({"wan.mode=sparse_loco"}),
              AllOf(Not(HasSubstr("\n  momentum ")), Not(HasSubstr("\n  total_share "))));
  EXPECT_THAT(explained({"wan.mode=async"}), Not(HasSubstr("\n  ds ")));
}

TEST(ModeExplanation, KnowsEveryWord) {
  // A word without a meaning would end the process. Contradictory words cannot be asked for.
  for (const std::string_view mode : kModes) explained({"wan.mode=" + std::string(mode)});
  for (const std::string_view schedule : kSchedules) {
    const std::string ramp = schedule == "linear" ? ", v_end: 0, ramp_clocks: 2" : "";
    explained({"wan.parameters={schedule: " + std::string(schedule) + ramp + "}"});
  }
  for (const std::string_view by : kFilterUnits) explained({"wan.parameters.by=" + std::string(by)});
  for (const std::string_view policy : kOnSilence) explained({"wan.on_silence=" + std::string(policy)});
  for (const std::string_view policy : kOnBarrier) explained({"wan.on_barrier=" + std::string(policy)});
}

TEST(ModeExplanation, SaysWhoExchangesWithWhom) {
  EXPECT_THAT(explained({"wan.topology=mesh"}),
              HasSubstr("\ntopology: mesh; each of 3 datacenters exchanges with every other one\n"));
  EXPECT_THAT(explained({"wan.topology=hubs"}),
              HasSubstr("\ntopology: hubs, found from the links' bandwidth; members exchange"));
  EXPECT_THAT(explained({"wan.topology={hubs: [{hub: tokyo, members: [virginia]}, {hub: ireland}]}"}),
              HasSubstr("hubs with each other\n  ireland\n  tokyo: virginia\n"));
  EXPECT_THAT(explained({"wan.topology={tree: {virginia: tokyo, ireland: virginia}}"}),
              HasSubstr("parent and its children\n  tokyo\n    virginia\n      ireland\n"));
}

TEST(ModeExplanation, ShowsPoliciesInForce) {
  EXPECT_THAT(explained({"wan.on_silence=stop"}), Not(HasSubstr("wait_s")));
  EXPECT_THAT(explained({"wan.selective_barrier=false"}), Not(HasSubstr("on_barrier")));
  EXPECT_THAT(explained({"wan.mode=isolated"}), Not(HasSubstr("drain_s")));
}

TEST(ModeExplanation, WeightsAreSharesOfSamples) {
  EXPECT_THAT(datacenter_weights(config_of(kYaml)), testing::ElementsAre(2.0 / 6, 3.0 / 6, 1.0 / 6));
}

}  // namespace
}  // namespace meridian
