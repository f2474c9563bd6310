#include "src/output/model_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <utility>

#include "src/output/atomic_file.h"

namespace meridian::output {

namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kHeaderLimitBytes = 16UL << 20;
constexpr const char* kMetadataKey = "__metadata__";

std::string make_header(std::span<const TableSpec> tables) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  std::size_t offset = 0;
  for (const TableSpec& table : tables) {
    const std::size_t end = offset + table.size() * sizeof(float);
    header[table.name] = {
        {"dtype", "F32"}, {"shape", {table.rows, table.columns}}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  MERIDIAN_CHECK(header.size() == tables.size(), "{} names for {} tables", header.size(), tables.size());
  std::string text = header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  // The values start on a multiple of eight bytes, so that a reader may map them where they lie.
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

/// One tensor as the header describes it, once checked.
struct TensorPlace {
  TableSpec table;
  std::uint64_t begin = 0;  ///< within the values
  std::uint64_t end = 0;
};

/// Reads a file at given places; the last error is in errno.
class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  int descriptor() const { return descriptor_; }

  /// False where the file ended early or could not be read.
  bool read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count == 0) errno = EIO;
      if (count <= 0) return false;
      offset += static_cast<std::uint64_t>(count);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return true;
  }

 private:
  int descriptor_;
};

bool read_counts(const nlohmann::json& list, std::vector<std::uint64_t>& counts) {
  if (!list.is_array()) return false;
  for (const nlohmann::json& element : list) {
    if (!element.is_number_unsigned()) return false;
    counts.push_back(element.get<std::uint64_t>());
  }
  return true;
}

/// Checks one tensor's description against `values_bytes`, the bytes there are behind the header.
Result<TensorPlace> read_place(const std::string& name, const nlohmann::json& json,
                               std::uint64_t values_bytes) {
  const auto failed = [&](const char* what) { return Error{fmt::format("tensor '{}': {}", name, what)}; };
  if (!json.is_object() || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets")) {
    return failed("expected dtype, shape and data_offsets");
  }
  if (json["dtype"] != "F32") return failed("dtype: expected F32");
  std::vector<std::uint64_t> shape;
  if (!read_counts(json["shape"], shape) || shape.empty() || shape.size() > 2) {
    return failed("shape: expected one or two whole numbers");
  }
  std::vector<std::uint64_t> offsets;
  if (!read_counts(json["data_offsets"], offsets) || offsets.size() != 2 || offsets[0] > offsets[1] ||
      offsets[1] > values_bytes) {
    return failed("data_offsets: expected two offsets within the file, in ascending order");
  }
  const std::uint64_t columns = shape.size() == 2 ? shape[1] : 1;
  std::uint64_t size_bytes = 0;
  if (__builtin_mul_overflow(shape[0], columns, &size_bytes) ||
      __builtin_mul_overflow(size_bytes, sizeof(float), &size_bytes) ||
      size_bytes != offsets[1] - offsets[0]) {
    return failed("shape and data_offsets disagree");
  }
  return TensorPlace{{name, shape[0], columns}, offsets[0], offsets[1]};
}

Result<std::vector<TensorPlace>> read_places(const std::string& header, std::uint64_t values_bytes) {
  const nlohmann::json json = nlohmann::json::parse(header, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return Error{"the header is not a JSON object"};
  std::vector<TensorPlace> places;
  for (const auto& [name, description] : json.items()) {
    if (name == kMetadataKey) continue;
    Result<TensorPlace> place = read_place(name, description, values_bytes);
    if (!place) return place.error();
    places.push_back(std::move(place).value());
  }
  std::ranges::sort(places, [](const TensorPlace& a, const TensorPlace& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t covered = 0;
  for (const TensorPlace& place : places) {
    if (place.begin != covered) {
      return Error{
          fmt::format("tensor '{}': starts at {} where {} was expected: tensors may neither overlap nor "
                      "leave gaps",
                      place.table.name, place.begin, covered)};
    }
    covered = place.end;
  }
  if (covered != values_bytes) {
    return Error{fmt::format("{} bytes of values, of which the header describes {}", values_bytes, covered)};
  }
  return places;
}

}  // namespace

Failure write_model(const std::filesystem::path& path, std::span<const TableSpec> tables, TablesView values) {
  MERIDIAN_CHECK(tables.size() == values.size(), "{} tables, {} values", tables.size(), values.size());
  const std::string header = make_header(tables);
  const std::uint64_t header_bytes = header.size();
  AtomicFile file(path);
  if (Failure failure = file.open()) return failure;
  if (Failure failure = file.write(std::as_bytes(std::span(&header_bytes, 1)))) return failure;
  if (Failure failure = file.write(std::as_bytes(std::span(header)))) return failure;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    MERIDIAN_CHECK(values[i].size() == tables[i].size(), "table {}: {} values", tables[i].name,
                   values[i].size());
    if (Failure failure = file.write(std::as_bytes(values[i]))) return failure;
  }
  return file.commit();
}

Result<Model> read_model(const std::filesystem::path& path) {
  const auto failed = [&](const std::string& why) {
    return Error{fmt::format("{}: {}", path.string(), why)};
  };
  const auto failed_read = [&] {
    return failed("cannot be read: " + std::generic_category().message(errno));
  };
  const OpenFile file(path);
  struct stat status {};
  if (file.descriptor() < 0 || ::fstat(file.descriptor(), &status) != 0) return failed_read();
  if (!S_ISREG(status.st_mode)) return failed("is not a regular file");
  const auto file_bytes = static_cast<std::uint64_t>(status.st_size);
  if (file_bytes < kLengthBytes) return failed("is too short to be a safetensors file");

  std::uint64_t header_bytes = 0;
  if (!file.read_at(0, std::as_writable_bytes(std::span(&header_bytes, 1)))) return failed_read();
  if (header_bytes > kHeaderLimitBytes || header_bytes > file_bytes - kLengthBytes) {
    return failed(
        fmt::format("a header of {} bytes in a file of {}: expected at most {} bytes and within the file",
                    header_bytes, file_bytes, kHeaderLimitBytes));
  }
  std::string header(header_bytes, '\0');
  if (!file.read_at(kLengthBytes, std::as_writable_bytes(std::span(header)))) return failed_read();

  const std::uint64_t values_at = kLengthBytes + header_bytes;
  Result<std::vector<TensorPlace>> places = read_places(header, file_bytes - values_at);
  if (!places) return failed(places.error().message);
  Model model;
  for (TensorPlace& place : places.value()) {
    FloatBuffer values(place.table.size());
    if (!file.read_at(values_at + place.begin, std::as_writable_bytes(values.span()))) return failed_read();
    model.tables.push_back(std::move(place.table));
    model.values.push_back(std::move(values));
  }
  return model;
}

}  // namespace meridian::output
