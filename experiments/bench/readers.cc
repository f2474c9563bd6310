// How fast the readers of data sets are: megabytes of text per second, plain and gzip, over generated files
// of the shape of real ones, written to a folder of their own first and removed at the end. Processor time
// says what reading costs on a busy machine, too; the first argument multiplies the files' sizes.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "experiments/bench/wanted_instruction_set.h"
#include "src/base/random.h"
#include "src/data/bag_of_words_reader.h"
#include "src/data/generated_documents.h"
#include "src/data/generated_images.h"
#include "src/data/generated_ratings.h"
#include "src/data/generated_sparse_samples.h"
#include "src/data/idx_reader.h"
#include "src/data/libsvm_reader.h"
#include "src/data/ratings_reader.h"

namespace meridian {
namespace {

namespace fs = std::filesystem;

constexpr int kRepeats = 3;
constexpr double kMegabyte = 1e6;

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Written {
  fs::path plain;
  fs::path gzip;
};

Written write(const fs::path& folder, const std::string& name, const std::string& text) {
  Written written{folder / name, folder / "gzip" / (name + ".gz")};
  fs::create_directories(folder / "gzip");
  std::ofstream(written.plain, std::ios::binary) << text;
  const gzFile file = gzopen(written.gzip.c_str(), "wb1");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return written;
}

/// Reads one file; returns how many samples there were, and an error where there were none.
using Read = std::function<Result<std::size_t>(const fs::path&)>;

/// The best of several times. `bytes` are those of the text, whatever the form of the file.
bool measure(const char* what, const char* form, const fs::path& file, double bytes, const Read& read) {
  double least_wall = 1e9;
  double least_processor = 1e9;
  std::size_t samples = 0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const double processor_before = processor_seconds();
    const auto begin = std::chrono::steady_clock::now();
    const Result<std::size_t> result = read(file);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    if (!result) {
      fmt::print(stderr, "{}\n", result.error().message);
      return false;
    }
    samples = result.value();
    least_wall = std::min(least_wall, wall.count());
    least_processor = std::min(least_processor, processor_seconds() - processor_before);
  }
  fmt::print("{:<20} {:<6} {:>10} {:>9.1f} {:>9.3f} {:>12.0f} {:>16.0f}\n", what, form, samples,
             bytes / kMegabyte, least_wall, bytes / kMegabyte / least_wall,
             bytes / kMegabyte / least_processor);
  std::fflush(stdout);
  return true;
}

bool measure_both(const char* what, const Written& written, const Read& read) {
  const auto bytes = static_cast<double>(fs::file_size(written.plain));
  return measure(what, "plain", written.plain, bytes, read) &&
         measure(what, "gzip", written.gzip, bytes, read);
}

// One of the formats of MovieLens, which the separator tells.
std::string ratings_text(const Ratings& ratings, const std::string& header, const std::string& separator) {
  std::string text = header;
  Random random(1);
  for (std::size_t i = 0; i < ratings.size(); ++i) {
    const double stars = std::clamp(std::round(2.0 * static_cast<double>(ratings.value[i])) / 2.0, 0.5, 5.0);
    fmt::format_to(std::back_inserter(text), "{}{}{}{}{:.1f}{}{}\n", ratings.user[i] + 1, separator,
                   ratings.item[i] + 1, separator, stars, separator, 800'000'000 + random.below(700'000'000));
  }
  return text;
}

bool measure_ratings(const fs::path& folder, std::size_t scale) {
  const auto generated = generate_ratings({.users = 20'000, .items = 10'000, .ratings = 2'000'000 * scale});
  if (!generated) {
    fmt::print(stderr, "{}\n", generated.error().message);
    return false;
  }
  const Read read = [](const fs::path& file) -> Result<std::size_t> {
    const Result<Ratings> ratings = read_ratings({file.string()});
    if (!ratings) return ratings.error();
    return ratings.value().size();
  };
  const Ratings& ratings = generated.value().ratings;
  const auto of_format = [&](const char* name, const char* header, const char* separator) {
    return measure_both(name, write(folder, name, ratings_text(ratings, header, separator)), read);
  };
  return of_format("ratings.csv", "userId,movieId,rating,timestamp\n", ",") &&
         of_format("ratings.dat", "", "::") && of_format("u.data", "", "\t");
}

bool measure_documents(const fs::path& folder, std::size_t scale) {
  const auto generated =
      generate_documents({.documents = 10'000 * scale, .words = 20'000, .topics = 20, .mean_length = 200.0});
  if (!generated) {
    fmt::print(stderr, "{}\n", generated.error().message);
    return false;
  }
  const BagOfWords& set = generated.value().train;
  std::string text = fmt::format("{}\n{}\n{}\n", set.documents(), set.words, set.entries());
  for (std::size_t d = 0; d < set.documents(); ++d) {
    for (std::size_t i = set.offsets[d]; i < set.offsets[d + 1]; ++i) {
      fmt::format_to(std::back_inserter(text), "{} {} {}\n", d + 1, set.word[i] + 1, set.count[i]);
    }
  }
  std::string words;
  for (const std::string& word : set.vocabulary) words += word + "\n";
  const std::string vocabulary = write(folder, "vocab.txt", words).plain.string();
  return measure_both("bag of words", write(folder, "docword.txt", text),
                      [&](const fs::path& file) -> Result<std::size_t> {
                        const Result<BagOfWords> read = read_bag_of_words({file.string()}, vocabulary);
                        if (!read) return read.error();
                        return read.value().documents();
                      });
}

bool measure_samples(const fs::path& folder, std::size_t scale, bool binary) {
  const auto generated =
      generate_sparse_samples({.samples = 100'000 * scale, .features = 50'000, .binary = binary});
  if (!generated) {
    fmt::print(stderr, "{}\n", generated.error().message);
    return false;
  }
  const SparseSamples& set = generated.value().train;
  std::string text;
  for (std::size_t i = 0; i < set.size(); ++i) {
    text += set.labels[i] == 1 ? "+1" : "-1";
    for (std::size_t k = set.offsets[i]; k < set.offsets[i + 1]; ++k) {
      fmt::format_to(std::back_inserter(text), " {}:{}", set.feature[k] + 1, set.value[k]);
    }
    text += "\n";
  }
  return measure_both(binary ? "libsvm, all 1" : "libsvm, long values", write(folder, "samples", text),
                      [](const fs::path& file) -> Result<std::size_t> {
                        const Result<SparseSamples> read = read_libsvm({file.string()});
                        if (!read) return read.error();
                        return read.value().size();
                      });
}

bool measure_images(const fs::path& folder, std::size_t scale) {
  const TrainAndTest generated = generate_images(1, 20'000 * scale, 1);
  const auto number = [](std::size_t value) {
    std::string bytes;
    for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>((value >> shift) & 0xffU);
    return bytes;
  };
  const ImageSet& set = generated.train;
  const Written labels =
      write(folder, "labels",
            number(0x801) + number(set.size()) + std::string(set.labels.begin(), set.labels.end()));
  const Written images = write(folder, "images",
                               number(0x803) + number(set.size()) + number(set.height) + number(set.width) +
                                   std::string(set.pixels.begin(), set.pixels.end()));
  return measure_both("idx (bytes)", images, [&](const fs::path& file) -> Result<std::size_t> {
    const Result<ImageSet> read = read_idx_pair(file, labels.plain, kGeneratedClasses);
    if (!read) return read.error();
    return read.value().size();
  });
}

bool measure_all(std::size_t scale) {
  const fs::path folder = fs::temp_directory_path() / fmt::format("meridian-readers-{}", getpid());
  fmt::print("{:<20} {:<6} {:>10} {:>9} {:>9} {:>12} {:>16}\n", "GENERATED data", "form", "samples", "MB",
             "seconds", "MB/s", "MB/processor s");
  const bool done = measure_ratings(folder, scale) && measure_documents(folder, scale) &&
                    measure_samples(folder, scale, true) && measure_samples(folder, scale, false) &&
                    measure_images(folder, scale);
  fs::remove_all(folder);
  return done;
}

}  // namespace
}  // namespace meridian

int main(int count, char** arguments) {
  meridian::bench::require_wanted_instruction_set();
  const int scale = count > 1 ? std::atoi(arguments[1]) : 1;
  if (scale < 1) {
    fmt::print(stderr, "{} [SCALE]: SCALE is a whole number from 1\n", arguments[0]);
    return EXIT_FAILURE;
  }
  return meridian::measure_all(static_cast<std::size_t>(scale)) ? EXIT_SUCCESS : EXIT_FAILURE;
}
