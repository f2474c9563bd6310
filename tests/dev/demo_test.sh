#!/usr/bin/env bash
# Goal: the demo takes real data where there is some and says so where there is none, and stops where a step fails.
# How: stand-ins for cmake and meridian that record how they were called; an address that refuses connections.
. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

make_places_for_stand_ins
# shellcheck disable=SC2016  # the stand-in expands it
printf '#!/bin/sh\necho "$* [$MERIDIAN_DATA]" >> %s\n[ "$1" != "$FAILING" ]\n' "$calls" > "$program/meridian"
chmod +x "$program/meridian"

demo() {
  : > "$calls"
  run env -u MERIDIAN_DATA PATH="$bin:$PATH" MERIDIAN_SKIP_DEPS=1 MERIDIAN_DATA_URL=http://127.0.0.1:1 "$@" "$project/dev" demo
}
expect_data() { [ "$(sed 's/.*\[\(.*\)\]/\1/' "$calls" | sort -u)" = "$1" ] || fail "expected all steps to see $1"; }
make_data() {
  mkdir -p "$1"
  sed -n 's/^[0-9a-f]\{64\}  //p' "$project/tools/data/fashion-mnist.sha256" | while read -r f; do : > "$1/$f"; done
}

# Without data: announced, and the five steps happen.
demo
expect_status 0
expect_output "GENERATED data"
expect_data /nonexistent
# The simulations go side by side, in any order.
steps=$(sed 's/ \[.*//' "$calls")
sorted=$(head -1 <<< "$steps"; sed -n 2,4p <<< "$steps" | sort; sed -n '5,$p' <<< "$steps")
[ "$sorted" = "run configs/demo.yaml --out runs/demo/run --overwrite
simulate configs/demo.yaml --set wan.mode=bsp --set wan.links=lan --threads 1 --out runs/demo/bsp-lan --overwrite
simulate configs/demo.yaml --set wan.mode=bsp --threads 1 --out runs/demo/bsp-wan --overwrite
simulate configs/demo.yaml --threads 1 --out runs/demo/gaia-wan --overwrite
report runs/demo/run runs/demo/bsp-wan runs/demo/gaia-wan runs/demo/bsp-lan --baseline runs/demo/bsp-wan --lan runs/demo/bsp-lan" ] ||
  fail "other steps were expected"

# MERIDIAN_DATA first, relative or not; then data/; a set with a file missing does not count.
make_data "$project/data/fashion-mnist"
demo
expect_no_output GENERATED
expect_data "$project/data"
make_data "$scratch/elsewhere/fashion-mnist"
demo MERIDIAN_DATA="$scratch/elsewhere"
expect_data "$scratch/elsewhere"
cd "$scratch"
demo MERIDIAN_DATA=elsewhere
expect_data "$scratch/elsewhere"
rm "$scratch/elsewhere/fashion-mnist/t10k-labels-idx1-ubyte.gz"
demo MERIDIAN_DATA="$scratch/elsewhere"
expect_data "$project/data"
: > "$scratch/elsewhere/fashion-mnist/t10k-labels-idx1-ubyte"
demo MERIDIAN_DATA="$scratch/elsewhere"
expect_data "$scratch/elsewhere"

# A step fails: so does the demo, and nothing follows but what went beside it.
demo FAILING=simulate
expect_status 1
[ "$(wc -l < "$calls")" = 4 ] || fail "steps followed the ones that failed"
