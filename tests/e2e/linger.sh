#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Agents that leave processes behind in 17 ways (linger.c) and end in 7 ways: what is left of each in
# the sandbox and without it. As root, the test runs again as a normal user.

# Not below /tmp, which the sandbox hides anyway.
TMPDIR=$BUILD
. "$SRC/tests/e2e/lib.sh"
unset TMPDIR
need jq git bwrap cc
user=(env)
if [ -n "${LINGER_AS:-}" ]; then
	user=(setpriv "--reuid=$LINGER_AS" "--regid=$LINGER_AS" --clear-groups)
	as=("${user[@]}")
	"${as[@]}" test -r "$BUILD/droverd" -a -r "$SRC/data/prompts" || skip "skipped: user $LINGER_AS cannot read $BUILD and $SRC"
fi
"${user[@]}" bwrap --unshare-pid --ro-bind / / --proc /proc true 2>/dev/null || skip "skipped: bwrap does not work here"
"${user[@]}" unshare -U true 2>/dev/null || skip "skipped: no user namespaces here"

names=(0 "double fork" setsid nohup "cleared environment" "ignored signals" stopped "daemon with closed files" "vfork child" "thread without its process"
	"new namespace" "traced pair" "fork loop" "zombie's parent" "other root" "renamed argv" setpgid "re-spawner")
kinds=$((${#names[@]} - 1))
ends=(exit-0 exit-1 time-limit cancelled worker-killed core-killed stopped)
mkdir -p "$work/kit/bin" "$work/tickets"
make_repo "$work/shop" 1
for end in "${ends[@]}"; do
	for box in on off; do
		cc -O1 -pthread -o "$work/kit/bin/$end-$box" "$SRC/tests/e2e/linger.c" 2>"$work/cc.out" || finish "$(cat "$work/cc.out")"
	done
done

# The agent leaves one process of each kind, tells that all are up, and ends in its way.
cat >"$work/kit/bin/agent" <<'AGENT'
#!/bin/bash
up=$npm_config_cache/up-$1
mkdir "$up"
for kind in $(seq "$2"); do "${0%/*}/$1" "$kind" "$up" & done
while [ "$(ls "$up" | wc -l)" -lt "$2" ]; do sleep 0.05; done
echo "$1" >"$1.txt"
echo >"$up.all"
case $1 in
exit-?-*)
	until [ -e "$up.go" ]; do sleep 0.05; done
	end=${1#exit-}
	exit "${end%-*}" ;;
core-killed-*) until [ -e "$up.go" ]; do sleep 0.05; done ;;
*) sleep 600 ;;
esac
AGENT
# The check waits, so that there is a moment in which the agent has ended and its job has not.
cat >"$work/kit/bin/check" <<'CHECK'
#!/bin/sh
up=$npm_config_cache/up-$(basename "$(ls -t ./*-o[nf]*.txt | head -n 1)" .txt)
echo >"$up.check"
until [ -e "$up.checked" ]; do sleep 0.05; done
CHECK
chmod +x "$work/kit/bin/agent" "$work/kit/bin/check"
export PATH="$work/kit/bin:$PATH"
agents=
for end in "${ends[@]}"; do
	for box in on off; do
		limit=0s
		[ "$end" != time-limit ] || limit=20s
		agents+="	$end-$box = { command = (\"$work/kit/bin/agent\", \"$end-$box\", \"$kinds\"); prompt = \"stdin\"; output = \"plain\"; timeout = \"$limit\"; };"$'\n'
	done
done
config <<CONF
running = 8;
drain_timeout = "1s";
pools = { light = { slots = 8; }; };
agents = {
$agents};
repos = ( { name = "on"; url = "$work/shop.git"; base = "main"; sandbox = "required"; check = (("$work/kit/bin/check")); },
	  { name = "off"; url = "$work/shop.git"; base = "main"; sandbox = "off"; check = (("$work/kit/bin/check")); } );
plugins = ( { name = "inbox"; sources = { folder = { interval = "1s"; path = "$work/tickets"; repo = "on"; }; };
              pipelines = { ticket = { pool = "light"; timeout = "1h"; retries = 0; }; }; } );
CONF
[ -z "${LINGER_AS:-}" ] || chown -R "$LINGER_AS:$LINGER_AS" "$work"

# alive PROGRAM: prints the numbers of the kinds of which that program has a process. A process that
# forks all the time is missed by one look, hence three.
alive() {
	for _ in 1 2 3; do
		find -L /proc/[0-9]*/task/[0-9]*/exe -maxdepth 0 -samefile "$work/kit/bin/$1" 2>/dev/null |
			while read -r exe; do cat "${exe%exe}comm" 2>/dev/null; done
	done | sed -n 's/^k//p' | sort -nu | paste -sd ' '
}
pids() { find -L /proc/[0-9]*/task/[0-9]*/exe -maxdepth 0 -samefile "$work/kit/bin/$1" 2>/dev/null | cut -d/ -f3 | sort -u; }
id_of() { drover list --json --limit 100 | jq -r --arg a "$1" '.jobs[] | select(.agent == $a) | .id' | head -n 1; }
all=$(seq -s ' ' "$kinds")
are_there() { equal "$(alive "$1")" "$all"; }
none() { equal "$(alive "$1")" ""; }
cache() { echo "$work/cache/repos/${1##*-}/npm/up-$1"; }
all_up() { [ -e "$(cache "$1").all" ]; }
go() { touch "$(cache "$1").go"; }
declare -A left

# look END BOX [WAIT]: notes what is left, and asserts that it is nothing if that is in the sandbox.
look() {
	[ "$2" = off ] || check "in the sandbox nothing is left: $1" ${3:+until_true} none "$1-$2"
	left[$1-$2]=$(alive "$1-$2")
}
# round BOX: seven agents, one for each end.
round() {
	for end in "${ends[@]}"; do
		printf 'Repo: %s\nAgent: %s\n\n# Linger %s\n' "$1" "$end-$1" "$end-$1" >"$work/ticket"
		mv "$work/ticket" "$work/tickets/$end-$1.md"
	done
	for end in "${ends[@]}"; do
		check "$end, sandbox $1: all kinds are started" until_true all_up "$end-$1"
		[ "$end" = time-limit ] || check "$end, sandbox $1: and are there" until_true are_there "$end-$1"
	done
	go "exit-0-$1"
	check "exit-0: the check runs" until_true test -e "$(cache "exit-0-$1").check"
	look exit-0 "$1"
	touch "$(cache "exit-0-$1").checked"
	go "exit-1-$1"
	check "exit-1: the job has failed" until_true job_is "$(id_of "exit-1-$1")" dead
	look exit-1 "$1"
	drover cancel "$(id_of "cancelled-$1")" >/dev/null
	check "the job is cancelled" until_true job_is "$(id_of "cancelled-$1")" cancelled
	look cancelled "$1"
	kill -KILL "$(drover worker list --json | jq -r --argjson j "$(id_of "worker-killed-$1")" '.workers[] | select(.job == $j) | .pid')"
	look worker-killed "$1" wait
	check "the agent's time is over" until_true job_is "$(id_of "time-limit-$1")" dead
	look time-limit "$1"
	daemon_kill
	daemon_start || finish broken
	go "core-killed-$1"
	check "core-killed: the check runs" until_true test -e "$(cache "core-killed-$1").check"
	look core-killed "$1"
	touch "$(cache "core-killed-$1").checked"
	check "core-killed: the job goes on to its end" until_true job_is "$(id_of "core-killed-$1")" succeeded
	daemon_stop
	look stopped "$1" wait
}

boxes="on off"
[ -z "${LINGER_AS:-}" ] || boxes=on
for box in $boxes; do
	daemon_start || finish broken
	round "$box"
done
say "# left of $kinds kinds:"
for end in "${ends[@]}"; do
	for box in $boxes; do
		say "#   $(printf '%-14s sandbox %-4s %2d' "$end" "$box" "$(wc -w <<<"${left[$end-$box]}")")$(
			for kind in ${left[$end-$box]}; do printf ' (%s)' "${names[kind]}"; done)"
		for _ in 1 2 3 4 5; do
			for p in $(pids "$end-$box"); do kill -KILL "$p" 2>/dev/null; done
		done
	done
done
if [ "$(id -u)" -eq 0 ] && [ -z "${LINGER_AS:-}" ] && command -v setpriv >/dev/null; then
	check "all of it holds for a normal user" env LINGER_AS=65534 bash "$SRC/tests/e2e/linger.sh"
fi
finish
