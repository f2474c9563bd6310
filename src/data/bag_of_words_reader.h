// Reads the bag-of-words format of the UCI Machine Learning Repository (D. Newman, 2008), plain or gzip:
// three lines with the numbers of documents, words and entries, then a line "document word count" for each
// entry, ids from 1; and beside it a vocabulary, one word a line.
#pragma once

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/data/bag_of_words.h"

namespace meridian {

/// Reads the documents of all `sources`, one after the other; each is a file, a pattern (docword.*.txt) or a
/// folder with docword*.txt. `vocabulary` is a file, a folder with vocab*.txt, or empty: then it is what goes
/// by that name beside the first of the files. All files share the vocabulary.
///
/// Documents must rise from line to line; one without entries is an empty document, but fewer than one
/// document in ten with any is taken for a mistake. Errors name file:line, what is there and what was
/// expected: a malformed line, an id outside the header's numbers, a count of 0, a word twice in a document,
/// a number of entries or words that contradicts the header, an empty file, one that cannot be read to its
/// end, more than 2^32 - 1 documents.
Result<BagOfWords> read_bag_of_words(const std::vector<std::string>& sources,
                                     const std::string& vocabulary = {});

}  // namespace meridian
