#include "src/factorisation/user_factors.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <istream>
#include <ostream>
#include <string_view>

#include "src/base/random.h"

namespace meridian {
namespace {

// Rows start where a vector of eight floats does.
constexpr std::size_t kRowUnit = 8;

constexpr std::array<char, 8> kMagic{'M', 'D', 'U', 'S', 'E', 'R', 'S', '\n'};
constexpr std::uint32_t kVersion = 1;

std::size_t stride_of(std::size_t rank) { return (rank + kRowUnit - 1) / kRowUnit * kRowUnit; }

std::uint64_t checksum(std::uint64_t start, std::span<const float> values) {
  for (const float value : values) start = mix_bits(start ^ std::bit_cast<std::uint32_t>(value));
  return start;
}

void write_bytes(std::ostream& out, const void* from, std::size_t size) {
  out.write(static_cast<const char*>(from), static_cast<std::streamsize>(size));
}

bool read_bytes(std::istream& in, void* to, std::size_t size) {
  in.read(static_cast<char*>(to), static_cast<std::streamsize>(size));
  return static_cast<std::size_t>(in.gcount()) == size;
}

}  // namespace

// As it stands in a checkpoint, in the byte order of the machine: x86-64 and aarch64 have the same.
struct UserFactors::Header {
  std::array<char, 8> magic{};
  std::uint32_t version = 0;
  std::uint32_t biases = 0;
  std::uint64_t users = 0;
  std::uint64_t rank = 0;
  std::uint64_t identity = 0;
};

UserFactors::UserFactors(std::uint64_t seed, std::span<const std::uint32_t> users, std::size_t rank,
                         bool biases, double scale)
    : users_(users.size()),
      rank_(rank),
      stride_(stride_of(rank)),
      identity_(mix_bits(seed)),
      factors_(users.size() * stride_),
      biases_(biases ? users.size() : 0) {
  for (std::size_t row = 0; row < users.size(); ++row) {
    identity_ = mix_bits(identity_ ^ users[row]);
    Random random = Random::for_parts(seed, {hash_text("user_factors"), users[row]});
    for (std::size_t k = 0; k < rank; ++k) {
      factors_[row * stride_ + k] = static_cast<float>(scale * random.normal());
    }
  }
}

UserRows<float> UserFactors::rows() {
  return {factors_.data(), stride_, biases_.empty() ? nullptr : biases_.data()};
}

UserRows<const float> UserFactors::rows() const {
  return {factors_.data(), stride_, biases_.empty() ? nullptr : biases_.data()};
}

UserFactors::Header UserFactors::header() const {
  return {kMagic, kVersion, biases_.empty() ? 0U : 1U, users_, rank_, identity_};
}

void UserFactors::save(std::ostream& out) const {
  const Header own = header();
  write_bytes(out, &own, sizeof(own));
  write_bytes(out, factors_.data(), factors_.size() * sizeof(float));
  write_bytes(out, biases_.data(), biases_.size() * sizeof(float));
  const std::uint64_t sum = checksum(checksum(identity_, factors_.span()), biases_.span());
  write_bytes(out, &sum, sizeof(sum));
}

Failure UserFactors::restore(std::istream& in) {
  const Header own = header();
  Header found;
  if (!read_bytes(in, &found, sizeof(found))) return Error{"the state of users ends in its header"};
  if (found.magic != own.magic) return Error{"the state of users does not begin with MDUSERS"};
  if (found.version != own.version) {
    return Error{fmt::format("the state of users is of version {}; expected {}", found.version, own.version)};
  }
  const auto shape_of = [](const Header& header) {
    return fmt::format("{} users of rank {} {} biases", header.users, header.rank,
                       header.biases == 0 ? "without" : "with");
  };
  if (found.users != own.users || found.rank != own.rank || found.biases != own.biases) {
    return Error{fmt::format("the state has {}; expected {}", shape_of(found), shape_of(own))};
  }
  if (found.identity != own.identity) return Error{"the state is of other users or another seed"};
  std::uint64_t sum = 0;
  if (!read_bytes(in, factors_.data(), factors_.size() * sizeof(float)) ||
      !read_bytes(in, biases_.data(), biases_.size() * sizeof(float)) || !read_bytes(in, &sum, sizeof(sum))) {
    return Error{fmt::format("the state of users ends early; expected {}", shape_of(own))};
  }
  if (sum != checksum(checksum(identity_, factors_.span()), biases_.span())) {
    return Error{"the state of users does not match its checksum"};
  }
  return {};
}

}  // namespace meridian
