#!/usr/bin/env bash
# Shows that a fresh machine needs nothing but a clone: makes a bare Debian 12 root (debootstrap, minbase: no
# compiler, make, git, sudo or curl), puts a clone of the last commit into it, and runs `./dev` commands there.
#
#   tests/fresh-machine.sh [COMMAND...]    e.g. tests/fresh-machine.sh demo; without arguments: demo test
#
# Exit codes: 0 every command passed, 1 one failed, 77 this machine cannot make such a root (not root, no
# debootstrap, no right to mount). It works in mount and process namespaces of its own, which end with it: nothing
# stays mounted or running, also when it is interrupted.
set -euo pipefail

skip() { echo "fresh-machine: skipped: $*" >&2; exit 77; }
say() { echo "fresh-machine: $*" >&2; }

if [ "${FRESH_MACHINE_INSIDE:-}" != yes ]; then
  [ "$(id -u)" = 0 ] || skip "needs root"
  command -v debootstrap >/dev/null || skip "needs debootstrap: apt-get install debootstrap"
  command -v git >/dev/null || skip "needs git to clone with: apt-get install git"
  unshare --mount --pid --fork true 2>/dev/null || skip "may not make mount and process namespaces here"
  [ $# -gt 0 ] || set -- demo test

  source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  work=$(mktemp -d "${TMPDIR:-/tmp}/fresh-machine.XXXXXX")
  # The mounts inside went with their namespace; --one-file-system makes sure that nothing else can be hit.
  inside=
  # shellcheck disable=SC2317  # the traps call it
  clean_up() {
    # unshare heeds only SIGKILL; its child, and with it all processes inside, goes with it.
    if [ -n "$inside" ]; then { kill -KILL "$inside" && wait "$inside"; } 2>/dev/null || true; fi
    rm -rf --one-file-system "$work"
  }
  trap clean_up EXIT
  trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
  git clone --quiet --no-hardlinks "$source_dir" "$work/clone"
  FRESH_MACHINE_INSIDE=yes unshare --mount --pid --fork --kill-child "$0" "$work" "$@" &
  inside=$!
  status=0
  wait "$inside" || status=$?
  inside=
  exit "$status"
fi

work=$1
shift
root=$work/root

# The mirrors of this machine, as "ADDRESS SUITE" lines, main archive first.
mirrors() {
  apt-get update --print-uris 2>/dev/null |
    sed -n "s|^'\([a-z+]*:[^']*\)/dists/\(bookworm[a-z-]*\)/InRelease'.*|\1 \2|p" | sort -u -k2,2
}

make_root() {
  local archive proxy include=()
  archive=$(mirrors | sed -n 's/ bookworm$//p')
  [ -n "$archive" ] || skip "this machine's apt knows no Debian 12 (bookworm) archive"
  # debootstrap and apt inside go the way that apt goes here.
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  if [ -n "${proxy:-}" ] && [ "$proxy" != DIRECT ]; then export http_proxy=$proxy; fi
  case $archive in https:*) include=(--include=ca-certificates) ;; esac

  say "making a bare Debian 12 root from $archive"
  debootstrap --variant=minbase "${include[@]}" bookworm "$root" "$archive" > "$work/debootstrap.log" ||
    { tail -n 20 "$work/debootstrap.log" >&2; say "debootstrap failed"; exit 1; }

  mirrors | sed 's/^\(.*\) \(.*\)$/deb \1 \2 main/' > "$root/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::([a-z]+::Proxy|Check-|https?::CaInfo)' > "$root/etc/apt/apt.conf.d/90fresh-machine" || true
  cp -rn /etc/apt/trusted.gpg.d/. "$root/etc/apt/trusted.gpg.d/"
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"

  mount --make-rprivate /
  mount -t proc proc "$root/proc"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
  mkdir -p "$root/dev/shm"
  mount -t tmpfs tmpfs "$root/dev/shm"
  mv "$work/clone" "$root/meridian"
}

start=$SECONDS
make_root
say "root made in $((SECONDS - start)) s"

for tool in gcc make cmake git sudo curl; do
  if chroot "$root" sh -c "command -v $tool" >/dev/null; then say "the root is not bare: it has $tool"; exit 1; fi
done

for command in "$@"; do
  start=$SECONDS
  status=0
  # shellcheck disable=SC2086  # "test --quick" is a command with an option
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
    ${http_proxy:+http_proxy="$http_proxy"} /meridian/dev $command < /dev/null || status=$?
  say "./dev $command: exit $status after $((SECONDS - start)) s"
  [ "$status" = 0 ] || exit 1
done
