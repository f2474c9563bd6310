#!/usr/bin/env bash
# Goal: dev installs exactly what is missing, and where it may not or cannot, names it and stops.
# How: dev runs with a PATH that holds only basic tools and stand-ins for dpkg-query, apt-get, id and sudo, which
# record what they were asked; one case for each kind of machine.
. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

bin=$scratch/bin
asked=$scratch/asked
mkdir "$bin"
for tool in bash env cat sed grep dirname readlink rm mkdir; do ln -s "$(command -v $tool)" "$bin/$tool"; done

# stand_in NAME BODY: a command of that name.
stand_in() {
  printf '#!/bin/bash\n%s\n' "$2" > "$bin/$1"
  chmod +x "$bin/$1"
}
# Every package is there but these.
missing() { stand_in dpkg-query "shift 2; for p in \"\$@\"; do case ' $* ' in *\" \$p \"*) ;; *) echo \"installed \$p\" ;; esac; done"; }
user() { stand_in id "echo $1"; }
dev() {
  : > "$asked"
  run env -i PATH="$bin" "$project/dev" "$@"
}

stand_in apt-get "echo \"\$*\" >> $asked"
user 0

# Nothing is missing: apt-get is not even called.
missing
dev deps
expect_status 0
[ ! -s "$asked" ] || fail "apt-get was called"

# Root: only what is missing is installed, without recommended packages.
missing cmake libzmq3-dev
dev deps
expect_status 0
run cat "$asked"
expect_output " update"
expect_output "install -y --no-install-recommends cmake libzmq3-dev"
expect_no_output ninja-build

# A package that is known to dpkg but removed is missing.
stand_in dpkg-query 'echo "config-files cmake"'
dev deps
run cat "$asked"
expect_output " cmake "

# Another user: through sudo, where that works without asking.
missing curl
user 1000
dev deps
expect_status 1
expect_output "missing: curl"
expect_output "apt-get install curl"
[ ! -s "$asked" ] || fail "apt-get was called by a user who may not"

# shellcheck disable=SC2016  # the stand-in expands it
stand_in sudo '[ "$1" != -n ] || exit 1; exec "$@"'
dev deps
expect_status 1
expect_output "missing: curl"

# shellcheck disable=SC2016  # the stand-in expands it
stand_in sudo '[ "$1" != -n ] || exit 0; exec "$@"'
dev deps
expect_status 0
run cat "$asked"
expect_output "install -y --no-install-recommends curl"

# Installing fails.
user 0
stand_in apt-get 'exit 100'
dev deps
expect_status 1
expect_output "could not install: curl"

# Not Debian: every command that needs something says what, and how to go on without.
rm "$bin/apt-get"
dev build
expect_status 1
expect_output "no apt and dpkg"
expect_output libzmq3-dev
expect_output MERIDIAN_SKIP_DEPS=1

# Bad usage is exit 2, with help that has examples; asked for, help is no error.
for wrong in "" bogus "test --slow" "lint everything" "data" "data nothing-of-that-name" "data ../x" "build now"; do
  # shellcheck disable=SC2086  # several words are several arguments
  dev $wrong
  expect_status 2
  expect_output "./dev demo"
done
dev help
expect_status 0
expect_output "./dev demo"

# Every package is justified in the documentation, and nothing else is listed there.
cd "$source_dir"
# shellcheck disable=SC2016  # Markdown's backquotes
sed -n 's/^| `\(.*\)` |.*/\1/p' docs/dependencies.md | sort > "$scratch/justified"
sed -nE 's/^(build|test|monitor|profile|fuzz|lint|data) +([^ ]+) .*/\2/p' tools/packages.txt | sort > "$scratch/listed"
run diff "$scratch/justified" "$scratch/listed"
expect_status 0
