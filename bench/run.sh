#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints how fast and how small drover is, as ratios against a limit or a peer measured in the same run, beside what
# is asked of it at least. Exit 1 when a figure falls short. Peers that are not installed are named and left out.
set -eu
: "${SRC:?}" "${BUILD:?}"
rounds=${ROUNDS:-5}
work=$(mktemp -d "${TMPDIR:-/tmp}/drover-bench.XXXXXX")
tools=$BUILD/bench-tools
daemon=
beanstalk=
short=0

# shellcheck disable=SC2317
cleanup() {
	for pid in $daemon $beanstalk; do
		kill -TERM "$pid" 2>/dev/null || :
		wait "$pid" || :
	done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

if grep -q -- '-fsanitize=' "$BUILD/config.log"; then
	echo "This build has sanitizers in it: its figures mean nothing. Configure one without." >&2
	exit 1
fi

has() { command -v "$1" >/dev/null 2>&1; }

answers() { "$BUILD/drover" --socket "$work/drover.sock" status >/dev/null 2>&1; }

# start STATE: a daemon with a folder of its own. None is removed meanwhile: ext4 is slow at making files after that.
start() {
	cat >"$work/drover.conf" <<CONF
state_dir = "$work/$1";
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
	printf '%-72s %8s %8s %6s  %s\n' "$1" "$2" "$3" "$4" "$verdict"
}

note() { printf '    %s\n' "$*"; }

median() { sort -n "$work/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# ratio A B: the median of what A was to B in each round, so that a noisy moment is noisy for both.
ratio() { paste "$work/$1" "$work/$2" | awk '{ printf "%.3f\n", $1 / $2 }' | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# rate N COMMAND...: runs it and prints N over the seconds that it took.
rate() {
	n=$1
	shift
	begin=$(date +%s%N)
	"$@" >/dev/null 2>&1
	awk -v n="$n" -v t=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.0f\n", n / (t / 1e9) }'
}

# shellcheck disable=SC2317
run_parallel() { seq 200 | parallel -j2 /bin/true '{}'; }

# shellcheck disable=SC2317
run_tsp() {
	i=0
	while [ "$i" -lt 500 ]; do
		tsp -n /bin/true
		i=$((i + 1))
	done
	tsp -w
}

# Files of figures: one line a round, the alternatives in turn.
throughput() {
	peers=
	if has parallel; then peers="$peers parallel"; else note "GNU parallel is not installed: left out"; fi
	if has tsp; then peers="$peers tsp"; else note "task-spooler (tsp) is not installed: left out"; fi
	if has beanstalkd; then
		port=$((20000 + $$ % 20000))
		mkdir "$work/binlog"
		beanstalkd -l 127.0.0.1 -p "$port" -b "$work/binlog" -f 0 >/dev/null 2>&1 &
		beanstalk=$!
		sleep 0.3
		peers="$peers beanstalk"
	else
		note "beanstalkd is not installed: left out"
	fi
	export TS_SOCKET="$work/tsp.sock" TS_SLOTS=2 TS_MAXFINISHED=1000
	round=0
	while [ $round -lt "$rounds" ]; do
		round=$((round + 1))
		"$tools" spawn 1500 2 >>"$work/spawn"
		"$tools" noop "$work/drover.sock" 1500 "noop$round" >>"$work/noop"
		for peer in $peers; do
			case $peer in
			parallel) rate 200 run_parallel ;;
			tsp) rate 500 run_tsp ;;
			beanstalk) "$tools" beanstalk "$port" 1500 2 ;;
			esac >>"$work/$peer"
		done
	done
	! has tsp || tsp -K
	note "jobs/s, 2 at once, median of $rounds rounds: drover $(median noop), bare posix_spawn $(median spawn)"
	row "durable no-op jobs/s against a bare posix_spawn loop" "$(ratio noop spawn)" 0.3 0.45
	for peer in $peers; do
		case $peer in
		parallel) row "the same against GNU parallel ($(median parallel)/s)" "$(ratio noop parallel)" 3 4.5 ;;
		tsp) row "the same against task-spooler ($(median tsp)/s)" "$(ratio noop tsp)" 1.2 1.7 ;;
		beanstalk) note "beanstalkd -b -f0 with workers that only posix_spawn: $(median beanstalk)/s (drover: $(ratio noop beanstalk) of it)" ;;
		esac
	done
}

enqueue() {
	round=0
	while [ $round -lt "$rounds" ]; do
		round=$((round + 1))
		"$tools" append "$work/append.$round" 1000 >>"$work/append"
		"$tools" enqueue "$work/drover.sock" 4000 8 1 "one$round" >>"$work/one"
		"$tools" enqueue "$work/drover.sock" 20000 8 50 "batch$round" >>"$work/batch"
	done
	note "append+fdatasync $(median append)/s; enqueued by 8 clients: $(median one)/s with one job a request ($(ratio one append)), $(median batch)/s with 50"
	row "enqueue through the API, 8 clients of 50 jobs a request, against append" "$(ratio batch append)" 2 5
}

# kin PID ROLE: the children of PID that are this role of droverd.
kin() {
	tr ' ' '\n' <"/proc/$1/task/$1/children" | while read -r pid; do
		if tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -- "-x $2"; then echo "$pid"; fi
	done
}

pss_mb() { awk '/^Pss:/ { printf "%.1f", $2 / 1024 }' "/proc/$1/smaps_rollup"; }

waiting() {
	"$tools" wake "$work/drover.sock" 300 "$tools" "$work/first" wake >"$work/wake"
	read -r p50 p99 <"$work/wake"
	row "submit to first instruction of the command, p50 ms" "$p50" 10 3 lower
	row "submit to first instruction of the command, p99 ms" "$p99" 50 15 lower
	sleep 3
	row "core idle, PSS MB" "$(pss_mb "$daemon")" 12 6 lower
	for pid in $(kin "$daemon" runner); do
		row "runner idle, PSS MB" "$(pss_mb "$pid")" 8 4 lower
	done
	"$tools" enqueue "$work/drover.sock" 10000 4 100 waiting >/dev/null
	row "status with 10,000 jobs waiting, ms" "$("$tools" get "$work/drover.sock" /api/v1/status 50)" 100 50 lower
	row "list with 10,000 jobs waiting, ms" "$("$tools" get "$work/drover.sock" '/api/v1/jobs?limit=100' 50)" 100 50 lower
	"$tools" enqueue "$work/drover.sock" 90000 8 100 stored >/dev/null
	stop
	begin=$(date +%s%N)
	start waiting
	row "start with 100,000 stored jobs until the API answers, s" "$(awk -v t=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.2f", t / 1e9 }')" 2 0.5 lower
}

leases() {
	if ! has git; then
		note "git is not installed: leases are left out"
		return
	fi
	"$BUILD/bench-lease" 5000 "$rounds" "$work" >"$work/lease"
	while IFS='|' read -r what figure least aim; do
		if [ -n "$figure" ]; then row "$what" "$figure" "$least" "${aim%|}" lower; else note "$what"; fi
	done <"$work/lease"
}

printf '%-72s %8s %8s %6s\n' "what" "figure" "at least" "aim"
start jobs
throughput
enqueue
stop
start waiting
waiting
stop
"$tools" log "$work/lines" 1000000 >"$work/log"
row "log lines/s through a scope, millions" "$(awk '{ printf "%.2f", $1 / 1e6 }' "$work/log")" 0.5 1
leases
exit "$short"
