#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Jobs that misbehave: leave processes behind, fall silent, work in silence, flood the output, die, are cancelled; and 64 submits of one key.
. "$SRC/tests/e2e/lib.sh"
need jq sqlite3

config <<CONF
running = 3;
output_max = "1M";
pools = { light = { slots = 3; }; };
plugins = ( { name = "exec"; pipelines = { command = { pool = "light"; timeout = "60s"; silence = "4s"; retries = 0; }; }; } );
CONF
daemon_start || finish broken

cat >"$work/daemonize" <<'END'
#!/bin/sh
# A grandchild with a session of its own, twice forked, that ignores SIGTERM.
(setsid sh -c 'trap "" TERM HUP; (trap "" TERM HUP; echo $$ >"$0/grandchild"; while :; do sleep 1; done) & wait' "$1" >/dev/null 2>&1 &)
while [ ! -s "$1/grandchild" ]; do sleep 0.05; done
END
chmod +x "$work/daemonize"
check "a job that leaves a grandchild behind ends" drover submit exec.command --key leave --payload "[\"$work/daemonize\", \"$work\"]" --wait
gone() { ! kill -0 "$(cat "$work/grandchild")" 2>/dev/null; }
check "its grandchild is gone" until_true gone

busy=$(drover submit exec.command --key busy --json --payload '["timeout", "8", "sh", "-c", "while :; do :; done"]' | jq -r '.jobs[0].id // .id')
idle=$(drover submit exec.command --key idle --json --payload '["sleep", "50"]' | jq -r '.jobs[0].id // .id')
check "a silent and idle one is stopped at its limit" until_true job_is "$idle" dead
check "and the reason is silence" sh -c "'$BUILD/drover' --socket '$work/drover.sock' show --json '$idle' | grep -qi silen"
check "a silent but busy one lives until its own end" until_true job_is "$busy" dead
check "its end was its own" sh -c "'$BUILD/drover' --socket '$work/drover.sock' show --json '$busy' | grep -q 'status 124'"

flood=$(drover submit exec.command --key flood --json --payload '["head", "-c", "50000000", "/dev/zero"]' | jq -r '.jobs[0].id // .id')
check "a flood of output ends well" until_true job_is "$flood" succeeded
check "and is capped" [ "$(stat -c %s "$work/state/jobs/$flood/1.log")" -le 1100000 ]

cat >"$work/stubborn" <<'END'
#!/bin/sh
trap "" TERM
echo started
while :; do sleep 1; done
END
chmod +x "$work/stubborn"
stubborn=$(drover submit exec.command --key stubborn --json --payload "[\"$work/stubborn\"]" | jq -r '.jobs[0].id // .id')
check "it runs" until_true job_is "$stubborn" running
check "cancel is taken" drover cancel "$stubborn"
check "a command that ignores SIGTERM is cancelled all the same" until_true job_is "$stubborn" cancelled

cat >"$work/wait-for" <<'END'
#!/bin/sh
while [ ! -e "$1" ]; do sleep 0.05; done
END
chmod +x "$work/wait-for"
i=0
submits=
while [ "$i" -lt 64 ]; do
	drover submit exec.command --key one-of-64 --payload "[\"$work/wait-for\", \"$work/all-asked\"]" >/dev/null 2>&1 &
	submits="$submits $!"
	i=$((i + 1))
done
for p in $submits; do wait "$p"; done
touch "$work/all-asked"
check "64 submits of one key make one job" equal "$(drover list --json --limit 1000 | jq '[.jobs[] | select(.key == "one-of-64")] | length')" 1

check "pause" drover pause kind/exec.command
waiting=$(drover submit exec.command --key paused --json --payload '["true"]' | jq -r '.jobs[0].id // .id')
check "why tells the pause" sh -c "'$BUILD/drover' --socket '$work/drover.sock' why '$waiting' | grep -qi paus"
check "resume" drover resume kind/exec.command
check "and it runs" until_true job_is "$waiting" succeeded

drover submit exec.command --key fails --payload '["sh", "-c", "echo the last words; exit 3"]' --wait >/dev/null 2>&1
check "a failed job: submit --wait exits 1" equal $? 1
check "dead letters list it" sh -c "'$BUILD/drover' --socket '$work/drover.sock' dead list | grep -q fails"
check "dead retry" drover dead retry exec.command/fails
drover submit exec.command --key worker-dies --payload '["sh", "-c", "kill -9 $(ps -o ppid= -p $(ps -o ppid= -p $PPID))"]' >/dev/null 2>&1
check "a killed worker is a failed attempt, and the slot works again" drover submit exec.command --key next --payload '["true"]' --wait
daemon_stop
none_left() { [ -z "$(leftovers)" ]; }
check "nothing is left running" until_true none_left
finish
