// What a worker knows of its users: their factors and biases. It is the worker's own state: it never leaves
// its datacenter, and servers know nothing of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include "src/base/float_buffer.h"
#include "src/base/result.h"
#include "src/factorisation/rating_pass.h"

namespace meridian {

/// Not thread-safe.
class UserFactors {
 public:
  /// Factors of `users` (numbers among all users of the run, in the order of the rows), drawn from a normal
  /// distribution of deviation `scale`: a user's depend on the seed and its number only, so that they are the
  /// same whichever worker has it. Biases, if there are any, start at 0.
  UserFactors(std::uint64_t seed, std::span<const std::uint32_t> users, std::size_t rank, bool biases,
              double scale);

  std::size_t users() const { return users_; }
  UserRows<float> rows();
  UserRows<const float> rows() const;

  /// Writes all of it: a header that names version, shape and users, the numbers and their checksum.
  void save(std::ostream& out) const;
  /// Takes back what save() of the same seed, users and shape wrote. An error says what is wrong with it; the
  /// factors are then undefined.
  Failure restore(std::istream& in);

 private:
  struct Header;
  Header header() const;

  std::size_t users_ = 0;
  std::size_t rank_ = 0;
  std::size_t stride_ = 0;
  std::uint64_t identity_ = 0;  // of seed and users
  FloatBuffer factors_;
  FloatBuffer biases_;  // empty without biases
};

}  // namespace meridian
