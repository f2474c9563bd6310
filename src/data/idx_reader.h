// Reads the IDX format (Y. LeCun, the MNIST database), plain or gzip: a magic number 00 00 08 D, D dimensions
// as big-endian 32-bit numbers, then one byte for each value. Nothing a header claims is believed before the
// bytes are there: memory grows with what was read, never with what was announced.
#pragma once

#include <cstddef>
#include <filesystem>

#include "src/base/result.h"
#include "src/data/image_set.h"

namespace meridian {

/// Reads images (magic 0x803) and their labels (magic 0x801, each below `classes`). Errors name the file, the
/// byte offset in its (uncompressed) content, what is there and what was expected.
Result<ImageSet> read_idx_pair(const std::filesystem::path& images, const std::filesystem::path& labels,
                               std::size_t classes);

/// Whether a folder holds the four files {train,t10k}-{images-idx3,labels-idx1}-ubyte, each plain or with
/// .gz.
enum class IdxPresence { none, some, all };
IdxPresence find_idx_files(const std::filesystem::path& folder);

/// Reads a folder's four files; where both forms of a file are there, the plain one. Errors as read_idx_pair,
/// and for a file that is missing or a held-out set of another image size than the training set.
Result<TrainAndTest> read_idx_folder(const std::filesystem::path& folder, std::size_t classes);

}  // namespace meridian
