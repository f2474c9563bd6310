// Reads ratings as MovieLens publishes them (F. M. Harper & J. A. Konstan, The MovieLens Datasets, 2015) and
// plain triples, from plain or gzip text.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/data/ratings.h"

namespace meridian {

struct RatingsOptions {
  /// Items' ids are 1 to this, and items are numbered by them, whether anybody has rated them or not. 0:
  /// items are those that are found.
  std::size_t items = 0;
};

/// Reads the ratings of all `sources`, one after the other; each is a file, a pattern (ratings-*.csv) or a
/// folder with ratings.csv, ratings.dat or u.data. A line is user, item, value and perhaps a time stamp,
/// separated by tabs or spaces (u.data), "::" (ratings.dat) or commas (ratings.csv, where a first line of
/// names is passed over); each file's first line tells which. Ids are whole numbers below 2^64 and mean the
/// same user or item in every source; they are numbered densely in rising order of id, but for items of which
/// the number is given.
///
/// Errors name file:line, what is there and what was expected: a malformed line, a value that is not finite,
/// an item above the given number, an empty file, one that cannot be read to its end, more than 2^32 - 1
/// ratings.
Result<Ratings> read_ratings(const std::vector<std::string>& sources, const RatingsOptions& options = {});

}  // namespace meridian
