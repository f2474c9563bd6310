#!/usr/bin/env bash
# Goal: `dev bench` hands on what it was asked for, adds the kernels, and fails where the comparison does.
# How: stand-ins for cmake and both programs that record how they were called.
. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

make_places_for_stand_ins
benches=$project/build/release/experiments/bench
mkdir -p "$benches" "$project/experiments/bench"
for name in cluster kernels; do
  # shellcheck disable=SC2016  # the stand-in expands it
  printf '#!/bin/sh\necho "%s $*" >> %s\n[ "$FAILING" != %s ]\n' "$name" "$calls" "$name" > "$benches/bench_$name"
  chmod +x "$benches/bench_$name"
done

bench() {
  : > "$calls"
  run env FAILING="${failing:-}" PATH="$bin:$PATH" MERIDIAN_SKIP_DEPS=1 "$project/dev" bench "$@"
}
expect_calls() { [ "$(cat "$calls")" = "$1" ] || fail "expected these calls: $1; saw: $(cat "$calls")"; }

# The kernels' figures become part of the one file.
bench --json out.json
expect_status 0
expect_calls "kernels --json build/bench_kernels.json
cluster --kernels build/bench_kernels.json --json out.json"

# A comparison that fails is the command's failure; a failure of the kernels ends it.
failing=cluster bench --check --quick
expect_status 1
expect_calls "kernels --json build/bench_kernels.json
cluster --check experiments/bench/expected.json --quick --kernels build/bench_kernels.json"
failing=kernels bench --update
expect_status 1
expect_calls "kernels --json build/bench_kernels.json"

# What it does not know is said, and nothing runs.
for words in "--wrong" "--json"; do
  bench "$words"
  expect_status 2
  expect_calls ""
done
