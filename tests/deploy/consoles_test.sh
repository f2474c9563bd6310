#!/usr/bin/env bash
# Goal: Prometheus serves the three consoles, and they show a run's figures, in colour where they are alarming. How: a
# Prometheus of its own is given a made-up run of two datacenters as a block of its database, so that nothing has to be
# waited for, and the pages that it makes are looked at. Skipped where Prometheus is not installed.
set -euo pipefail

source_dir=${MERIDIAN_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
if ! command -v prometheus > /dev/null || ! command -v promtool > /dev/null; then
  echo "skipped: Prometheus is not installed (Debian's package prometheus)"
  exit 77
fi

scratch=$(mktemp -d)
server=
stop() {
  [ -z "$server" ] || kill "$server" 2> /dev/null || true
  wait
  rm -rf "$scratch"
}
trap stop EXIT

fail() {
  printf '%s:%s: %s\n--- the page:\n%s\n' "${BASH_SOURCE[0]}" "${BASH_LINENO[0]}" "$1" "${page:-}" >&2
  exit 1
}
expect() { [[ $page == *"$1"* ]] || fail "expected in the page: $1"; }
expect_no() { [[ $page != *"$1"* ]] || fail "not expected in the page: $1"; }

# series NAME VALUE [LABELS]: of the run "made", as of now.
now=$(date +%s)
series() { printf '# TYPE %s unknown\n%s{run="made"%s} %s %s\n' "$1" "$1" "${3:+,$3}" "$2" "$now"; }
virginia='datacenter="virginia"'
tokyo='datacenter="tokyo"'
{
  series meridian_training 1 "$virginia,role=\"server\",index=\"0\""
  series meridian_run_info 1 'mode="gaia",workload="mlp",metric="accuracy",better="larger"'
  series run:meridian_objective:worst 0.8125
  series run:meridian_significant:share30s 0.0086
  series run_currency:meridian_cost:sum 1.25 'currency="USD"'
  series datacenter:meridian_clocks_closed:min 250 "$virginia"
  series datacenter_part:meridian_worker_time:share30s 0.6 "$virginia,part=\"local_barrier\""
  series meridian_worker_clocks_total 250 "$virginia,role=\"worker\",index=\"0\""
  series meridian_clocks_closed_total 250 "$virginia,role=\"server\",index=\"0\""
  series meridian_held_reads 3 "$virginia,role=\"server\",index=\"0\",cause=\"drain\""
  series datacenter_peer:meridian_link_configured_rate:max 7250000 "$virginia,peer=\"tokyo\""
  series datacenter_peer:meridian_link_utilization:ratio30s 0.75 "$virginia,peer=\"tokyo\""
  series datacenter_peer:meridian_peer_silence_seconds:max 12 "$virginia,peer=\"tokyo\""
  series ALERTS 1 "$tokyo,alertname=\"MeridianNotFinite\",alertstate=\"firing\",severity=\"critical\""
  echo "# EOF"
} > "$scratch/series"
promtool tsdb create-blocks-from openmetrics "$scratch/series" "$scratch/database" > "$scratch/promtool.log" 2>&1 ||
  fail "promtool: $(cat "$scratch/promtool.log")"

# Without targets that somebody watches at this moment.
cp -r "$source_dir/deploy/monitoring" "$scratch/monitoring"
rm -f "$scratch/monitoring/targets/"*.json
cd "$scratch/monitoring"
prometheus --config.file=prometheus.yml --storage.tsdb.path="$scratch/database" --web.listen-address=127.0.0.1:0 \
  --web.console.templates=consoles --web.console.libraries=console_libraries > "$scratch/log" 2>&1 &
server=$!
for ((tries = 0; ; ++tries)); do
  grep -q "Server is ready" "$scratch/log" && break
  if [ "$tries" -ge 600 ] || ! kill -0 "$server" 2> /dev/null; then fail "Prometheus did not start: $(tail -3 "$scratch/log")"; fi
  sleep 0.1
done
port=$(sed -n 's/.*msg="Listening on" address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$scratch/log")
[ -n "$port" ] || fail "Prometheus does not say where it listens: $(cat "$scratch/log")"

# get PATH: the answer goes to $page.
get() {
  exec 3<> "/dev/tcp/127.0.0.1/$port"
  printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&3
  page=$(tr -d '\0' <&3)
  exec 3>&-
  [[ $page == "HTTP/1.0 200 OK"* ]] || fail "expected $1 to be there"
}
look_at() {
  get "/consoles/$1"
  expect "</html>"
}

look_at "overview.html?run=made"
expect ">training</span>"
expect "mode gaia, workload mlp, objective accuracy (larger is better)"
expect ">0.8125</a>"
expect ">0.86 %</a>"
expect ">1.25 USD</a>"
expect '<td class="text bad">firing</td>'
expect "MeridianNotFinite"
expect '<td class="bad"><a href="/graph?g0.expr=datacenter_part'
expect ">60 %</a></td>"

look_at "wan.html?run=made"
expect ">virginia</a></td><td class=\"text\">tokyo</td>"
expect ">7.25 MB/s</a></td>"
expect '<td class="warn">'
expect ">75 %</a></td>"
expect '<td class="bad">'
expect ">12s</a></td>"

# What draws the graphs is served too.
mapfile -t parts < <(grep -o '"/classic/static/[^"]*"' <<< "$page" | tr -d '"')
[ "${#parts[@]}" -ge 5 ] || fail "expected scripts and styles in the page"
for part in "${parts[@]}"; do get "$part"; done

# Without a datacenter it takes one that there is.
look_at "datacenter.html?run=made"
expect "Datacenter virginia: made"
expect ">3</a></td>"

# What stands in the address neither breaks the page nor gets into it as it is.
look_at "overview.html?run=%22%3Cscript%3Ebad%3C/script%3E"
expect "no longer there"
expect_no "<script>bad"
