// Takes numbers too small for a float's exponent (subnormal ones, below 1.2e-38) for zero while it lives.
// Moments of a parameter that gets no more gradients shrink until they are that small, and would stay so for
// ever: rounding keeps them from reaching zero. Processors take a hundred times as long for each of them.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace meridian {

/// Holds for the thread that makes it, which must end it too. Elsewhere than on x86-64 and aarch64 it does
/// nothing.
class FlushSubnormals {
 public:
  FlushSubnormals() { set(before_ | kFlush); }
  ~FlushSubnormals() { set(before_); }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
#if defined(__x86_64__)
  using Control = std::uint32_t;
  static constexpr Control kFlush = 0x8040;  // results ("flush to zero") and operands ("denormals are zeros")
  static Control get() { return _mm_getcsr(); }
  static void set(Control control) { _mm_setcsr(control); }
#elif defined(__aarch64__)
  using Control = std::uint64_t;
  static constexpr Control kFlush = 1U << 24U;  // FPCR.FZ: both
  static Control get() {
    Control control = 0;
    asm volatile("mrs %0, fpcr" : "=r"(control));
    return control;
  }
  static void set(Control control) { asm volatile("msr fpcr, %0" : : "r"(control)); }
#else
  using Control = std::uint32_t;
  static constexpr Control kFlush = 0;
  static Control get() { return 0; }
  static void set(Control /*control*/) {}
#endif

  Control before_ = get();
};

}  // namespace meridian
