#include <string>
#include <utility>

#include "src/data/data_digest.h"
#include "src/data/generated_ratings.h"
#include "src/data/ratings_reader.h"
#include "src/factorisation/factorisation_workload.h"
#include "src/workloads/make_workloads.h"

namespace meridian {
namespace {

Result<Ratings> ratings_of(const WorkloadData& data) {
  if (!is_generated(data)) return read_ratings({data.path}, {.items = data.shared_count("items")});
  GeneratedRatingsOptions options;
  options.seed = kGeneratedSeed;
  options.users = data.generated_count("users");
  options.items = data.generated_count("items");
  options.ratings = data.generated_count("ratings");
  options.rank = data.generated_count("rank");
  options.noise = data.generated_number("noise");
  Result<GeneratedRatings> generated = generate_ratings(options);
  if (!generated) return generated.error();
  return std::move(generated).value().ratings;
}

}  // namespace

Result<MadeWorkload> make_factorisation(const WorkloadOptions& options) {
  Result<Ratings> ratings = ratings_of(options.data);
  if (!ratings) return ratings.error();
  const bool whole = !is_generated(options.data) && !options.data.datacenter;
  std::string digest = whole ? digest_of(ratings.value()) : "";
  TrainAndTestRatings data = hold_out(ratings.value(), options.data.held_out, kGeneratedSeed);
  FactorisationOptions made;
  made.rank = static_cast<std::size_t>(options.numbers.at("rank"));
  made.l2 = options.numbers.at("l2");
  made.biases = options.numbers.at("biases") != 0.0;
  made.mean = options.numbers.at("mean");
  made.initial_scale = options.numbers.at("initial_scale");
  made.rate_at = options.rate_at;
  made.seed = options.seed;
  made.partition = partition_of(options, data.train.size());
  made.batch = options.batch;
  made.note = note_of(options.data, "ratings");
  return made_from(options.data, std::move(digest), make_factorisation_workload(made, std::move(data)));
}

}  // namespace meridian
