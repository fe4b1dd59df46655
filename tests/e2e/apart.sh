#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What an agent, which runs as the daemon's user, can see of drover's own processes.
. "$SRC/tests/e2e/lib.sh"
need jq pgrep

if [ "$(id -u)" -eq 0 ]; then
	need setpriv
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	"${as[@]}" test -r "$BUILD/droverd" -a -r "$SRC/data/prompts" || skip "skipped: user 65534 cannot read $BUILD and $SRC"
	chown -R 65534:65534 "$work"
fi
ulimit -S -c "$(ulimit -H -c)"

config <<CONF
running = 1;
plugins = ( { name = "exec"; } );
CONF
daemon_start || finish broken

# The command tells the hard limit of core dumps that it has, and then waits.
drover submit exec.command --key stays --payload "[\"sh\", \"-c\", \"ulimit -H -c >$work/limit; exec sleep 300\"]" >/dev/null
has_limit() { [ -s "$work/limit" ]; }
check "a job runs as a normal user" until_true has_limit
runner=$(pgrep -P "$daemon" -f "droverd -x runner exec")
keeper=$(pgrep -P "$daemon" -f "droverd -x keeper" | head -n 1)
worker=$(pgrep -P "$runner")
job=$(pgrep -P "$worker")
agent=$(pgrep -P "$job" -x sleep)

# reads PID: prints which of the process's files a process of the daemon's user can read.
reads() {
	"${as[@]}" sh -c 'for f in environ mem fd maps; do
		case $f in
		mem) (exec 3<"/proc/$1/mem") 2>/dev/null ;;
		fd) ls "/proc/$1/fd/" >/dev/null 2>&1 ;;
		*) cat "/proc/$1/$f" >/dev/null 2>&1 ;;
		esac && printf "%s " $f
	done' sh "$1"
}
for part in daemon runner keeper worker job; do
	check "no process of its user reads environ, mem, fd or maps of the $part" equal "${!part:+runs }$(reads "${!part}")" "runs "
	check "the $part never dumps core" equal "$(awk '/^Max core/ { print $5, $6 }' "/proc/${!part}/limits")" "0 0"
done
check "an agent's environ, fd and maps can be read, so the look finds what there is" has "$(reads "$agent")" "environ"
check "an agent dumps no core either" equal "$(cat "$work/limit")" 0

drover cancel exec.command/stays >/dev/null 2>&1
daemon_stop

# Where /proc hides processes, the core must still see its workers.
hide=(unshare -m sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$@"' sh)
if [ "$(id -u)" -eq 0 ] && "${hide[@]}" true 2>/dev/null; then
	as=("${hide[@]}" "${as[@]}")
	daemon_start || finish broken
	check "with hidepid a job runs" drover submit exec.command --key hidden --payload '["true"]' --wait
	check "and the log says what is lost" grep -q 'warn.*mounted with hidepid' "$work/drover.log"
	daemon_stop
else
	say "skipped: hidepid takes root and a mount namespace"
fi
finish
