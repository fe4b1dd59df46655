#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints how fast and how small drover is, as ratios against a limit or another program that is
# measured in the same run, beside the least that is required. Exit 1 if a figure falls short. A
# program that is not installed is named and left out.
#
# OLD=DIR is the build folder of an older drover whose bench tools are built. Each row then shows its
# figure as well. Both builds are measured in turn, so that a noisy moment is noisy for both.
set -eu
: "${SRC:?}" "${BUILD:?}"
old=${OLD:-}
builds="new${old:+ old}"
rounds=${ROUNDS:-5}
work=$(mktemp -d "${TMPDIR:-/tmp}/drover-bench.XXXXXX")
tools=$BUILD/bench-tools
new_daemon=
old_daemon=
beanstalk=
short=0

# shellcheck disable=SC2317
cleanup() {
	for pid in $new_daemon $old_daemon $beanstalk; do
		kill -TERM "$pid" 2>/dev/null || :
		wait "$pid" || :
	done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

for dir in "$BUILD" ${old:+"$old"}; do
	if grep -q -- '-fsanitize=' "$dir/config.log"; then
		echo "The build in $dir has sanitizers in it: its figures mean nothing. Configure one without." >&2
		exit 1
	fi
done

has() { command -v "$1" >/dev/null 2>&1; }

dir_of() { if [ "$1" = new ]; then echo "$BUILD"; else echo "$old"; fi; }
daemon_of() { if [ "$1" = new ]; then echo "$new_daemon"; else echo "$old_daemon"; fi; }

answers() { "$(dir_of "$1")/drover" --socket "$work/$1.sock" status >/dev/null 2>&1; }

# start BUILD STATE: starts the daemon of the build new or old, with a state folder of its own. No
# folder is removed during a measurement, because ext4 makes files slowly after that.
start() {
	cat >"$work/$1.conf" <<CONF
state_dir = "$work/$1.$2";
cache_dir = "$work/$1.cache";
socket = "$work/$1.sock";
plugin_dirs = ("$(dir_of "$1")/.libs");
log = { file = "$work/$1.log"; level = "warn"; };
running = 2;
memory_floor = "16M";
disk_floor = "16M";
pools = { light = { slots = 2; }; };
plugins = ( { name = "exec"; pipelines = { command = { pool = "light"; }; }; } );
CONF
	"$(dir_of "$1")/droverd" -c "$work/$1.conf" 2>"$work/$1.err" &
	if [ "$1" = new ]; then new_daemon=$!; else old_daemon=$!; fi
	i=0
	until answers "$1"; do
		i=$((i + 1))
		[ "$i" -lt 600 ] || { cat "$work/$1.err" >&2; exit 1; }
		sleep 0.02
	done
}

stop() {
	kill -TERM "$(daemon_of "$1")"
	wait "$(daemon_of "$1")" || :
	if [ "$1" = new ]; then new_daemon=; else old_daemon=; fi
}

# row WHAT FIGURE OLD AT-LEAST AIM [lower]: prints one line of the table; "lower" says that less is
# better.
row() {
	verdict=$(awk -v f="$2" -v a="$4" -v l="${6:-}" 'BEGIN { print ((l == "lower" ? f + 0 <= a + 0 : f + 0 >= a + 0) ? "ok" : "SHORT") }')
	[ "$verdict" = ok ] || short=1
	printf '%-72s %8s %8s %8s %6s  %s\n' "$1" "$2" "${3:--}" "$4" "$5" "$verdict"
}

note() { printf '    %s\n' "$*"; }

median() { sort -n "$work/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# ratio A B: the median of A/B over the rounds, so that a noisy moment is noisy for both.
ratio() { paste "$work/$1" "$work/$2" | awk '{ printf "%.3f\n", $1 / $2 }' | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# rate N COMMAND...: runs COMMAND and prints N divided by the seconds that it took.
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

# The figures are in files with one line for each round; the alternatives take turns.
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
		for b in $builds; do
			"$tools" noop "$work/$b.sock" 1500 "noop$round" >>"$work/$b.noop"
		done
		for peer in $peers; do
			case $peer in
			parallel) rate 200 run_parallel ;;
			tsp) rate 500 run_tsp ;;
			beanstalk) "$tools" beanstalk "$port" 1500 2 ;;
			esac >>"$work/$peer"
		done
	done
	! has tsp || tsp -K
	note "jobs/s, 2 at once, median of $rounds rounds: drover $(median new.noop), bare posix_spawn $(median spawn)"
	row "durable no-op jobs/s against a bare posix_spawn loop" "$(ratio new.noop spawn)" \
		"${old:+$(ratio old.noop spawn)}" 0.3 0.45
	[ -z "$old" ] || row "the same against the older build" "$(ratio new.noop old.noop)" 1 1.1 1.1
	for peer in $peers; do
		case $peer in
		parallel)
			row "the same against GNU parallel ($(median parallel)/s)" "$(ratio new.noop parallel)" \
				"${old:+$(ratio old.noop parallel)}" 3 4.5
			;;
		tsp)
			row "the same against task-spooler ($(median tsp)/s)" "$(ratio new.noop tsp)" \
				"${old:+$(ratio old.noop tsp)}" 1.2 1.7
			;;
		beanstalk)
			note "beanstalkd -b -f0 with workers that only posix_spawn: $(median beanstalk)/s" \
				"(drover: $(ratio new.noop beanstalk) of it)"
			;;
		esac
	done
}

enqueue() {
	round=0
	while [ $round -lt "$rounds" ]; do
		round=$((round + 1))
		"$tools" append "$work/append.$round" 1000 >>"$work/append"
		for b in $builds; do
			"$tools" enqueue "$work/$b.sock" 4000 8 1 "one$round" >>"$work/$b.one"
			"$tools" enqueue "$work/$b.sock" 20000 8 50 "batch$round" >>"$work/$b.batch"
		done
	done
	note "append+fdatasync $(median append)/s; enqueued by 8 clients: $(median new.one)/s with one job a" \
		"request ($(ratio new.one append)), $(median new.batch)/s with 50"
	row "enqueue through the API, 8 clients of 50 jobs a request, against append" "$(ratio new.batch append)" \
		"${old:+$(ratio old.batch append)}" 2 5
}

# kin PID ROLE: prints the children of PID that run droverd in this role.
kin() {
	tr ' ' '\n' <"/proc/$1/task/$1/children" | while read -r pid; do
		if tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -- "-x $2"; then echo "$pid"; fi
	done
}

pss_mb() { awk '/^Pss:/ { printf "%.1f", $2 / 1024 }' "/proc/$1/smaps_rollup"; }

# rest BUILD: measures what one daemon needs and how fast it answers, into files of one figure each.
rest() {
	pid=$(daemon_of "$1")
	"$tools" wake "$work/$1.sock" 300 "$tools" "$work/$1.first" wake >"$work/$1.wake"
	read -r p50 p99 <"$work/$1.wake"
	echo "$p50" >"$work/$1.p50"
	echo "$p99" >"$work/$1.p99"
	sleep 3
	pss_mb "$pid" >"$work/$1.core"
	for runner in $(kin "$pid" runner); do
		pss_mb "$runner" >"$work/$1.runner"
	done
	"$tools" enqueue "$work/$1.sock" 10000 4 100 waiting >/dev/null
	"$tools" get "$work/$1.sock" /api/v1/status 50 >"$work/$1.status"
	"$tools" get "$work/$1.sock" '/api/v1/jobs?limit=100' 50 >"$work/$1.list"
	"$tools" enqueue "$work/$1.sock" 90000 8 100 stored >/dev/null
	stop "$1"
	begin=$(date +%s%N)
	start "$1" waiting
	awk -v t=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.2f\n", t / 1e9 }' >"$work/$1.start"
}

# figure WHAT FILE AT-LEAST AIM: prints a row for a file that rest() wrote.
figure() { row "$1" "$(cat "$work/new.$2")" "${old:+$(cat "$work/old.$2")}" "$3" "$4" lower; }

waiting() {
	for b in $builds; do rest "$b"; done
	figure "submit to first instruction of the command, p50 ms" p50 10 3
	figure "submit to first instruction of the command, p99 ms" p99 50 15
	figure "core idle, PSS MB" core 12 6
	figure "runner idle, PSS MB" runner 8 4
	figure "status with 10,000 jobs waiting, ms" status 100 50
	figure "list with 10,000 jobs waiting, ms" list 100 50
	figure "start with 100,000 stored jobs until the API answers, s" start 2 0.5
}

# rows NAME: prints the rows WHAT|FIGURE|AT-LEAST|AIM of the builds' files, of which less is better.
rows() {
	line=0
	while IFS='|' read -r what figure least aim; do
		line=$((line + 1))
		if [ -n "$figure" ]; then
			row "$what" "$figure" "${old:+$(sed -n "${line}p" "$work/old.$1" | cut -d'|' -f2)}" "$least" "${aim%|}" lower
		else
			note "$what"
		fi
	done <"$work/new.$1"
}

leases() {
	if ! has git; then
		note "git is not installed: leases are left out"
		return
	fi
	for b in $builds; do
		"$(dir_of "$b")/bench-lease" 5000 "$rounds" "$work" >"$work/$b.lease"
	done
	rows lease
}

sandbox() {
	for b in $builds; do
		"$(dir_of "$b")/bench-sandbox" 100 "$work" >"$work/$b.sandbox" 2>/dev/null || :
	done
	rows sandbox
}

log_rate() { "$(dir_of "$1")/bench-tools" log "$work/lines" 1000000 | awk '{ printf "%.2f", $1 / 1e6 }'; }

printf '%-72s %8s %8s %8s %6s\n' "what" "figure" "${old:+old}" "at least" "aim"
for b in $builds; do start "$b" jobs; done
throughput
enqueue
for b in $builds; do
	stop "$b"
	start "$b" waiting
done
waiting
for b in $builds; do stop "$b"; done
row "log lines/s through a scope, millions" "$(log_rate new)" "${old:+$(log_rate old)}" 0.5 1
leases
sandbox
exit "$short"
