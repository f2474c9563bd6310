#!/usr/bin/env bash
# profile.sh CONFIG [OPTION...]: runs a configuration for real, here, and lets perf look at all its processes from
# the first clock to the end. Prints where the processor's time of servers, workers and emulator went, of all of a
# kind together. Functions are put into groups by their names, below; what no group knows is 'other'. What a process
# waited for is in the run's own table, in the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

[ $# -gt 0 ] || { echo "usage: experiments/bench/profile.sh CONFIG [OPTION of meridian run...]" >&2; exit 2; }
out=build/profile
frequency=499  # looks a second
mkdir -p "$out"
rm -f "$out"/*.data

build/release/src/program/meridian run "$@" --out "$out/run" --overwrite > "$out/log" 2>&1 &
run=$!
trap 'kill "$run" 2> /dev/null || true' EXIT
for _ in $(seq 600); do
  if grep -q 'clock [1-9]' "$out/log" || ! kill -0 "$run" 2> /dev/null; then break; fi
  sleep 0.1
done
kill -0 "$run" 2> /dev/null || { cat "$out/log" >&2; echo "profile.sh: the run ended before its first clock" >&2; exit 1; }

# All processes below one, with what they are.
list_processes() {
  local child
  for child in $(pgrep -P "$1"); do
    case $(tr '\0' ' ' < "/proc/$child/cmdline") in
      *--role\ server*) echo "server $child" ;;
      *--role\ worker*) echo "worker $child" ;;
      *)                echo "emulator $child" ;;
    esac
    list_processes "$child"
  done
}
processes=$(list_processes "$run")
began=$SECONDS
looks=()
for role in server worker emulator; do
  pids=$(sed -n "s/^$role //p" <<< "$processes" | paste -sd,)
  [ -n "$pids" ] || continue
  perf record -q -F "$frequency" -o "$out/$role.data" -p "$pids" > "$out/perf-$role" 2>&1 &
  looks+=($!)
done
wait "$run" || { tail -5 "$out/log" >&2; exit 1; }
wait "${looks[@]}" || true
trap - EXIT
seconds=$((SECONDS - began))

for role in server worker emulator; do
  if [ ! -s "$out/$role.data" ]; then
    if [ -e "$out/perf-$role" ]; then echo "perf saw nothing of $role:" && cat "$out/perf-$role"; fi
    continue
  fi
  count=$(grep -c "^$role " <<< "$processes")
  perf report -i "$out/$role.data" --stdio -g none --sort comm,dso,sym -F sample,comm,dso,sym 2> /dev/null |
    awk -v role="$role" -v count="$count" -v per_core="$((frequency * (seconds > 0 ? seconds : 1)))" '
      function put(what) { of[what] += $1; all += $1 }
      !/^ +[0-9]+ / { next }
      /dnnl|JIT|jit_|Learner|rectify|exponentiate|scale_array|pass_where|cross_entropy|Layer|RatingBatches|DistinctDraws|descend|measure_all/ { put("computing"); next }
      /Server::|run_sgd|run_momentum|EagerSum|DenseSums|RowSums|add_array|add_and_select|SignificanceFilter|select_entries|select_part|set_to_sum/ { put("sum, step, merge, filter"); next }
      /Backlog|ChunkCutter|UpdateChunk|chunk|encode|decode|ompact|gap|olomb|read_values|write_values|append_/ { put("updates to and from elsewhere"); next }
      /largest_magnitude|norm_of/ { put("figures at evaluations"); next }
      /memmove|memcpy|memset/ { put("copies of values"); next }
      /libzmq/ { put("ZeroMQ"); next }
      /libcapnp|libkj|capnp/ { put("headers"); next }
      /copy_to_iter|copy_from_iter|tcp|skb|sock|ip_|inet|softirq|net_|loopback|nf_|__dev|napi|_iter/ { put("kernel: TCP and its copies"); next }
      /\[k\]/ { put("kernel: switches of threads, calls"); next }
      /malloc|free|calloc/ { put("memory"); next }
      { put("other") }
      END {
        if (all == 0) exit
        printf "%d %s: %.2f cores busy\n", count, (count > 1 ? role "s" : role), all / per_core
        for (what in of) printf "  %5.1f %%  %s\n", 100 * of[what] / all, what | "sort -rn"
        close("sort -rn")
      }'
  rm -f "$out/$role.data"
done
echo
sed -n '/stopped by/,$p' "$out/log"
