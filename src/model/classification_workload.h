// Image classification as a workload: a network over IDX files or generated images, divided between the
// workers of all datacenters. The objective is accuracy on the held-out set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/data/image_set.h"
#include "src/data/partition.h"
#include "src/model/layer_description.h"
#include "src/workload/workload.h"

namespace meridian {

struct ClassificationData {
  std::string format = "idx";           ///< idx | generated
  std::filesystem::path path;           ///< a folder of IDX files
  std::string if_missing = "error";     ///< error | generated: when the folder holds none of the four files
  std::size_t generated_train = 60000;  ///< samples of a generated training set
  std::size_t generated_test = 10000;   ///< samples of a generated held-out set
  std::size_t classes = 10;             ///< labels in IDX files are below this
};

struct ClassificationOptions {
  std::string model = "mlp";        ///< softmax | mlp | cnn
  std::vector<std::size_t> hidden;  ///< widths of an mlp's hidden layers, at least one; empty for the others
  std::vector<LayerDescription> layers = {};  ///< of a cnn, without the last, dense one; empty for the others
  ClassificationData data;
  std::optional<Normalisation> normalisation;  ///< without it, by the training images' own pixels
  std::uint64_t seed = 1;  ///< of parameters and batches; generated data do not depend on it
  PartitionOptions partition;
  std::size_t batch = 64;  ///< samples per worker and clock
};

struct ClassificationImages {
  TrainAndTest sets;
  std::vector<std::size_t> source_sizes;  ///< training images from the folder; none if generated
  std::string note;                       ///< describes them, and says so when they are generated
};

/// Reads or generates the data. Errors name the option or the file, what is wrong with it and what was
/// expected.
Result<ClassificationImages> load_images(const ClassificationData& options);

/// Builds the model over images of load_images(options.data), in place of loading them.
Result<std::unique_ptr<Workload>> make_classification_workload(const ClassificationOptions& options,
                                                               ClassificationImages images);

/// Reads or generates the data and builds the model. Errors name the option or the file, what is wrong with
/// it and what was expected. The result's note() describes the data and says so when they are generated.
Result<std::unique_ptr<Workload>> make_classification_workload(const ClassificationOptions& options);

}  // namespace meridian
