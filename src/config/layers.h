// workload.model.layers: the layers of a cnn, in a configuration's words.
#pragma once

#include <string>

#include "src/config/config.h"
#include "src/config/fields.h"

namespace meridian {

/// Reads `layers` from the fields of workload.model, for the kind that model.kind names.
void read_layers(Fields& fields, ModelConfig& model);

/// One layer as an element of the list, on one line, with every value: "conv: {channels: 6, kernel: 5,
/// stride: 1, padding: 2}".
std::string layer_yaml(const LayerConfig& layer);

}  // namespace meridian
