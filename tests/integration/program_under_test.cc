#include "tests/integration/program_under_test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace meridian::integration {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kBetweenLooks{5};

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// A file without a name: it holds any amount, and goes with the test.
program::Descriptor nameless_file(const char* name) {
  program::Descriptor file(::memfd_create(name, MFD_CLOEXEC));
  if (!file) fail("memfd_create");
  return file;
}

std::string content_of(const program::Descriptor& file) {
  std::string text;
  std::array<char, 4096> block{};
  for (;;) {
    const ssize_t count = ::pread(file.number(), block.data(), block.size(), static_cast<off_t>(text.size()));
    if (count <= 0) return text;
    text.append(block.data(), static_cast<std::size_t>(count));
  }
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) environment.push_back(text);
  }
  for (const auto& [key, value] : added) environment.push_back(key + "=" + value);
  return environment;
}

/// The words of a process's command line; empty for a zombie or one that is gone.
std::vector<std::string> command_line_of(const std::filesystem::path& process) {
  std::ifstream file(process / "cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

std::string word_after(const std::vector<std::string>& words, const std::string& option) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == option) return words[i + 1];
  }
  return {};
}

std::string role_of(const std::vector<std::string>& words) {
  const std::string command = words.size() > 1 ? words[1] : "";
  if (command == "emulate") return "emulator";
  if (command != "node") return "launcher";
  const std::string index = word_after(words, "--index");
  return word_after(words, "--datacenter") + "-" + word_after(words, "--role") + "-" +
         (index.empty() ? "0" : index);
}

}  // namespace

ProgramUnderTest::ProgramUnderTest(const std::vector<std::string>& arguments, const StartOptions& options)
    : out_(nameless_file("out")), err_(nameless_file("err")) {
  const char* const binary = std::getenv("MERIDIAN_BINARY");
  if (binary == nullptr) throw std::runtime_error("MERIDIAN_BINARY: expected the path of meridian");
  std::vector<std::string> words = {binary};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment = environment_with(options.environment);
  const std::vector<char*> word_pointers = pointers_to(words);
  const std::vector<char*> environment_pointers = pointers_to(environment);
  const program::Descriptor input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!input) fail("/dev/null");
  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    // Between fork and exec nothing may allocate or lock.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!options.working_directory.empty() && ::chdir(options.working_directory.c_str()) != 0) ::_exit(126);
    if (options.file_size_limit_bytes) {
      const rlimit limit{*options.file_size_limit_bytes, *options.file_size_limit_bytes};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      ::signal(SIGXFSZ, SIG_IGN);  // write() then fails with EFBIG, as on a full disk with ENOSPC
    }
    ::dup2(input.number(), STDIN_FILENO);
    ::dup2(out_.number(), STDOUT_FILENO);
    ::dup2(err_.number(), STDERR_FILENO);
    ::execve(words.front().c_str(), word_pointers.data(), environment_pointers.data());
    ::_exit(127);
  }
  process_ = program::open_process(pid_);
  if (!process_) fail("pidfd_open");
}

ProgramUnderTest::~ProgramUnderTest() {
  if (reaped_) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void ProgramUnderTest::send_signal(int signal_number) const { ::kill(pid_, signal_number); }

std::string ProgramUnderTest::out() const { return content_of(out_); }
std::string ProgramUnderTest::err() const { return content_of(err_); }

bool ProgramUnderTest::ended_within(milliseconds time) const {
  pollfd waiting{process_.number(), POLLIN, 0};
  return ::poll(&waiting, 1, static_cast<int>(time.count())) == 1;
}

bool ProgramUnderTest::wait_until(const std::function<bool()>& condition) const {
  const auto deadline = steady_clock::now() + kDeadline;
  while (steady_clock::now() < deadline) {
    if (condition()) return true;
    if (ended_within(kBetweenLooks)) return condition();
  }
  return false;
}

std::optional<Ended> ProgramUnderTest::wait(std::chrono::seconds deadline) {
  if (!ended_within(deadline)) return std::nullopt;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  reaped_ = true;
  return Ended{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), out(), err()};
}

Ended run_meridian(const std::vector<std::string>& arguments, const StartOptions& options) {
  ProgramUnderTest program(arguments, options);
  std::optional<Ended> ended = program.wait();
  if (!ended) throw std::runtime_error("meridian did not end; it said: " + program.err());
  return *ended;
}

std::map<std::string, pid_t> processes_of(const std::filesystem::path& folder) {
  std::map<std::string, pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string number = entry.path().filename();
    if (number.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::vector<std::string> words = command_line_of(entry.path());
    for (const std::string& word : words) {
      if (!word.starts_with(folder.string())) continue;
      found[role_of(words)] = std::stoi(number);
      break;
    }
  }
  return found;
}

bool all_gone(const std::filesystem::path& folder, std::chrono::seconds deadline) {
  const auto until = steady_clock::now() + deadline;
  while (!processes_of(folder).empty()) {
    if (steady_clock::now() > until) return false;
    pause_between_looks();
  }
  return true;
}

void pause_between_looks() { ::poll(nullptr, 0, static_cast<int>(kBetweenLooks.count())); }

}  // namespace meridian::integration
