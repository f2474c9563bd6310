// A file that appears under its name only when it is whole: it is written beside its place, brought to the
// disk and then renamed. Whoever reads the name, even after a crash or on a full disk, finds the old content
// or the new one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "src/base/result.h"

namespace meridian::output {

/// What is appended to a file's name while it is being written.
inline constexpr std::string_view kPartSuffix = ".part";

/// Not thread-safe. Without a successful commit() nothing stays behind but the old content.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Starts the new content. An error names the path and the reason, as for the functions below.
  Failure open();

  /// Appends. Requires open() to have succeeded.
  Failure write(std::span<const std::byte> bytes);

  /// Brings the content to the disk and puts it in its place.
  Failure commit();

 private:
  Error failed(const char* what, int error_number) const;

  std::filesystem::path path_;
  std::filesystem::path part_;
  int descriptor_ = -1;
};

/// Replaces the content of `path` by `text`, whole or not at all.
Failure write_text_atomically(const std::filesystem::path& path, std::string_view text);

/// The content of a regular file of at most `limit_bytes` bytes; an error names the file.
Result<std::string> read_text(const std::filesystem::path& path, std::size_t limit_bytes);

}  // namespace meridian::output
