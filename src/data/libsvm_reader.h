// Reads the LIBSVM format (C.-C. Chang & C.-J. Lin, LIBSVM, ACM TIST 2011), plain or gzip: a line for each
// sample, "label id:value id:value ...", ids from 1 and rising; what follows a # is a comment.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/data/sparse_samples.h"

namespace meridian {

struct LibsvmOptions {
  /// Ids are 1 to this; 0: the largest id found is the number of features.
  std::size_t features = 0;
  /// The labels of the classes, rising, for instance a training set's label_values; empty: the labels found,
  /// which must be at least 2 and at most 1,000 different ones.
  std::vector<float> label_values = {};
  /// Of a folder, read the held-out file rather than the training file. Entries of features that are not
  /// among `features` are left out.
  bool held_out = false;
};

/// Reads the samples of all `sources`, one after the other; each is a file, a pattern or a folder. A folder
/// named a9a holds a9a or *train* (held out: a9a.t or *test*), plain or with .gz. Labels are whole numbers,
/// between -2^24 and 2^24; they become classes from 0 in rising order, so -1 and +1 are classes 0 and 1.
///
/// Errors name file:line, what is there and what was expected: a malformed line, an id out of range or not
/// above the one before it, a value that is not finite, a label outside the classes, an empty file, one that
/// cannot be read to its end.
Result<SparseSamples> read_libsvm(const std::vector<std::string>& sources, const LibsvmOptions& options = {});

}  // namespace meridian
