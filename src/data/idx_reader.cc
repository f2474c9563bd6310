#include "src/data/idx_reader.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>

namespace meridian {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kImagesMagic = 0x00000803;
constexpr std::uint32_t kLabelsMagic = 0x00000801;
constexpr std::uint32_t kLargestSide = 4096;  // Bounds height * width, so that no product below overflows.
constexpr std::size_t kFirstChunk = std::size_t{1} << 20;
constexpr std::array<const char*, 4> kFileNames{"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                                "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

// One file, read from front to end; zlib reads plain files too. It knows its name and how far it has come,
// which is what every error needs.
class IdxFile {
 public:
  explicit IdxFile(fs::path path) : path_(std::move(path)) {}

  Failure open() {
    errno = 0;
    file_.reset(gzopen(path_.c_str(), "rb"));
    if (!file_) return Error{fmt::format("{}: cannot open: {}", path_.string(), std::strerror(errno))};
    gzbuffer(file_.get(), 1U << 17);
    return {};
  }

  /// Reads a big-endian 32-bit number; `what` names it in errors.
  Result<std::uint32_t> read_number(const char* what) {
    std::array<std::uint8_t, 4> bytes{};
    if (Failure failure = read_exactly(bytes.data(), bytes.size(), what)) return std::move(*failure);
    return (std::uint32_t{bytes[0]} << 24) | (std::uint32_t{bytes[1]} << 16) |
           (std::uint32_t{bytes[2]} << 8) | std::uint32_t{bytes[3]};
  }

  Failure read_magic(std::uint32_t expected) {
    const Result<std::uint32_t> magic = read_number("the magic number");
    if (!magic) return magic.error();
    if (magic.value() == expected) return {};
    return error_at(0, fmt::format("magic number 0x{:08x}; expected 0x{:08x} ({})", magic.value(), expected,
                                   expected == kImagesMagic ? "images of bytes" : "labels of bytes"));
  }

  /// Reads a dimension between 1 and `largest`.
  Result<std::uint32_t> read_dimension(const char* what, std::uint32_t largest) {
    const std::uint64_t at = offset_;
    Result<std::uint32_t> dimension = read_number(what);
    if (dimension.ok() && (dimension.value() == 0 || dimension.value() > largest)) {
      return error_at(at, fmt::format("{} is {}; expected 1 to {}", what, dimension.value(), largest));
    }
    return dimension;
  }

  /// Reads `size` bytes and demands that the file ends there. Grows by what was read, at most doubling.
  Result<std::vector<std::uint8_t>> read_rest(std::uint64_t size, const char* what) {
    std::vector<std::uint8_t> content;
    while (content.size() < size) {
      const std::size_t old_size = content.size();
      const std::uint64_t wanted = std::min<std::uint64_t>(size, std::max(kFirstChunk, 2 * old_size));
      content.reserve(wanted);
      content.resize(wanted);
      const Result<std::size_t> got = read_some(content.data() + old_size, content.size() - old_size);
      if (!got) return got.error();
      if (old_size + got.value() < content.size()) {
        return error_at(offset_, fmt::format("the file ends {} bytes into {}; its header announces {}",
                                             old_size + got.value(), what, size));
      }
    }
    // Reading past the end is also what makes zlib compare its checksum.
    std::uint8_t excess = 0;
    const Result<std::size_t> got = read_some(&excess, 1);
    if (!got) return got.error();
    if (got.value() != 0) {
      return error_at(offset_ - 1,
                      fmt::format("more bytes follow {}; expected the end after {} bytes", what, size));
    }
    return content;
  }

  Error error_at(std::uint64_t offset, const std::string& what) const {
    return Error{fmt::format("{}: byte {}: {}", path_.string(), offset, what)};
  }

  const fs::path& path() const { return path_; }

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };

  // Reads until `size` bytes are there or the file ends; returns how many there were.
  Result<std::size_t> read_some(std::uint8_t* into, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
      const auto piece = static_cast<unsigned>(std::min<std::size_t>(size - done, std::size_t{1} << 30));
      const int got = gzread(file_.get(), into + done, piece);
      int code = Z_OK;
      const char* const reason = gzerror(file_.get(), &code);
      // A gzip stream that stops in its middle is Z_BUF_ERROR: reported as the truncation it is, by the
      // caller.
      if (got < 0 && code != Z_BUF_ERROR) {
        return error_at(offset_, fmt::format("cannot read on: {}; expected a plain or gzip IDX file",
                                             code == Z_ERRNO ? std::strerror(errno) : reason));
      }
      if (got <= 0) break;
      done += static_cast<std::size_t>(got);
      offset_ += static_cast<std::uint64_t>(got);
    }
    return done;
  }

  Failure read_exactly(std::uint8_t* into, std::size_t size, const char* what) {
    const std::uint64_t at = offset_;
    const Result<std::size_t> got = read_some(into, size);
    if (!got) return got.error();
    if (got.value() == size) return {};
    return error_at(
        at, fmt::format("the file ends after {} bytes; expected {} ({} bytes) here", offset_, what, size));
  }

  fs::path path_;
  std::unique_ptr<gzFile_s, Close> file_;
  std::uint64_t offset_ = 0;
};

Failure read_images(IdxFile& file, ImageSet& set) {
  if (Failure failure = file.open()) return failure;
  if (Failure failure = file.read_magic(kImagesMagic)) return failure;
  const Result<std::uint32_t> count = file.read_dimension("the number of images", UINT32_MAX);
  if (!count) return count.error();
  const Result<std::uint32_t> height = file.read_dimension("the images' height", kLargestSide);
  if (!height) return height.error();
  const Result<std::uint32_t> width = file.read_dimension("the images' width", kLargestSide);
  if (!width) return width.error();
  set.height = height.value();
  set.width = width.value();
  Result<std::vector<std::uint8_t>> pixels =
      file.read_rest(std::uint64_t{count.value()} * set.height * set.width, "the pixels");
  if (!pixels) return pixels.error();
  set.pixels = std::move(pixels).value();
  return {};
}

Failure read_labels(IdxFile& file, std::size_t expected_count, std::size_t classes, ImageSet& set) {
  constexpr std::uint64_t kHeaderBytes = 8;
  if (Failure failure = file.open()) return failure;
  if (Failure failure = file.read_magic(kLabelsMagic)) return failure;
  const Result<std::uint32_t> count = file.read_dimension("the number of labels", UINT32_MAX);
  if (!count) return count.error();
  if (count.value() != expected_count) {
    return file.error_at(
        4, fmt::format("{} labels; expected {}, one for each image", count.value(), expected_count));
  }
  Result<std::vector<std::uint8_t>> labels = file.read_rest(count.value(), "the labels");
  if (!labels) return labels.error();
  set.labels = std::move(labels).value();
  const auto wrong = std::find_if(set.labels.begin(), set.labels.end(),
                                  [&](std::uint8_t label) { return label >= classes; });
  if (wrong == set.labels.end()) return {};
  const auto position = static_cast<std::uint64_t>(wrong - set.labels.begin());
  return file.error_at(kHeaderBytes + position,
                       fmt::format("label {}; expected 0 to {}", *wrong, classes - 1));
}

// The file itself or its .gz form, whichever is there; nothing if neither.
std::optional<fs::path> find_form(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  for (const char* const ending : {"", ".gz"}) {
    const fs::path path = folder / (name + ending);
    if (fs::exists(path, ignored)) return path;
  }
  return {};
}

}  // namespace

Result<ImageSet> read_idx_pair(const fs::path& images, const fs::path& labels, std::size_t classes) {
  ImageSet set;
  IdxFile image_file(images);
  if (Failure failure = read_images(image_file, set)) return std::move(*failure);
  IdxFile label_file(labels);
  const std::size_t count = set.pixels.size() / set.pixels_per_image();
  if (Failure failure = read_labels(label_file, count, classes, set)) return std::move(*failure);
  return set;
}

IdxPresence find_idx_files(const fs::path& folder) {
  const auto found =
      static_cast<std::size_t>(std::count_if(kFileNames.begin(), kFileNames.end(), [&](const char* name) {
        return find_form(folder, name).has_value();
      }));
  if (found == 0) return IdxPresence::none;
  return found == kFileNames.size() ? IdxPresence::all : IdxPresence::some;
}

Result<TrainAndTest> read_idx_folder(const fs::path& folder, std::size_t classes) {
  std::array<fs::path, kFileNames.size()> paths;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::optional<fs::path> path = find_form(folder, kFileNames[i]);
    if (!path) {
      return Error{fmt::format("{}: no such file; expected it there, plain or with .gz",
                               (folder / kFileNames[i]).string())};
    }
    paths[i] = *path;
  }
  Result<ImageSet> train = read_idx_pair(paths[0], paths[1], classes);
  if (!train) return train.error();
  Result<ImageSet> test = read_idx_pair(paths[2], paths[3], classes);
  if (!test) return test.error();
  if (test.value().height != train.value().height || test.value().width != train.value().width) {
    return Error{fmt::format("{}: byte 8: images of {} x {}; expected {} x {} as in {}", paths[2].string(),
                             test.value().height, test.value().width, train.value().height,
                             train.value().width, paths[0].string())};
  }
  return TrainAndTest{std::move(train).value(), std::move(test).value()};
}

}  // namespace meridian
