# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by the end-to-end tests. Each test gets a folder and a daemon of its own, and functions to
# assert with. make sets SRC and BUILD. When the test ends, everything that it started is ended, and
# its folders are removed. This is bash, which knows the line of a caller and tries again when the
# machine cannot fork.
#
#   DROVER_TEST_WAIT=SECONDS   how long a test waits for one fact before that assertion fails
#   KEEP=1                     keeps the test's folder
set -u
[ -z "${DROVER_SKIP_E2E:-}" ] || { echo "skipped: end-to-end tests run in the sanitizer build"; exit 77; }
: "${SRC:?}" "${BUILD:?}"
unset DROVER_SOCKET XDG_CONFIG_HOME XDG_STATE_HOME XDG_RUNTIME_DIR
work=$(mktemp -d "${TMPDIR:-/tmp}/drover-e2e.XXXXXX")
mkdir "$work/home"
export HOME="$work/home" GIT_CONFIG_NOSYSTEM=1 DROVER_DATADIR="$SRC/data"
export GIT_AUTHOR_NAME=Test GIT_AUTHOR_EMAIL=test@localhost GIT_COMMITTER_NAME=Test GIT_COMMITTER_EMAIL=test@localhost
wait_limit=${DROVER_TEST_WAIT:-600}
passed=0
failed=0
detail=
as=() # the command that starts the daemon, such as setpriv for another user
ports=/tmp/drover-test-ports.$(id -u)

say() { printf '%s\n' "$*"; }

skip() {
	trap - EXIT INT TERM
	rm -rf "$work"
	say "$*"
	exit 77
}

need() {
	for tool in "$@"; do
		command -v "$tool" >/dev/null 2>&1 || [ -x "/usr/sbin/$tool" ] || skip "skipped: $tool is not installed"
	done
}

# npm_get DIR ARGUMENT...: runs npm in DIR, with DIR as its home. Fails with the reason in $why. Tests
# that run at the same time take turns. After a failure npm is not tried again for ten minutes.
npm_get() {
	npm_dir=$1
	shift
	(
		flock 9
		[ -z "$(find "$BUILD/npm.refused" -mmin -10 2>/dev/null)" ] || exit 1
		cd "$npm_dir" && HOME=$npm_dir npm "$@" --no-audit --no-fund --loglevel=error --fetch-retries=2 --fetch-retry-mintimeout=1000 \
			--fetch-retry-maxtimeout=5000 >npm.out 2>&1 && exit 0
		sed -n 's/^npm error //; s/^code //; /./{p;q;}' npm.out >"$BUILD/npm.refused"
		exit 1
	) 9>"$BUILD/npm.lock" && return 0
	# shellcheck disable=SC2034 # the caller reads it
	why="npm is out of reach: $(cat "$BUILD/npm.refused" 2>/dev/null)"
	return 1
}

ok() {
	passed=$((passed + 1))
	say "ok - $1"
}

# where: prints the line of the test that made the assertion, and the line that called its function.
where() {
	local i=1 last=$((${#BASH_SOURCE[@]} - 1))
	while [ "$i" -lt "$last" ] && [[ ${BASH_SOURCE[i]} == */tests/*/@(lib|bed).sh ]]; do
		i=$((i + 1))
	done
	printf '%s:%s' "${BASH_SOURCE[i]#"$SRC"/}" "${BASH_LINENO[i - 1]}"
	[ "$i" -eq "$last" ] || printf ', called at line %s' "${BASH_LINENO[last - 1]}"
}

# not_ok NAME: reports a failed assertion, with what equal or has found out below it.
not_ok() {
	failed=$((failed + 1))
	say "not ok - $1 ($(where))$detail"
	detail=
}

# check NAME COMMAND...: asserts that COMMAND succeeds.
check() {
	name=$1
	shift
	detail=
	if "$@"; then ok "$name"; else not_ok "$name"; return 1; fi
}

equal() {
	[ "$1" = "$2" ] && return 0
	detail=$(printf '\n   got: %s\n  want: %s' "$1" "$2")
	return 1
}

# has TEXT PART: true if TEXT contains PART.
has() {
	[[ $1 == *"$2"* ]] && return 0
	detail=$(printf '\n   got: %s\n  want: ... %s ...' "$1" "$2")
	return 1
}

# until_true COMMAND...: runs COMMAND until it succeeds, often at first and then twice a second. All
# waits have the same generous limit, so that on a busy machine a test is late but does not fail.
# After one wait has reached it the test has failed anyway, and later waits give up sooner.
until_true() {
	local wait_began=$SECONDS wait_pause=50 wait_for
	while ! "$@"; do
		if [ $((SECONDS - wait_began)) -ge "$wait_limit" ]; then
			detail="$detail"$'\n'"   waited $wait_limit seconds"
			[ "$wait_limit" -lt 30 ] || wait_limit=30
			return 1
		fi
		printf -v wait_for '0.%03d' "$wait_pause"
		sleep "$wait_for"
		wait_pause=$((wait_pause < 400 ? wait_pause * 5 / 4 : 500))
	done
}

# port_take: prints a port of 127.0.0.1, for a server that cannot choose one itself. Tests that
# run at the same time count on in one file, so no two get the same port. The ports lie below those
# that the kernel gives to connections.
port_take() {
	local at busy
	(
		flock 9
		at=$(cat "$ports")
		busy=$(awk 'FNR > 1 { print substr($2, length($2) - 3) }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
		while at=$((20000 + (${at:-$RANDOM} + 1) % 12000)); [[ $busy == *$(printf %04X "$at")* ]]; do :; done
		echo "$at" | tee "$ports"
	) 9>>"$ports"
}

# serves PID PORT: true if that process listens on the port.
serves() {
	for inode in $(awk -v port="$(printf ':%04X' "$2")" '$4 == "0A" && substr($2, 9) == port { print $10 }' /proc/net/tcp); do
		find "/proc/$1/fd" -lname "socket:\\[$inode\\]" 2>/dev/null | grep -q . && return 0
	done
	return 1
}

# unless_gone PID COMMAND...: true if COMMAND succeeds, or if it never will because PID has ended.
unless_gone() { "${@:2}" || ! kill -0 "$1" 2>/dev/null; }

# server_start PORT COMMAND...: starts a server and returns when it listens on PORT; $server is its
# pid.
server_start() {
	PATH=$PATH:/usr/sbin "${@:2}" >"$work/server.out" 2>&1 &
	server=$!
	until_true unless_gone "$server" serves "$server" "$1" && serves "$server" "$1" && return 0
	cat "$work/server.out"
	return 1
}

# lighttpd_start FILE: starts lighttpd on a $port of 127.0.0.1, with the settings in FILE.
lighttpd_start() {
	port=$(port_take)
	printf 'server.bind = "127.0.0.1"\nserver.port = %s\n' "$port" >>"$1"
	server_start "$port" lighttpd -D -f "$1"
}

drover() { "$BUILD/drover" --socket "$work/drover.sock" "$@"; }

answers() { drover status >/dev/null 2>&1; }

# daemon_start: starts droverd with $work/drover.conf and returns when it is ready.
daemon_start() {
	"${as[@]}" "$BUILD/droverd" -c "$work/drover.conf" "$@" >>"$work/droverd.out" 2>&1 &
	daemon=$!
	until_true unless_gone "$daemon" answers && answers && return 0
	say "the daemon did not start:"
	tail -n 30 "$work/droverd.out" "$work/drover.log" 2>/dev/null
	return 1
}

daemon_stop() {
	kill -TERM "$daemon" 2>/dev/null
	wait "$daemon" 2>/dev/null
}

daemon_kill() {
	kill -KILL "$daemon" 2>/dev/null
	wait "$daemon" 2>/dev/null
}

# config [LINE...]: writes drover.conf with what every test needs, the LINEs, and those from stdin.
config() {
	{
		cat <<-CONF
			state_dir = "$work/state";
			cache_dir = "$work/cache";
			socket = "$work/drover.sock";
			plugin_dirs = ("$BUILD/.libs");
			log = { file = "$work/drover.log"; level = "debug"; };
			memory_floor = "16M";
			disk_floor = "16M";
		CONF
		cat
	} >"$work/drover.conf"
}

job_state() { drover show --json "$1" | jq -r .state; }

job_is() { [ "$(job_state "$1")" = "$2" ]; }

# count STATE: prints how many jobs are in that state.
count() { drover status --json | jq ".queue.states.$1"; }

count_is() { [ "$(count "$1")" = "$2" ]; }

# Prints the processes that have this test's mark in their environment, except those of this shell.
leftovers() {
	for p in /proc/[0-9]*; do
		{ tr '\0' '\n' <"$p/environ"; } 2>/dev/null | grep -q "^DROVER_JOB=" &&
			{ tr '\0' '\n' <"$p/environ"; } 2>/dev/null | grep -qF "$work" && basename "$p"
	done
}

# make_repo DIR FILES: makes a repository with that many files, and beside it its bare remote DIR.git.
make_repo() {
	git init -q -b main "$1"
	i=0
	while [ "$i" -lt "$2" ]; do
		d=$1/d$((i / 100))
		[ -d "$d" ] || mkdir "$d"
		printf 'file %s\n%s\n' "$i" "some text that is a little longer than nothing" >"$d/f$i.txt"
		i=$((i + 1))
	done
	git -C "$1" add -A && git -C "$1" commit -qm "Beginning"
	git clone -q --bare "$1" "$1.git"
	git -C "$1" remote add origin "$1.git" 2>/dev/null
}

# Ends what the test has started and what still runs. Not by a list of pids: a pid of a process that
# has ended may be another test's by now.
end_children() {
	children=$(jobs -pr)
	for p in $children; do
		kill -TERM "$p" 2>/dev/null
	done
	for p in $children; do
		wait "$p" 2>/dev/null
	done
}

# finish [WHY]: ends the test; WHY says why it ends early.
finish() {
	trap - EXIT INT TERM
	[ -z "${1:-}" ] || not_ok "the test came to its end: $1"
	end_children
	if [ "$failed" -gt 0 ]; then
		say "--- log"
		tail -n 40 "$work/drover.log" "$work/droverd.out" 2>/dev/null
	fi
	[ -z "${mounted:-}" ] || umount -l "$mounted"
	chmod -R u+w "$work" 2>/dev/null
	[ -n "${KEEP:-}" ] || rm -rf "$work"
	say "$passed passed, $failed failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit $?
}
trap 'finish interrupted' EXIT INT TERM
