#!/usr/bin/env bash
# Goal: `dev data` ends with right files or says why not; it fetches nothing twice, goes on where it was cut off,
# and never leaves a wrong file. How: a made data set with its own checksums, fetched from a server on this machine
# that records each request and can be told to misbehave.
. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

remote=$scratch/remote
log=$scratch/requests
local_data=$project/data/made
mkdir "$remote"
head -c 300000 /dev/urandom > "$remote/images.gz"
head -c 500 /dev/urandom > "$remote/labels.gz"

: > "$log"
coproc SERVER { exec perl "$source_dir/tests/dev/file_server.pl" "$remote" "$log"; }
server=$SERVER_PID
trap 'kill "$server" 2>/dev/null || true; rm -rf "$scratch"' EXIT
read -r -t 30 port <&"${SERVER[0]}" || fail "the server did not start"
address=http://127.0.0.1:$port

{ echo "# $address"; (cd "$remote" && sha256sum images.gz labels.gz); } > "$project/tools/data/made.sha256"

# fetch: runs `dev data made`; $requests are what the server was asked for meanwhile.
fetch() {
  : > "$log"
  run env -u http_proxy MERIDIAN_SKIP_DEPS=1 "$project/dev" data made
  requests=$(cat "$log")
}
expect_requests() { [ "$requests" = "$1" ] || fail "expected the requests '$1', saw '$requests'"; }

# From nothing, at the address that the checksum file names.
fetch
expect_status 0
expect_same "$remote/images.gz" "$local_data/images.gz"
expect_same "$remote/labels.gz" "$local_data/labels.gz"
expect_requests $'images.gz from 0\nlabels.gz from 0'

# What is right is not fetched again.
fetch
expect_status 0
expect_requests ""

# What is wrong or gone is fetched again, and nothing else.
echo more >> "$local_data/labels.gz"
fetch
expect_status 0
expect_requests "labels.gz from 0"
expect_same "$remote/labels.gz" "$local_data/labels.gz"

# The connection breaks: an error, no file under its own name; the next attempt goes on from there.
rm "$local_data/images.gz"
touch "$remote/.cut"
fetch
expect_status 1
expect_output "could not fetch $address/images.gz"
expect_no_file "$local_data/images.gz"
rm "$remote/.cut"
fetch
expect_status 0
expect_requests "images.gz from 150000"
expect_same "$remote/images.gz" "$local_data/images.gz"
expect_no_file "$local_data/images.gz.part"

# A server that cannot go on from there is asked for the whole.
rm "$local_data/images.gz"
head -c 1000 "$remote/images.gz" > "$local_data/images.gz.part"
touch "$remote/.no-ranges"
fetch
expect_status 0
expect_requests $'images.gz from 1000\nimages.gz from 0'
expect_same "$remote/images.gz" "$local_data/images.gz"
rm "$remote/.no-ranges"

# Complete but not yet renamed: nothing to fetch. Too long: fetched anew.
mv "$local_data/images.gz" "$local_data/images.gz.part"
fetch
expect_status 0
expect_requests ""
mv "$local_data/images.gz" "$local_data/images.gz.part"
echo more >> "$local_data/images.gz.part"
fetch
expect_status 0
expect_same "$remote/images.gz" "$local_data/images.gz"

# The file there is another one: named, and nothing of it is kept. A file that is right stays.
rm "$local_data/labels.gz"
mv "$remote/labels.gz" "$scratch/labels.gz"
echo forged > "$remote/labels.gz"
fetch
expect_status 1
expect_output "labels.gz has not the expected SHA-256"
expect_no_file "$local_data/labels.gz"
expect_no_file "$local_data/labels.gz.part"
expect_same "$remote/images.gz" "$local_data/images.gz"

# The file is not there.
rm "$remote/labels.gz"
fetch
expect_status 1
expect_output "could not fetch $address/labels.gz"
expect_no_file "$local_data/labels.gz"

# Another address can be given.
mkdir "$remote/mirror"
cp "$scratch/labels.gz" "$remote/mirror"
MERIDIAN_DATA_URL=$address/mirror fetch
expect_status 0
expect_requests "mirror/labels.gz from 0"
expect_same "$scratch/labels.gz" "$local_data/labels.gz"

# No server at all.
kill "$server"
wait "$server" 2>/dev/null || true
rm "$local_data/labels.gz"
fetch
expect_status 1
expect_output "could not fetch $address/labels.gz"
expect_output offline
