#include "src/data/bag_of_words_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <string_view>
#include <utility>

#include "src/data/data_files.h"
#include "src/data/line_reader.h"
#include "src/data/text_cursor.h"

namespace meridian {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
// Memory grows with what was read, not with what a header announces: documents cost memory without entries
// too.
constexpr std::uint64_t kDocumentsPerEntry = 10;

struct Header {
  std::uint64_t documents = 0;
  std::uint64_t words = 0;
  std::uint64_t entries = 0;
};

struct Entry {
  std::uint64_t document = 0;
  std::uint64_t word = 0;
  std::uint64_t count = 0;
};

Result<std::vector<std::string>> read_vocabulary(const fs::path& file) {
  LineReader reader(file);
  if (Failure failure = reader.open()) return std::move(*failure);
  std::vector<std::string> vocabulary;
  std::string_view line;
  while (reader.next(line)) vocabulary.emplace_back(line);
  if (reader.failure()) return *reader.failure();
  if (vocabulary.empty()) return reader.error_at(1, "no word in the file; expected one a line");
  return vocabulary;
}

/// Reads one file of documents onto the end of a set.
class DocumentsFile {
 public:
  DocumentsFile(const fs::path& file, BagOfWords& set) : reader_(file), set_(set) {}

  Failure read() {
    if (Failure failure = reader_.open()) return failure;
    if (Failure failure = read_header()) return failure;
    first_entry_ = set_.entries();
    std::string_view line;
    while (reader_.next(line)) {
      if (Failure failure = read_entry(line)) return failure;
    }
    if (reader_.failure()) return reader_.failure();
    return finish();
  }

 private:
  Failure read_number(const char* what, std::uint64_t& value) {
    std::string_view line;
    if (!reader_.next(line)) {
      if (reader_.failure()) return reader_.failure();
      return reader_.error_at(reader_.line_number() + 1,
                              fmt::format("the file ends; expected {}, from 1 to {}", what, kMost));
    }
    TextCursor cursor(line);
    if (cursor.take_whole(kMost, value) && value > 0) {
      cursor.take_blanks();
      if (cursor.at_end()) return {};
    }
    return reader_.unexpected(line, fmt::format("{}, from 1 to {}, alone on the line", what, kMost));
  }

  Failure read_header() {
    if (Failure failure = read_number("the number of documents", header_.documents)) return failure;
    if (Failure failure = read_number("the number of words", header_.words)) return failure;
    if (header_.words != set_.words) {
      return reader_.error(fmt::format("{} words; expected {}, as many as the vocabulary has lines",
                                       header_.words, set_.words));
    }
    return read_number("the number of entries", header_.entries);
  }

  // Nothing, or what was expected instead.
  static const char* parse_entry(std::string_view line, Entry& entry) {
    TextCursor cursor(line);
    if (!cursor.take_whole(kMost, entry.document)) return "a document's id, a whole number, first";
    if (!cursor.take_blanks() || !cursor.take_whole(kMost, entry.word)) {
      return "a word's id, a whole number, second";
    }
    if (!cursor.take_blanks() || !cursor.take_whole(kMost, entry.count) || entry.count == 0) {
      return "a count from 1 to 4294967295, third";
    }
    cursor.take_blanks();
    return cursor.at_end() ? nullptr : "the end after the count";
  }

  Failure read_entry(std::string_view line) {
    Entry entry;
    if (const char* const expected = parse_entry(line, entry)) return reader_.unexpected(line, expected);
    if (entry.document == 0 || entry.document > header_.documents) {
      return reader_.error(
          fmt::format("document {}; expected 1 to {}, as line 1 says", entry.document, header_.documents));
    }
    if (entry.word == 0 || entry.word > header_.words) {
      return reader_.error(
          fmt::format("word {}; expected 1 to {}, as line 2 says", entry.word, header_.words));
    }
    if (set_.entries() - first_entry_ == header_.entries) {
      return reader_.error(
          fmt::format("one more entry; expected the end after {}, as line 3 says", header_.entries));
    }
    if (starts_.empty() || entry.document != starts_.back().first) {
      if (Failure failure = start_document(entry.document)) return failure;
    }
    const auto word = static_cast<std::uint32_t>(entry.word - 1);
    words_rise_ = words_rise_ && (set_.entries() == starts_.back().second || word > set_.word.back());
    set_.word.push_back(word);
    set_.count.push_back(static_cast<std::uint32_t>(entry.count));
    last_entry_line_ = reader_.line_number();
    return {};
  }

  Failure start_document(std::uint64_t document) {
    if (!starts_.empty()) {
      if (document < starts_.back().first) {
        return reader_.error(fmt::format("document {} after document {}; expected them rising", document,
                                         starts_.back().first));
      }
      if (Failure failure = sort_document(reader_.line_number())) return failure;
    }
    starts_.emplace_back(document, set_.entries());
    return {};
  }

  // Sorts the words of the document that ends before line `end_line`.
  Failure sort_document(std::uint64_t end_line) {
    if (std::exchange(words_rise_, true)) return {};
    const std::size_t start = starts_.back().second;
    const std::size_t size = set_.entries() - start;
    struct Place {
      std::uint32_t word;
      std::uint32_t count;
      std::size_t position;
    };
    std::vector<Place> places(size);
    for (std::size_t i = 0; i < size; ++i) places[i] = {set_.word[start + i], set_.count[start + i], i};
    std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
      return a.word != b.word ? a.word < b.word : a.position < b.position;
    });
    for (std::size_t i = 0; i < size; ++i) {
      if (i > 0 && places[i].word == places[i - 1].word) {
        return reader_.error_at(end_line - size + places[i].position,
                                fmt::format("document {} has word {} a second time; expected each word once",
                                            starts_.back().first, places[i].word + 1));
      }
      set_.word[start + i] = places[i].word;
      set_.count[start + i] = places[i].count;
    }
    return {};
  }

  Failure finish() {
    const std::size_t entries = set_.entries() - first_entry_;
    if (entries != header_.entries) {
      return reader_.error_at(reader_.line_number() + 1,
                              fmt::format("the file ends after {} entries; expected {}, as line 3 says",
                                          entries, header_.entries));
    }
    if (Failure failure = sort_document(last_entry_line_ + 1)) return failure;
    if (header_.documents / kDocumentsPerEntry > entries) {
      return reader_.error_at(1, fmt::format("{} documents but {} entries; expected at most {} documents an "
                                             "entry",
                                             header_.documents, entries, kDocumentsPerEntry));
    }
    if (set_.documents() + header_.documents > kMost) {
      return reader_.error_at(1, fmt::format("{} documents after {} of other files; expected at most {}",
                                             header_.documents, set_.documents(), kMost));
    }
    // A document ends where the next one that has entries starts.
    std::size_t next = 0;
    for (std::uint64_t document = 1; document <= header_.documents; ++document) {
      while (next < starts_.size() && starts_[next].first <= document) ++next;
      set_.offsets.push_back(next == starts_.size() ? set_.entries() : starts_[next].second);
    }
    return {};
  }

  LineReader reader_;
  BagOfWords& set_;
  Header header_;
  std::size_t first_entry_ = 0;
  std::uint64_t last_entry_line_ = 0;
  std::vector<std::pair<std::uint64_t, std::size_t>> starts_;  // documents that have entries, and their first
  bool words_rise_ = true;                                     // in the last of them
};

// docword.kos.txt.gz has its words in vocab.kos.txt, plain or with .gz.
std::string vocabulary_name_for(const fs::path& documents) {
  constexpr std::string_view kDocuments = "docword";
  constexpr std::string_view kGzip = ".gz";
  std::string name = documents.filename().string();
  if (name.size() > kGzip.size() && name.ends_with(kGzip)) name.resize(name.size() - kGzip.size());
  if (!name.starts_with(kDocuments)) return "vocab.txt";
  return "vocab" + name.substr(kDocuments.size());
}

Result<fs::path> find_vocabulary(const std::string& vocabulary, const fs::path& documents) {
  fs::path folder = documents.parent_path();
  if (folder.empty()) folder = ".";
  const Result<std::vector<fs::path>> files =
      vocabulary.empty() ? find_data_files(folder.string(), {vocabulary_name_for(documents), "vocab*.txt"})
                         : find_data_files(vocabulary, {"vocab*.txt"});
  if (!files) return files.error();
  if (files.value().size() == 1) return files.value().front();
  return Error{fmt::format("{} and {} are both vocabularies; expected one for the documents in {}",
                           files.value()[0].string(), files.value()[1].string(), documents.string())};
}

}  // namespace

Result<BagOfWords> read_bag_of_words(const std::vector<std::string>& sources, const std::string& vocabulary) {
  if (sources.empty()) return Error{"no source of documents; expected at least one file"};
  BagOfWords set;
  fs::path first_vocabulary;
  for (const std::string& source : sources) {
    const Result<std::vector<fs::path>> files = find_data_files(source, {"docword*.txt"});
    if (!files) return files.error();
    if (set.vocabulary.empty() || vocabulary.empty()) {
      const Result<fs::path> file = find_vocabulary(vocabulary, files.value().front());
      if (!file) return file.error();
      Result<std::vector<std::string>> words = read_vocabulary(file.value());
      if (!words) return words.error();
      if (set.vocabulary.empty()) {
        first_vocabulary = file.value();
        set.vocabulary = std::move(words).value();
        set.words = set.vocabulary.size();
      } else if (words.value() != set.vocabulary) {
        return Error{fmt::format("{} has other words than {}; expected one vocabulary for all documents",
                                 file.value().string(), first_vocabulary.string())};
      }
    }
    const std::size_t before = set.documents();
    for (const fs::path& file : files.value()) {
      if (Failure failure = DocumentsFile(file, set).read()) return std::move(*failure);
    }
    set.source_sizes.push_back(set.documents() - before);
  }
  return set;
}

}  // namespace meridian
