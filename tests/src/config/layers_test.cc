// Goal: every form of a cnn's layer is read as what it stands for, and what is wrong with one is told at its
// place with what was expected. How: the sample configuration with other models in it.
#include "src/config/layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/src/config/sample_config.h"

namespace meridian {
namespace {

using sample::problems_of;
using sample::with;

constexpr const char* kModel = "{kind: mlp, hidden: [128, 64]}";

std::vector<LayerConfig> layers_of(const std::string& layers) {
  return sample::config_of(with(kModel, "{kind: cnn, layers: [" + layers + "]}")).workload.model.layers;
}

TEST(Layers, EveryKindIsRead) {
  EXPECT_THAT(
      layers_of(
          "{conv: {channels: 6, kernel: 5, padding: 2, stride: 3}}, relu, {max_pool: 2}, {average_pool: "
          "{kernel: 3, stride: 1}}, {group_norm: {groups: 2}}, {dropout: 0.2}, {dense: 120}"),
      testing::ElementsAre(
          LayerConfig{.kind = "conv", .outputs = 6, .kernel = 5, .stride = 3, .padding = 2},
          LayerConfig{.kind = "relu"}, LayerConfig{.kind = "max_pool", .kernel = 2, .stride = 2},
          LayerConfig{.kind = "average_pool", .kernel = 3, .stride = 1},
          LayerConfig{.kind = "group_norm", .groups = 2}, LayerConfig{.kind = "dropout", .rate = 0.2},
          LayerConfig{.kind = "dense", .outputs = 120}));
}

TEST(Layers, ShortFormsStandForLongOnes) {
  EXPECT_EQ(layers_of("{max_pool: 3}, {group_norm: 2}, {dropout: 0.5}, {dense: 7}"),
            layers_of("{max_pool: {kernel: 3}}, {group_norm: {groups: 2}}, {dropout: {rate: 0.5}}, "
                      "{dense: {outputs: 7}}"));
}

struct Refusal {
  const char* layers;  ///< '@' stands where the problem must be reported
  const char* says;
};

class RefusedLayers : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedLayers, AtTheirPlaceWithWhatWasExpected) {
  std::string text = with(kModel, std::string("{kind: cnn, layers: ") + GetParam().layers + "}");
  const std::size_t mark = text.find('@');
  ASSERT_NE(mark, std::string::npos);
  text.erase(mark, 1);
  const std::size_t line_start = text.rfind('\n', mark) + 1;
  EXPECT_EQ(problems_of(text), "dir/test.yaml:4:" + std::to_string(mark - line_start + 1) +
                                   ": workload.model.layers" + GetParam().says);
}

INSTANTIATE_TEST_SUITE_P(
    Layers, RefusedLayers,
    testing::Values(
        Refusal{"@[]",
                " is a list of 0; expected a list such as [{conv: {channels: 6, kernel: 5}}, relu, "
                "{max_pool: 2}]"},
        Refusal{"[relu, @rely]",
                "[1] is 'rely', perhaps 'relu'; expected conv, max_pool, average_pool, relu, "
                "dense, dropout or group_norm"},
        Refusal{"[{@max_pol: 2}]",
                "[0] is 'max_pol', perhaps 'max_pool'; expected conv, max_pool, "
                "average_pool, relu, dense, dropout or group_norm"},
        Refusal{"[{conv: @{channels: 6}}]",
                "[0].conv.kernel is missing; expected the key 'kernel' in workload.model.layers[0].conv"},
        Refusal{"[{conv: {channels: 6, kernel: 3, padding: @3}}]",
                "[0].conv.padding is 3, and the kernel 3; expected less than workload.model.layers[0].conv."
                "kernel"},
        Refusal{"[@conv]",
                "[0] is conv without its sizes; expected a map such as {conv: {channels: 6, kernel: 5}}"},
        Refusal{"[@dense]", "[0] is dense without its sizes; expected a map such as {dense: 2}"},
        Refusal{"[{dropout: @1.5}]", "[0].dropout is '1.5'; expected a number from 0, below 1"},
        Refusal{"[{max_pool: @0}]", "[0].max_pool is '0'; expected a whole number from 1 to 1024"},
        Refusal{"[{relu: @2}]", "[0].relu is '2'; expected the word relu alone"},
        Refusal{"[@{dense: 2, relu: 1}]",
                "[0] has 2 keys; expected relu, or a map of one layer such as {max_pool: 2}"}));

TEST(Layers, AUnknownKeyIsToldWithTheNearest) {
  EXPECT_THAT(
      problems_of(with(kModel, "{kind: cnn, layers: [{conv: {channels: 6, kernel: 5, paddin: 2}}]}")),
      testing::HasSubstr("unknown key 'workload.model.layers[0].conv.paddin', perhaps "
                         "'workload.model.layers[0].conv.padding'; expected channels, kernel, stride or "
                         "padding"));
}

TEST(Layers, BelongToACnnAlone) {
  EXPECT_THAT(problems_of(with(kModel, "{kind: mlp, hidden: [2], layers: [relu]}")),
              testing::HasSubstr("workload.model.layers with a mlp model; expected no layers, or kind: cnn"));
  EXPECT_THAT(problems_of(with(kModel, "{kind: cnn, hidden: [2], layers: [relu]}")),
              testing::HasSubstr("workload.model.hidden with a cnn model; expected no hidden layers"));
  EXPECT_THAT(problems_of(with(kModel, "cnn")), testing::HasSubstr("workload.model.layers is missing"));
}

}  // namespace
}  // namespace meridian
