// model.safetensors: the parameters of one replica in the safetensors format
// (github.com/huggingface/safetensors), which every common framework reads. Equal parameters give equal
// bytes.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "src/base/float_buffer.h"
#include "src/base/result.h"
#include "src/workload/workload.h"

namespace meridian::output {

struct Model {
  std::vector<TableSpec> tables;
  std::vector<FloatBuffer> values;  ///< for each table rows * columns floats, row-major
};

/// Writes every table as an F32 tensor of shape [rows, columns], in the order given, whole or not at all.
/// Requires values[i].size() == tables[i].size(). An error names the path and the reason (a full disk, say).
Failure write_model(const std::filesystem::path& path, std::span<const TableSpec> tables, TablesView values);

/// Reads F32 tensors of one dimension (columns 1) or two, in the order in which they lie in the file. Nothing
/// the file says is believed: lengths, offsets, shapes and types are checked before anything is allocated for
/// them.
Result<Model> read_model(const std::filesystem::path& path);

}  // namespace meridian::output
