#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An operator's day: the verbs of drover, what they answer, and the status that each ends with.
. "$SRC/tests/e2e/lib.sh"
need git jq
make_repo "$work/web" 5
config <<CONF
running = 3;
drain_timeout = "1s";
repos = ( { name = "web"; url = "$work/web.git"; base = "main"; slots = 1; } );
plugins = ( { name = "exec"; pipelines = { command = { retries = 0; }; }; } );
CONF

# status NAME WANTED COMMAND...: what it prints is in $work/said.
status() {
	label=$1
	wanted=$2
	shift 2
	"$@" >"$work/said" 2>&1
	check "$label" equal $? "$wanted"
}

says() { check "$1" grep -q -e "$2" "$work/said"; }

why_is() { drover why "$1" | head -n 1 | grep -q -e "$2"; }

status "no daemon: exit 6" 6 drover status
says "and how to get one" 'start one with'
status "the configuration is good" 0 "$BUILD/drover" -c "$work/drover.conf" config check
sed 's/name = "exec";/& options = { no_such = "x"; };/' "$work/drover.conf" >"$work/wrong.conf"
status "an option that no plugin has is found: exit 1" 1 "$BUILD/drover" -c "$work/wrong.conf" config check
says "with its line" 'wrong.conf:[0-9]*: plugin exec: unknown key "no_such"'
status "the daemon finds it as well" 3 "$BUILD/droverd" -t -c "$work/wrong.conf"
sed 's/name = "exec"/name = "exce"/' "$work/drover.conf" >"$work/wrong.conf"
status "a plugin that is not there is found" 1 "$BUILD/drover" -c "$work/wrong.conf" config check
says "by its name" 'no exce.so'
daemon_start || finish "no daemon"

status "a job that succeeds: exit 0" 0 drover submit exec.command -p '["true"]' --wait
status "one that fails: exit 1" 1 drover submit exec.command -p '["sh", "-c", "echo oops >&2; exit 4"]' --key bad --wait
says "and its reason" 'exit status 4: oops'
status "no such kind: exit 3" 3 drover submit no.such
status "no such repository: exit 3" 3 drover submit exec.command --repo nope
status "no such verb: exit 3" 3 drover lst
status "no such job: exit 4" 4 drover show 999
status "an ended job cannot be cancelled: exit 5" 5 drover cancel 1
status "the dead" 0 drover dead list
says "with what they died of" 'exit status 4'
status "one of two: exit 2" 2 drover dead discard 2 1
sleeper=$(drover submit exec.command -p '["sleep", "300"]' --key sleeper -t "A sleeper")
until_true job_is "$sleeper" running
status "a key twice with --new: exit 7" 7 drover submit exec.command -p '["true"]' --key sleeper --new
check "a key twice without it: the same job" equal "$(drover submit exec.command -p '["true"]' --key sleeper 2>/dev/null)" "$sleeper"

after=$(drover submit exec.command -p '["true"]' --after exec.command/sleeper)
check "why: dependency" why_is "$after" 'comes after job'
held=$(drover submit exec.command -p '["true"]' --hold)
check "why: hold" why_is "$held" held
status "hold has a reason" 0 drover release "$held"
drover pause kind/exec.command --why "a release"
paused=$(drover submit exec.command -p '["true"]')
check "why: pause, and who said why" why_is "$paused" 'a release'
status "pauses are in the status" 0 drover status
says "by name" 'kind/exec.command'
status "resume" 0 drover resume kind/exec.command
check "and it runs" until_true job_is "$paused" succeeded
drover drain
drained=$(drover submit exec.command -p '["true"]')
check "why: drain" why_is "$drained" 'drover undrain'
drover undrain
check "undrained" until_true job_is "$drained" succeeded

holder=$(drover submit exec.command --repo web -p '["sleep", "300"]')
leased() { [ "$(drover lease list --json | jq '[.leases[] | select(.state == "leased")] | length')" -gt 0 ]; }
check "a job on a repository has a lease" until_true leased
second=$(drover submit exec.command --repo web -p '["true"]')
check "why: slots of the repository" why_is "$second" web
status "a live owner's lease is not broken: exit 7" 7 drover lease break 1
status "tidying" 0 drover lease gc
status "cancel a running job" 0 drover cancel "$holder"
check "the next one has the repository" until_true job_is "$second" succeeded

for verb in list status "dead list" "lease list" "source list" "plugin list" "repo list" "agent list" "worker list" "config show" version \
	"show $sleeper" "why $sleeper" "plugin info exec"; do
	# shellcheck disable=SC2086
	check "$verb --json" sh -c '"$0" "$@" --json | jq -e . >/dev/null' "$BUILD/drover" --socket "$work/drover.sock" -c "$work/drover.conf" $verb
done

ticker=$(drover submit exec.command -p "[\"sh\", \"-c\", \"for i in 1 2 3 4 5 6 7 8; do echo line \$i; while [ \$i = 4 -a ! -e $work/go ]; do sleep 0.1; done; done\"]")
until_true job_is "$ticker" running
drover logs -f "$ticker" >"$work/followed" 2>/dev/null &
follower=$!
until_true grep -q 'line 4' "$work/followed"
kill -USR2 "$daemon"
wait "$daemon"
check "a hand-over ends the daemon in order" equal $? 0
daemon_start || finish "no second daemon"
check "the agents went on" job_is "$sleeper" running
touch "$work/go"
wait "$follower"
check "a follower is there to the end" equal $? 0
check "and missed nothing" equal "$(tr '\n' ' ' <"$work/followed")" "line 1 line 2 line 3 line 4 line 5 line 6 line 7 line 8 "
check "no attempt was used up" equal "$(drover show --json "$ticker" | jq .attempt)" 1

status "a reload that changes nothing" 0 drover reload
sed 's/running = 3/running = 4/' "$work/drover.conf" >"$work/new.conf" && cp "$work/new.conf" "$work/drover.conf"
status "what a reload would change" 0 drover -c "$work/drover.conf" config diff
says "is named" 'running'
status "reload" 0 drover reload
echo 'runing = 4;' >>"$work/drover.conf"
status "a bad file is refused" 3 drover reload
says "by its line" 'drover.conf:'
cp "$work/new.conf" "$work/drover.conf"
drover cancel "$sleeper" 2>/dev/null
check "a dependency that fails is told" until_true why_is "$after" cancelled
status "drain --stop" 0 drover drain --stop
wait "$daemon"
check "ends the daemon" equal $? 0
finish
