# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Sourced by the end-to-end tests: a folder of their own, a daemon of their own, and what they assert with.
# SRC and BUILD come from make. Everything that was started is ended, and every folder removed, on the way out.
set -u
[ -z "${DROVER_SKIP_E2E:-}" ] || { echo "skipped: end-to-end tests run in the sanitizer build"; exit 77; }
: "${SRC:?}" "${BUILD:?}"
unset DROVER_SOCKET XDG_CONFIG_HOME XDG_STATE_HOME XDG_RUNTIME_DIR
work=$(mktemp -d "${TMPDIR:-/tmp}/drover-e2e.XXXXXX")
mkdir "$work/home"
export HOME="$work/home" GIT_CONFIG_NOSYSTEM=1 DROVER_DATADIR="$SRC/data"
export GIT_AUTHOR_NAME=Test GIT_AUTHOR_EMAIL=test@localhost GIT_COMMITTER_NAME=Test GIT_COMMITTER_EMAIL=test@localhost
passed=0
failed=0
pids=

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

# npm_get DIR ARGUMENT...: npm in DIR, which is its home too; 1 and a reason in $why where it fails. Tests that run side by
# side take turns, and a registry that is out of reach is not asked again for ten minutes.
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
	# shellcheck disable=SC2034 # for who asked
	why="npm is out of reach: $(cat "$BUILD/npm.refused" 2>/dev/null)"
	return 1
}

ok() {
	passed=$((passed + 1))
	say "ok - $1"
}

not_ok() {
	failed=$((failed + 1))
	say "not ok - $1"
}

# check NAME COMMAND...: one assertion.
check() {
	name=$1
	shift
	if "$@"; then ok "$name"; else not_ok "$name"; return 1; fi
}

equal() {
	[ "$1" = "$2" ] && return 0
	say "   got: $1"
	say "  want: $2"
	return 1
}

# until_true SECONDS COMMAND...: looks again until it holds.
until_true() {
	limit=$(($(date +%s) + $1))
	shift
	while ! "$@"; do
		[ "$(date +%s)" -lt "$limit" ] || return 1
		sleep 0.05
	done
}

# lighttpd_start FILE: lighttpd on a free port of 127.0.0.1, with what FILE says beside that; $port and its pid in $web. It
# takes port 0 for 80, so ports are tried.
lighttpd_start() {
	for try in 1 2 3 4 5 6 7 8; do
		port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 40000))
		{ cat "$1"; printf 'server.bind = "127.0.0.1"\nserver.port = %s\n' "$port"; } >"$1.$try"
		PATH=$PATH:/usr/sbin lighttpd -D -f "$1.$try" >"$1.out" 2>&1 &
		web=$!
		until_true 10 lighttpd_settled && kill -0 "$web" 2>/dev/null && { pids="$pids $web"; return 0; }
	done
	cat "$1.out"
	return 1
}

# Another's server at this port would answer as well: it must be its own socket that listens there.
lighttpd_settled() {
	kill -0 "$web" 2>/dev/null || return 0
	for inode in $(awk -v port="$(printf ':%04X' "$port")" '$4 == "0A" && substr($2, 9) == port { print $10 }' /proc/net/tcp); do
		find "/proc/$web/fd" -lname "socket:\\[$inode\\]" 2>/dev/null | grep -q . && return 0
	done
	return 1
}

drover() { "$BUILD/drover" --socket "$work/drover.sock" "$@"; }

answers() { drover status >/dev/null 2>&1; }

# daemon_start: droverd on $work/drover.conf, ready when this returns.
daemon_start() {
	"$BUILD/droverd" -c "$work/drover.conf" "$@" >>"$work/droverd.out" 2>&1 &
	daemon=$!
	pids="$pids $daemon"
	until_true 30 answers && return 0
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

# config [LINE...]: drover.conf with what every test needs, and the lines from stdin.
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

# count STATE
count() { drover status --json | jq ".queue.states.$1"; }

count_is() { [ "$(count "$1")" = "$2" ]; }

# Processes that carry this test's mark in their environment, but for the ones in our own shell.
leftovers() {
	for p in /proc/[0-9]*; do
		{ tr '\0' '\n' <"$p/environ"; } 2>/dev/null | grep -q "^DROVER_JOB=" &&
			{ tr '\0' '\n' <"$p/environ"; } 2>/dev/null | grep -qF "$work" && basename "$p"
	done
}

# repo DIR FILES: a repository with that many files, and a bare remote of it beside (DIR.git).
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

finish() {
	trap - EXIT INT TERM
	for p in $pids; do
		kill -TERM "$p" 2>/dev/null
	done
	for p in $pids; do
		wait "$p" 2>/dev/null
	done
	if [ "$failed" -gt 0 ] || [ -n "${1:-}" ]; then
		say "--- log"
		tail -n 40 "$work/drover.log" "$work/droverd.out" 2>/dev/null
	fi
	[ -z "${mounted:-}" ] || umount -l "$mounted"
	chmod -R u+w "$work" 2>/dev/null
	[ -n "${KEEP:-}" ] || rm -rf "$work"
	say "$passed passed, $failed failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] && [ -z "${1:-}" ]
	exit $?
}
trap 'finish interrupted' EXIT INT TERM
