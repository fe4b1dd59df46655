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

export APART_TOKEN=canary-$RANDOM-$RANDOM

config <<CONF
running = 1;
repos = ( { name = "web"; url = "https://127.0.0.1:9/web.git"; token_env = "APART_TOKEN"; } );
plugins = ( { name = "exec"; pipelines = { command = { retries = 0; }; }; } );
CONF
daemon_start || finish broken

# The command tells the hard limit of core dumps that it has. Then it asks the API: itself, from a
# process that it has left behind, and each time that the file "ask" is there.
cat >"$work/stays" <<END
#!/bin/bash
ask() { "$BUILD/drover" --socket "$work/drover.sock" submit exec.command --key inside --payload '["true"]' >"$work/\$1.out" 2>&1; echo \$? >"$work/\$1"; }
case \${1:-} in
orphan) ask orphan; exit ;;
outlives)
	# The job's process ends with its worker; this one has nothing by which it is found, and lives on.
	[ "\${2:-}" = 2 ] || { PATH=\$PATH env -i setsid "\$0" outlives 2 & sleep 300; }
	echo \$\$ >"$work/survivor"
	while [ ! -e "$work/killed" ]; do sleep 0.1; done
	ask outlives
	exit ;;
esac
env >"$work/env"
ulimit -H -c >"$work/limit"
ask inside
(setsid "\$0" orphan &)
while sleep 0.1; do
	[ -e "$work/ask" ] || continue
	rm "$work/ask"
	ask again
done
END
chmod 755 "$work/stays"
drover submit exec.command --key stays --payload "[\"$work/stays\"]" >/dev/null
has_limit() { [ -s "$work/limit" ]; }
check "a job runs as a normal user" until_true has_limit
runner=$(pgrep -P "$daemon" -f "droverd -x runner exec")
# shellcheck disable=SC2034 # read by name below
keeper=$(pgrep -P "$daemon" -f "droverd -x keeper" | head -n 1)
worker=$(pgrep -P "$runner")
job=$(pgrep -P "$worker" -f "droverd -x runner exec")
agent=$(pgrep -o -P "$job" -x stays)

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

# hides FILE NAME: true if FILE has the variable NAME, but not the token.
hides() { has "$(tr '\0' '\n' <"$1")" "$2=" && ! has "$(tr '\0' '\n' <"$1")" "$APART_TOKEN"; }
if [ "$(id -u)" -eq 0 ]; then
	for part in daemon runner keeper worker job; do
		check "not even root sees the token in the environ of the $part" hides "/proc/${!part}/environ" HOME
	done
fi
check "an agent does not get the token" hides "$work/env" DROVER_JOB
token_is_read() { drover secret check | grep -q "web.*can be read"; }
check "a process that drover starts for it still reads the token" token_is_read
check "reload" drover reload
check "and after a reload" token_is_read
check "an agent's environ, fd and maps can be read, so the look finds what there is" has "$(reads "$agent")" "environ"
check "an agent dumps no core either" equal "$(cat "$work/limit")" 0

# refused NAME WHO: asserts that drover, called inside of the job, was refused.
refused() {
	check "$2 has asked the API" until_true test -s "$work/$1"
	check "and was refused" has "$(cat "$work/$1.out")" "drover started process"
	check "with a failure" [ "$(cat "$work/$1")" != 0 ]
}
refused inside "an agent"
refused orphan "a process that it left behind"
daemon_kill
daemon_start || finish broken
back() { [ "$(drover status --json | jq .busy)" = 1 ] && drover worker list --json | grep -q busy; }
check "the worker comes back to a new core" until_true back
touch "$work/ask"
refused again "an agent of an earlier core"
drover cancel exec.command/stays >/dev/null 2>&1
drover submit exec.command --key dies --payload "[\"$work/stays\", \"outlives\"]" >/dev/null
check "a job has a process that is not found" until_true test -s "$work/survivor"
kill -KILL "$(drover worker list --json | jq -r 'first(.workers[] | select(.state == "busy")).pid')"
touch "$work/killed"
refused outlives "a process that has outlived its worker"
check "no job was made" equal "$(drover list --json | jq -c '[.jobs[].key] | sort')" '["dies","stays"]'
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
