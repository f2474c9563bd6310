// Received frames live in memory that the C library hands out and takes back a thousand times a second. By
// itself it gives freed blocks of this size back to the kernel, which clears every page before it hands it
// out again: a quarter of a transfer's time.
#pragma once

namespace meridian {

/// From now on freed blocks of up to 32 MB stay with the process and are used again. For the process as a
/// whole; tensors, which are larger, still go back when they are freed. Does nothing where the C library is
/// not glibc.
void keep_freed_memory();

}  // namespace meridian
