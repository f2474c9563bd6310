# shellcheck shell=bash
# What the tests of `dev` have in common: a folder of their own, `$scratch`, with a copy of dev and of tools/ as the
# project to try them on, and expectations that name what they saw.
set -euo pipefail

source_dir=${MERIDIAN_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
project=$scratch/project
mkdir "$project"
cp -r "$source_dir/dev" "$source_dir/tools" "$project"

# run COMMAND...: keeps what it printed in $output and its exit status in $status.
run() {
  status=0
  output=$("$@" 2>&1 < /dev/null) || status=$?
}

fail() {
  printf '%s:%s: %s\n--- the last command ended with %s and printed:\n%s\n' \
    "${BASH_SOURCE[2]:-$0}" "${BASH_LINENO[1]:-${BASH_LINENO[0]}}" "$1" "${status:-?}" "${output:-}" >&2
  exit 1
}

expect_status() { [ "$status" = "$1" ] || fail "expected exit $1"; }
expect_output() { [[ $output == *"$1"* ]] || fail "expected in the output: $1"; }
expect_no_output() { [[ $output != *"$1"* ]] || fail "not expected in the output: $1"; }
expect_file() { [ -f "$1" ] || fail "expected a file $1"; }
expect_no_file() { [ ! -e "$1" ] || fail "expected no $1"; }
expect_same() { cmp -s "$1" "$2" || fail "expected $1 and $2 to be equal"; }

# What commands that build and run something need: a `cmake` that does nothing, and a place for stand-ins of the program
# in $program and of others in $bin, which write how they were called to $calls.
make_places_for_stand_ins() {
  bin=$scratch/bin
  # shellcheck disable=SC2034  # for whoever sources this
  calls=$scratch/calls
  program=$project/build/release/src/program
  mkdir -p "$bin" "$program"
  printf '#!/bin/sh\nexit 0\n' > "$bin/cmake"
  chmod +x "$bin/cmake"
}
