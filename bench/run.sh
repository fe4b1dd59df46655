#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints how fast and how small drover is, as ratios against a limit or a peer measured in the same run, beside what
# is asked of it at least. Exit 1 when a figure falls short. Peers that are not installed are named and left out.
set -eu
: "${SRC:?}" "${BUILD:?}"
work=$(mktemp -d "${TMPDIR:-/tmp}/drover-bench.XXXXXX")
tools=$BUILD/bench-tools
daemon=
short=0

cleanup() {
	[ -z "$daemon" ] || kill -TERM "$daemon" 2>/dev/null || :
	[ -z "$daemon" ] || wait "$daemon" 2>/dev/null || :
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

if grep -q -- '-fsanitize=' "$BUILD/config.log"; then
	echo "This build has sanitizers in it: its figures mean nothing. Configure one without." >&2
	exit 1
fi

drover() { "$BUILD/drover" --socket "$work/drover.sock" "$@"; }

answers() { drover status >/dev/null 2>&1; }

start() {
	"$BUILD/droverd" -c "$work/drover.conf" 2>"$work/droverd.err" &
	daemon=$!
	i=0
	until answers; do
		i=$((i + 1))
		[ "$i" -lt 600 ] || { cat "$work/droverd.err" >&2; exit 1; }
		sleep 0.02
	done
}

stop() {
	kill -TERM "$daemon"
	wait "$daemon" || :
	daemon=
}

# row WHAT FIGURE AT-LEAST AIM [lower]: one line of the table; lower: less is better.
row() {
	verdict=$(awk -v f="$2" -v a="$3" -v l="${5:-}" 'BEGIN { print ((l == "lower" ? f + 0 <= a + 0 : f + 0 >= a + 0) ? "ok" : "SHORT") }')
	[ "$verdict" = ok ] || short=1
	printf '%-66s %10s %10s %10s  %s\n' "$1" "$2" "$3" "$4" "$verdict"
}

note() { printf '    %s\n' "$*"; }

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b > 0 ? a / b : 0 }'; }

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

pss_mb() { awk '/^Pss:/ { printf "%.1f", $2 / 1024 }' "/proc/$1/smaps_rollup"; }

cat >"$work/drover.conf" <<CONF
state_dir = "$work/state";
cache_dir = "$work/cache";
socket = "$work/drover.sock";
plugin_dirs = ("$BUILD/.libs");
log = { file = "$work/drover.log"; level = "warn"; };
running = 2;
memory_floor = "16M";
disk_floor = "16M";
pools = { light = { slots = 2; }; };
plugins = ( { name = "exec"; pipelines = { command = { pool = "light"; }; }; } );
CONF

printf '%-66s %10s %10s %10s\n' "what" "figure" "at least" "aim"
start
n=2000
: >"$work/noop"; : >"$work/spawn"; : >"$work/parallel"; : >"$work/tsp"
for round in 1 2 3; do
	"$tools" spawn "$n" 2 >>"$work/spawn"
	"$tools" noop "$work/drover.sock" "$n" "noop$round" >>"$work/noop"
	if command -v parallel >/dev/null 2>&1; then
		begin=$(date +%s%N)
		seq 200 | parallel -j2 /bin/true '{}' 2>/dev/null
		awk -v t=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.0f\n", 200 / (t / 1e9) }' >>"$work/parallel"
	fi
	if command -v tsp >/dev/null 2>&1; then
		export TS_SOCKET="$work/tsp.sock" TS_SLOTS=2 TS_MAXFINISHED=1000
		begin=$(date +%s%N)
		i=0
		while [ $i -lt 300 ]; do
			tsp -n /bin/true >/dev/null
			i=$((i + 1))
		done
		tsp -w >/dev/null
		awk -v t=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.0f\n", 300 / (t / 1e9) }' >>"$work/tsp"
		tsp -K
	fi
done
noop=$(median <"$work/noop")
spawn=$(median <"$work/spawn")
note "durable no-op jobs/s $noop; bare posix_spawn/s $spawn (2 at once, median of 3)"
row "durable no-op jobs/s against a bare posix_spawn loop" "$(ratio "$noop" "$spawn")" 0.3 0.45
if [ -s "$work/parallel" ]; then
	row "the same against GNU parallel ($(median <"$work/parallel")/s)" "$(ratio "$noop" "$(median <"$work/parallel")")" 3 4.5
else
	note "GNU parallel is not installed: left out"
fi
if [ -s "$work/tsp" ]; then
	row "the same against task-spooler ($(median <"$work/tsp")/s)" "$(ratio "$noop" "$(median <"$work/tsp")")" 1.2 1.7
else
	note "task-spooler is not installed: left out"
fi

: >"$work/append"; : >"$work/one"; : >"$work/batch"
for round in 1 2 3; do
	"$tools" append "$work/append.$round" 1000 >>"$work/append"
	"$tools" enqueue "$work/drover.sock" 4000 8 1 "one$round" >>"$work/one"
	"$tools" enqueue "$work/drover.sock" 20000 8 50 "batch$round" >>"$work/batch"
done
append=$(median <"$work/append")
note "append+fdatasync/s $append; 8 clients, one job a request $(median <"$work/one")/s ($(ratio "$(median <"$work/one")" "$append")), 50 jobs a request $(median <"$work/batch")/s"
row "enqueue through the API, 8 clients of 50 jobs a request, against append" "$(ratio "$(median <"$work/batch")" "$append")" 2 5
stop
rm -rf "$work/state"

start
# shellcheck disable=SC2046
set -- $("$tools" wake "$work/drover.sock" 300 "$tools" "$work/first" wake)
row "submit to first instruction of the command, p50 ms" "$1" 10 3 lower
row "submit to first instruction of the command, p99 ms" "$2" 50 15 lower

sleep 6
row "core idle, PSS MB" "$(pss_mb "$daemon")" 12 6 lower
for p in $(pgrep -P "$daemon"); do
	row "runner idle, PSS MB" "$(pss_mb "$p")" 8 4 lower
done

"$tools" enqueue "$work/drover.sock" 10000 4 100 waiting >/dev/null
row "status with 10,000 jobs waiting, ms" "$("$tools" get "$work/drover.sock" /api/v1/status 50)" 100 50 lower
row "list with 10,000 jobs waiting, ms" "$("$tools" get "$work/drover.sock" '/api/v1/jobs?limit=100' 50)" 100 50 lower
"$tools" enqueue "$work/drover.sock" 90000 8 100 stored >/dev/null
stop
begin=$(date +%s%N)
start
row "start with 100,000 stored jobs, s" "$(awk -v t=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.2f", t / 1e9 }')" 2 0.5 lower
stop

row "log lines/s through a scope, millions" "$("$tools" log "$work/lines" 1000000 | awk '{ printf "%.2f", $1 / 1e6 }')" 0.5 1

if [ -x "$BUILD/bench-lease" ]; then
	"$BUILD/bench-lease" >"$work/lease"
	while IFS='|' read -r what figure least aim better; do
		if [ -n "$figure" ]; then row "$what" "$figure" "$least" "$aim" "$better"; else note "$what"; fi
	done <"$work/lease"
fi
exit "$short"
