// Each application from its options: reads or generates its data, then makes it. One file each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/workloads/workload_options.h"

namespace meridian {

// Errors name the option, or file and line, what is wrong and what was expected.
Result<MadeWorkload> make_images(const WorkloadOptions& options);
Result<MadeWorkload> make_factorisation(const WorkloadOptions& options);
Result<MadeWorkload> make_topics(const WorkloadOptions& options);
Result<MadeWorkload> make_logistic(const WorkloadOptions& options);

/// The words of the documents, each at its row in `word_topic`.
Result<std::vector<std::string>> vocabulary_of(const WorkloadOptions& options);

/// Data are generated rather than read: that is their format, or nothing is where they should be and the
/// options allow it.
bool is_generated(const WorkloadData& data);

/// The result of a `make_` function: the workload, and of its data `digest` unless they are generated.
Result<MadeWorkload> made_from(const WorkloadData& data, std::string digest,
                               Result<std::unique_ptr<Workload>> workload);

/// "GENERATED ratings, not real ones (u.data is not on this machine)", or the name of what is read.
std::string note_of(const WorkloadData& data, const std::string& what);

/// The generated sets are fixed ones, as downloaded ones would be: runs with other seeds share them.
inline constexpr std::uint64_t kGeneratedSeed = 20;

/// How to divide `samples`: as the options say, or, where they are one datacenter's alone, between its
/// workers.
PartitionOptions partition_of(const WorkloadOptions& options, std::size_t samples);

}  // namespace meridian
