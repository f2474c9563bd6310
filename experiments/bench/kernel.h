// One kernel of `bench_kernels`: what is called, how much work a call is, and which limit of the machine it
// runs into. The files kernel_*.cc make them; kernels.cc runs them all in turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace meridian::bench {

enum class Work : std::uint8_t {
  bytes,       ///< that must be read or written, each read and each write once
  operations,  ///< of floating-point numbers
};

struct Kernel {
  std::string name;
  std::string limit;  ///< the kernel whose rate limits this one's; none: it is a limit
  double work = 0.0;  ///< of one call
  Work unit = Work::bytes;
  std::function<void()> prepare;  ///< before each call, not timed; may be none
  std::function<void()> call;
};

/// Names of the limits.
inline constexpr const char* kScan = "limit: scan";
inline constexpr const char* kCopy = "limit: copy";
inline constexpr const char* kChange = "limit: read and write in place";
inline constexpr const char* kFusedWalk = "limit: walk over the fused pass's streams";
inline constexpr const char* kProducts = "limit: sgemm";

/// Floats in each stream: 64 MB.
inline constexpr std::size_t kEntries = std::size_t{16} << 20U;

/// Each takes memory that lives as long as the kernels do.
void add_limits(std::vector<Kernel>& kernels);
void add_clock_kernels(std::vector<Kernel>& kernels);    // a clock's sums, step and merge
void add_filter_kernels(std::vector<Kernel>& kernels);   // what goes out, and rounding
void add_codec_kernels(std::vector<Kernel>& kernels);    // encode, decode
void add_arrival_kernels(std::vector<Kernel>& kernels);  // checking and applying what others sent
void add_network_kernels(std::vector<Kernel>& kernels);  // a worker's gradient

}  // namespace meridian::bench
