#include "src/output/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace meridian::output {

namespace {

/// The rename itself is only safe once the folder that holds the name is on the disk. Some file systems
/// refuse to synchronise a folder; the content is in place then all the same.
void synchronise_folder(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), part_(path_) {
  part_ += kPartSuffix;
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(part_.c_str());
}

Error AtomicFile::failed(const char* what, int error_number) const {
  return Error{
      fmt::format("{}: {}: {}", path_.string(), what, std::generic_category().message(error_number))};
}

Failure AtomicFile::open() {
  MERIDIAN_CHECK(descriptor_ < 0, "{}", path_.string());
  // A part left by an earlier crash goes first, and a link planted in its place is not followed.
  ::unlink(part_.c_str());
  descriptor_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) return failed("cannot be created", errno);
  return std::nullopt;
}

Failure AtomicFile::write(std::span<const std::byte> bytes) {
  MERIDIAN_CHECK(descriptor_ >= 0, "{}", path_.string());
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return failed("cannot be written", errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return std::nullopt;
}

Failure AtomicFile::commit() {
  MERIDIAN_CHECK(descriptor_ >= 0, "{}", path_.string());
  if (::fsync(descriptor_) != 0) return failed("cannot be brought to the disk", errno);
  if (::rename(part_.c_str(), path_.c_str()) != 0) return failed("cannot be put in its place", errno);
  const int closed = ::close(std::exchange(descriptor_, -1));
  if (closed != 0) return failed("cannot be closed", errno);
  synchronise_folder(path_);
  return std::nullopt;
}

Failure write_text_atomically(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  if (Failure failure = file.open()) return failure;
  if (Failure failure = file.write(std::as_bytes(std::span(text)))) return failure;
  return file.commit();
}

Result<std::string> read_text(const std::filesystem::path& path, std::size_t limit_bytes) {
  const auto failed = [&](const std::string& why) {
    return Error{fmt::format("{}: {}", path.string(), why)};
  };
  // Non-blocking, or opening a pipe that lies here instead of a file would wait for its writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return failed("cannot be opened: " + std::generic_category().message(errno));
  struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
  } closer{descriptor};

  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    return failed("cannot be read: " + std::generic_category().message(errno));
  }
  if (!S_ISREG(status.st_mode)) return failed("is not a regular file");
  std::string text;
  char block[1 << 16];
  for (;;) {
    const ssize_t count = ::read(descriptor, block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("cannot be read: " + std::generic_category().message(errno));
    if (count == 0) return text;
    text.append(block, static_cast<std::size_t>(count));
    if (text.size() > limit_bytes) return failed(fmt::format("is larger than {} bytes", limit_bytes));
  }
}

}  // namespace meridian::output
