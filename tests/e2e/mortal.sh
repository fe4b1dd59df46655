#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of whatever drover started, at random, while commands and tickets run: workers, runners, jobs, keepers, agents.
# At the end everything has an end: no job runs, no tree is held, no slot is taken, no process is left.
. "$SRC/tests/e2e/lib.sh"
need git jq sqlite3
victims=${VICTIMS:-40}
make_repo "$work/shop" 200
mkdir "$work/tickets"
cat >"$work/agent" <<'AGENT'
#!/bin/sh
name=$(sed -n 's/^Name: *\([a-z0-9]*\)$/\1/p' | head -n 1)
sleep 0.5
echo "$name" >"$name.txt"
sleep 0.5
AGENT
chmod +x "$work/agent"
config <<CONF
running = 4;
pools = { light = { slots = 4; }; };
agents = { scripted = { command = ("$work/agent"); prompt = "stdin"; output = "plain"; }; };
repos = ( { name = "shop"; url = "$work/shop.git"; base = "main"; } );
plugins = ( { name = "exec"; pipelines = { command = { pool = "light"; timeout = "1h"; retries = 1; }; }; },
	{ name = "inbox"; sources = { folder = { interval = "1s"; path = "$work/tickets"; repo = "shop"; agent = "scripted"; }; };
	  pipelines = { ticket = { pool = "light"; timeout = "1h"; retries = 1; }; }; } );
CONF
daemon_start || finish broken

# Below the daemon, at any depth; never the daemon itself.
below() { for child in $(pgrep -P "$1"); do echo "$child"; below "$child"; done; }
random() { od -An -N2 -tu2 /dev/urandom | tr -d ' '; }
n=0
kills=0
: >"$work/killed"
while [ "$kills" -lt "$victims" ] && [ "$n" -lt $((victims * 10)) ]; do
	n=$((n + 1))
	[ $((n % 2)) -ne 0 ] || drover submit exec.command --key "run-$n" --payload '["sh", "-c", "sleep 1 & sleep 0.5; wait"]' >/dev/null 2>&1
	if [ $((n % 3)) -eq 0 ]; then
		printf '# Ticket %s\n\nName: t%s\n' "$n" "$n" >"$work/t.tmp"
		mv "$work/t.tmp" "$work/tickets/t$n.md"
	fi
	# Not the runners themselves: at five ends their plugin is parked, and nothing runs that could be killed.
	below "$daemon" >"$work/all"
	drover plugin list --json | jq -r '.plugins[].pid' >"$work/runners"
	grep -vxF -f "$work/runners" "$work/all" >"$work/below"
	count=$(wc -l <"$work/below")
	sleep "0.$(($(random) % 4 + 1))"
	[ "$count" -gt 0 ] || continue
	victim=$(sed -n "$(($(random) % count + 1))p" "$work/below")
	what=$({ tr '\0' ' ' <"/proc/$victim/cmdline"; } 2>/dev/null | cut -c1-60)
	kill -KILL "$victim" 2>/dev/null && kills=$((kills + 1)) && echo "$what" >>"$work/killed"
done
xargs -r kill -KILL <"$work/runners"
say "# $kills killed, and then the runners:"
sort "$work/killed" | sed "s|$work|W|g; s|$BUILD|B|g" | uniq -c | sed 's/^/#  /'
check "something was killed" [ "$kills" -eq "$victims" ]
check "the daemon is the one that was started" kill -0 "$daemon"
runners_back() { [ "$(drover plugin list --json | jq '[.plugins[] | select(.state == "ready" and .starts == 2)] | length')" = 2 ]; }
check "the runners are started again" until_true runners_back
drover plugin list | sed 's/^/#   /'
at_rest() { count_is running 0 && [ "$(drover status --json | jq .busy)" = 0 ]; }
quiet() { at_rest && count_is queued 0; }
check "no job is stuck" until_true quiet
drover status | sed 's/^/#   /'
# A tree whose worker was killed is held until its silence is noticed.
free() { [ "$(drover lease list --json | jq '[.leases[]? | select(.state == "leased")] | length')" = 0 ]; }
check "no tree is held" until_true free
check "all slots work" drover submit exec.command --key last-1 --payload '["true"]' --wait
delayed=$(count delayed)
say "#   $delayed wait for their next try"
drover list --json --limit 1000 | jq -r '.jobs[] | .state + " " + .kind' | sort | uniq -c | sed 's/^/#  /'
daemon_stop
gone() { [ -z "$(leftovers)" ] && ! pgrep -f "$work" >/dev/null; }
check "no process is left" until_true gone
pgrep -af "$work" | sed 's/^/#   /'
check "integrity" equal "$(sqlite3 "$work/state/drover.db" 'pragma integrity_check')" ok
check "the events replay to the states" equal "$(sqlite3 "$work/state/drover.db" "
	select count(*) from job j where j.state <> (select e.to_state from event e where e.job = j.id order by e.id desc limit 1)")" 0
finish
