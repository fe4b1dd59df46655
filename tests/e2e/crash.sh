#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of the core, 50 times at random, while 200 jobs run: each accepted exactly once, running ones adopted,
# nothing left over, the database whole, and its events telling the same story as its states.
. "$SRC/tests/e2e/lib.sh"
need jq sqlite3
kills=${KILLS:-50}
jobs=200

config <<CONF
running = 3;
pools = { light = { slots = 3; }; };
plugins = ( { name = "exec"; pipelines = { command = { pool = "light"; timeout = "1h"; retries = 2; }; }; } );
CONF
cat >"$work/once" <<'ONCE'
#!/bin/sh
# Leaves a mark for each time it ran to its end.
sleep "0.$(($2 % 4 + 1))"
echo "$$" >>"$1/$2"
ONCE
chmod +x "$work/once"
mkdir "$work/marks"
daemon_start || finish broken

n=1
while [ "$n" -le "$jobs" ]; do
	printf '{"kind": "exec.command", "key": "job-%s", "payload": "{\\"argv\\": [\\"%s\\", \\"%s\\", \\"%s\\"]}"}\n' "$n" "$work/once" "$work/marks" "$n"
	n=$((n + 1))
done | jq -s . >"$work/jobs.json"
curl -sS --unix-socket "$work/drover.sock" -H 'Content-Type: application/json' --data-binary "@$work/jobs.json" http://drover/api/v1/jobs >"$work/answer.json"
check "200 jobs accepted" equal "$(jq '[.[] | select(.fresh)] | length' "$work/answer.json")" "$jobs"

i=0
while [ "$i" -lt "$kills" ]; do
	sleep "0.$(($(od -An -N2 -tu2 /dev/urandom) % 5))$(($(od -An -N2 -tu2 /dev/urandom) % 10))"
	daemon_kill
	"$BUILD/droverd" -c "$work/drover.conf" >>"$work/droverd.out" 2>&1 &
	daemon=$!
	i=$((i + 1))
done
until_true answers || finish broken
ended() { [ "$(($(count succeeded) + $(count dead) + $(count cancelled) + $(count held)))" = "$jobs" ]; }
check "all end" until_true ended
check "all succeed" equal "$(count succeeded)" "$jobs"
check "each job ran" equal "$(find "$work/marks" -type f | wc -l)" "$jobs"
adopted=$(grep -c 'worker is back with its job' "$work/drover.log")
say "# $adopted adoptions, $(cat "$work"/marks/* | wc -l) runs to the end of $jobs jobs over $kills kills"
check "running jobs were adopted" [ "$adopted" -gt 0 ]
check "a job that was adopted did not run twice" [ "$(cat "$work"/marks/* | wc -l)" -le $((jobs + kills)) ]
check "no lease is held" equal "$(drover lease list --json | jq '[.leases[]? | select(.state == "leased")] | length')" 0
daemon_stop
gone() { [ -z "$(leftovers)" ] && ! pgrep -f "$work" >/dev/null; }
check "no process is left" until_true gone
accepted=$(sqlite3 "$work/state/drover.db" "select count(*) from event where event = 'succeed'")
check "each result accepted exactly once" equal "$accepted" "$jobs"
check "integrity" equal "$(sqlite3 "$work/state/drover.db" 'pragma integrity_check')" ok
check "the events replay to the states" equal "$(sqlite3 "$work/state/drover.db" "
	select count(*) from job j where j.state <> (select e.to_state from event e where e.job = j.id order by e.id desc limit 1)")" 0
check "no event skips a state" equal "$(sqlite3 "$work/state/drover.db" "
	select count(*) from event e where e.from_state <> coalesce((select p.to_state from event p where p.job = e.job and p.id < e.id order by p.id desc limit 1), e.from_state)")" 0
finish
