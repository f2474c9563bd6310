#!/usr/bin/env bash
# Goal: `./dev monitor` starts Prometheus with the files of deploy/monitoring and the demo beside it, says where to look,
# and leaves nothing running; a port that is taken, and a Prometheus that ends, stop it before a run begins. How:
# stand-ins for cmake, Prometheus and meridian that record how they were called.
. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

make_places_for_stand_ins
# shellcheck disable=SC2016  # the stand-ins expand it
printf '#!/bin/sh\necho "meridian $*" >> %s\n' "$calls" > "$program/meridian"
# Listens where it is told to, until it is killed; tells its process id.
cat > "$bin/prometheus" <<END
#!/usr/bin/perl
use IO::Socket::INET;
open(my \$calls, '>>', '$calls'); print \$calls "prometheus @ARGV\n"; close \$calls;
open(my \$pid, '>', '$scratch/pid'); print \$pid \$\$; close \$pid;
exit 1 if \$ENV{BROKEN};
my (\$address) = "@ARGV" =~ /listen-address=(\S+)/;
my \$server = IO::Socket::INET->new(LocalAddr => \$address, Listen => 8, ReuseAddr => 1) or die;
close \$_ while \$_ = \$server->accept;
END
chmod +x "$bin/prometheus" "$program/meridian"

free_port() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport'; }
monitor() {
  : > "$calls"
  run env -u MERIDIAN_DATA PATH="$bin:$PATH" MERIDIAN_SKIP_DEPS=1 MERIDIAN_DATA_URL=http://127.0.0.1:1 "$@"
}
expect_call() { grep -qF -- "$1" "$calls" || fail "expected a call with: $1"; }

port=$(free_port)
monitor "$project/dev" monitor "$port"
expect_status 0
expect_output "http://127.0.0.1:$port/consoles/overview.html"
expect_output "/events"
expect_call "--config.file=$project/deploy/monitoring/prometheus.yml"
expect_call "--web.console.templates=$project/deploy/monitoring/consoles"
expect_call "meridian run configs/demo.yaml"
expect_call "metrics.targets=$project/deploy/monitoring/targets/demo.json"
! kill -0 "$(cat "$scratch/pid")" 2> /dev/null || fail "Prometheus was left running"

# Somebody else's port.
perl -MIO::Socket::INET -e '$| = 1; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 8);
  print $s->sockport, "\n"; close $_ while $_ = $s->accept' > "$scratch/taken" &
other=$!
trap 'kill "$other"; rm -rf "$scratch"' EXIT
until [ -s "$scratch/taken" ]; do :; done
monitor "$project/dev" monitor "$(cat "$scratch/taken")"
expect_status 1
expect_output "give another: ./dev monitor PORT"
[ ! -s "$calls" ] || fail "nothing should have been started"

# A Prometheus that ends.
monitor BROKEN=1 "$project/dev" monitor "$(free_port)"
expect_status 1
expect_output "prometheus.log"
! grep -q "meridian run" "$calls" || fail "no run should have begun"

monitor "$project/dev" monitor nowhere
expect_status 2
