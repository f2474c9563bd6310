#include "src/workloads/registry.h"

#include <algorithm>

#include "src/base/check.h"
#include "src/workloads/make_workloads.h"

namespace meridian {
namespace {

constexpr double kMostSamples = 100'000'000;

/// By which images become inputs, of pixels from 0 to 1.
std::vector<NumberKey> pixels() {
  return {NumberKey::real("mean", 0, 0, 1), NumberKey::real("deviation", 1, 0.001, 1)};
}

const std::vector<WorkloadKind>& kinds() {
  using Key = NumberKey;
  static const std::vector<WorkloadKind> all{
      {"softmax", {}, {}, {"idx"}, {}, {}, 0.0, 1.0, make_images, true, pixels()},
      {"mlp", {}, {}, {"idx"}, {}, {}, 0.0, 1.0, make_images, true, pixels()},
      {"cnn", {}, {}, {"idx"}, {}, {}, 0.0, 1.0, make_images, true, pixels()},
      {"matrix_factorisation",
       {Key::whole("rank", 32, 1, 4096), Key::real("l2", 0.05, 0, 1000), Key::truth("biases", true),
        Key::real("mean", 0, -1e6, 1e6), Key::real("initial_scale", 0.1, 1e-6, 100)},
       {},
       {"ratings"},
       {Key::whole("users", 2000, 1, kMostSamples), Key::whole("items", 1000, 1, kMostSamples),
        Key::whole("ratings", 200'000, 1, kMostSamples), Key::whole("rank", 8, 1, 1024),
        Key::real("noise", 0.5, 0, 1000)},
       {"held_out"},
       0.0,
       1e6,
       make_factorisation,
       /*optimizes=*/true,
       {Key::whole("items", 1, 1, kMostSamples)}},
      {"topics",
       {Key::whole("topics", 100, 1, 65535), Key::real("alpha", 0.1, 1e-6, 1000),
        Key::real("beta", 0.01, 1e-6, 1000), Key::whole("proposals", 4, 1, 64)},
       {},
       {"bag_of_words"},
       {Key::whole("documents", 2000, 1, kMostSamples), Key::whole("words", 2000, 1, kMostSamples),
        Key::whole("topics", 20, 1, 65535), Key::real("mean_length", 100, 1, 1e6),
        Key::real("alpha", 0.1, 1e-6, 1000), Key::real("beta", 0.05, 1e-6, 1000)},
       {"held_out", "vocabulary"},
       -1000.0,
       0.0,
       make_topics,
       /*optimizes=*/false},
      {"sparse_logistic",
       {Key::real("l2", 0, 0, 1000)},
       {{"objective", {"accuracy", "auc", "loss"}}},
       {"libsvm"},
       {Key::whole("samples", 20'000, 10, kMostSamples),
        Key::whole("held_out_samples", 10'000, 10, kMostSamples),
        Key::whole("features", 10'000, 1, kMostSamples), Key::real("features_per_sample", 20, 1, 1e6),
        Key::real("margin", 3, 0, 1000)},
       {"held_out_path"},
       0.0,
       1000.0,
       make_logistic,
       /*optimizes=*/true,
       {Key::whole("features", 1, 1, kMostSamples)}},
  };
  return all;
}

}  // namespace

std::span<const WorkloadKind> workload_kinds() { return kinds(); }

const WorkloadKind& workload_kind(std::string_view name) {
  const auto found = std::find_if(kinds().begin(), kinds().end(),
                                  [&](const WorkloadKind& kind) { return kind.name == name; });
  MERIDIAN_CHECK(found != kinds().end(), "a workload of kind '{}'", name);
  return *found;
}

std::vector<std::string_view> workload_kind_names() {
  std::vector<std::string_view> names;
  for (const WorkloadKind& kind : kinds()) names.push_back(kind.name);
  return names;
}

std::vector<std::string_view> optimizing_kind_names() {
  std::vector<std::string_view> names;
  for (const WorkloadKind& kind : kinds()) {
    if (kind.optimizes) names.push_back(kind.name);
  }
  return names;
}

}  // namespace meridian
