// MERIDIAN_FOR_EACH_INSTRUCTION_SET before a function definition: the compiler makes it several times, for
// the vector units of newer processors too, and the loader takes the best one that the machine has. Builds
// stay portable, and a loop over floats is up to eight times as fast. For functions of plain loops only: what
// they call and is not inlined is the portable version.
//
// All versions give the same bits where no version may fuse a product with a sum, so whoever uses this
// compiles with -ffp-contract=off.
#pragma once

// Sanitizers come up too late for the functions that choose; clang 14 does not know the attribute in C++.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define MERIDIAN_FOR_EACH_INSTRUCTION_SET __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MERIDIAN_FOR_EACH_INSTRUCTION_SET
#endif
