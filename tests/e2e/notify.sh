#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# People are told once of what happens to a job, whatever happens to the daemon; probes; operations by hand.
. "${SRC:?}/tests/e2e/lib.sh"
need curl jq sqlite3

[ -e "$BUILD/.libs/bell.so" ] || make -C "$BUILD" bell.la >/dev/null || exit 1
mkdir "$work/bell"
printf 'ding' >"$work/token"
printf 'repo-sesame' >"$work/repo-token"
chmod 600 "$work/token" "$work/repo-token"
make_repo "$work/web" 1

configure() {
	config <<-CONF
		repos = ( { name = "web"; url = "$work/web.git"; token_file = "$work/repo-token"; },
		  { name = "other"; url = "$work/web.git"; token_command = ("sh", "-c", "echo $1"); } );
		plugins = ( { name = "bell"; options = { dir = "$work/bell"; token_file = "$work/token"; }; sources = { door = { enabled = false; }; }; } );
		notify = ( { operation = "bell.ring"; on = ("start", "pull", "needs-info", "dead"); fields = { channel = "C012"; urgent = true; }; },
		  { operation = "bell.ring"; on = ("dead"); kinds = ("bell.other"); },
		  { operation = "bell.sing"; on = ("dead", "budget"); kinds = ("bell.other"); } );
	CONF
}
rings() { if [ -e "$work/bell/rings" ]; then wc -l <"$work/bell/rings"; else echo 0; fi; }
rings_are() { [ "$(rings)" -eq "$1" ]; }
# ring KEY FILTER: of the notices whose key begins so. Several are on their way at once, so that
# their order in the file says nothing.
ring() { jq -r "select(.key | startswith(\"notify/$1\")) | $2" "$work/bell/rings"; }
waiting() { drover status --json | jq .notices.waiting; }
waiting_is() { [ "$(waiting)" = "$1" ]; }
fails() { want=$1; shift; "$@" >"$work/out" 2>"$work/err"; equal "$?" "$want"; }

configure "x"
daemon_start || finish started

say "# notices"
job=$(drover submit bell.work --key T-1 --title 'Fix the page' --payload die)
check "a job that starts and dies is told of twice" until_true rings_are 2
check "with what the configuration adds" equal "$(ring "$job/start/" '"\(.channel) \(.urgent)"')" "C012 true"
check "when it started" equal "$(ring "$job/start/" .text | sed 's/trace [0-9a-f]*/trace X/')" "drover: bell.work T-1: Fix the page - started (trace X)"
check "and when it died, in one harmless line" equal "$(ring "$job/dead/" .text | sed 's/trace [0-9a-f]*/trace X/')" \
	'drover: bell.work T-1: Fix the page - dead after 1 attempt: the ticket is gone and \x1b[31mso is its project (trace X)'
check "by the key of the job and its event" equal "$(ring "$job/dead/" .key)" "notify/$job/dead/0/1"
pull=$(drover submit bell.work --key T-2 --payload pull)
check "a pull request is told" until_true rings_are 4
check "with its address" has "$(ring "$pull/pull/" .text)" 'pull request: https://forge.example/acme/web/pull/7'
held=$(drover submit bell.work --key T-3 --payload ask)
check "a question is told" until_true rings_are 6
check "as it was asked" has "$(ring "$held/needs-info/" .text)" 'a person must look at it: which of the two pages?'
drover release "$held" >/dev/null
check "and once more when it is asked again" until_true rings_are 7
drover retry "$job" >/dev/null
check "a second death is told, a second start not" until_true rings_are 8
check "under a key of its own" equal "$(ring "$job/dead/" .key | sort)" "$(printf 'notify/%s/dead/0/%s\n' "$job" 1 "$job" 2)"
check "nothing waits" until_true waiting_is 0

say "# the daemon dies"
touch "$work/bell/shut"
drover submit bell.work --key T-4 --payload die >/dev/null
check "what nobody takes waits" until_true waiting_is 2
check "and is said" sh -c "'$BUILD/drover' --socket '$work/drover.sock' status | grep -q '^notices *2 waiting'"
check "with why" until_true sh -c "'$BUILD/drover' --socket '$work/drover.sock' status --json | jq -r '.notices.list[].error' | grep -q 'the door is shut'"
daemon_kill
rm "$work/bell/shut"
daemon_start || finish started
check "a new daemon sends it" until_true rings_are 10
check "once each" equal "$(jq -r .key "$work/bell/rings" | sort | uniq -d)" ""
until_true waiting_is 0
daemon_kill
# As if it had died after the operation was done and before that was written down.
sqlite3 "$work/state/drover.db" "update notice set state = 'waiting', next_at = 0, tries = 0"
daemon_start || finish started
check "what was sent and not written down" until_true waiting_is 0
check "is told to the operation again, and to nobody else" equal "$(rings)" 10
check "at the first try, which waits until the plugin runs" sh -c "! curl -s --unix-socket '$work/drover.sock' http://localhost/metrics | grep '^drover_notices_total.*failed.*} [1-9]'"
check "they are counted" sh -c "curl -s --unix-socket '$work/drover.sock' http://localhost/metrics | grep -q 'drover_notices_total{operation=\"bell.ring\",event=\"dead\",result=\"sent\"} [1-9]'"
now=$(date +%s)
daemon_kill
touch "$work/bell/shut"
sqlite3 "$work/state/drover.db" "update notice set state = 'waiting', next_at = 0, created_at = ($now - 90000) * 1000.0 where event = 'pull'"
daemon_start || finish started
dropped() { [ "$(drover status --json | jq .notices.dropped)" = 1 ]; }
check "what nobody took for a day is given up" until_true dropped
check "with an event of its job" sh -c "'$BUILD/drover' --socket '$work/drover.sock' show bell.work/T-2 --json | jq -r '.events[] | .event' | grep -q notice-dropped"
check "and an error in the log" grep -q '"level":"error","msg":"notice pull of job' "$work/drover.log"
rm "$work/bell/shut"

say "# what is wrong with the configuration"
warned() { drover status | grep -q 'notify.2: plugin bell has no operation bell.sing'; }
check "an operation that is not there is said" until_true warned
sed -i 's/"budget"/"birthday"/' "$work/drover.conf"
check "a word that no event has is refused" fails 3 "$BUILD/droverd" -t -c "$work/drover.conf"
check "with its place" grep -q 'drover.conf:[0-9]*: notify.2.on: "birthday" is not one of' "$work/out" "$work/err"

say "# by hand"
check "a test is sent" fails 0 drover notify test
check "by that entry" equal "$(ring test/ '"\(.channel): \(.text)"')" "C012: drover: a test of notifications - nothing has happened"
check "there is no other entry" fails 4 drover notify test 7
check "one whose operation is missing says so" fails 4 drover notify test 2
check "an operation can be called" equal "$(drover call bell.ring '{"key":"mine","text":"x"}')" '{"rung":true}'
check "with a request from stdin" equal "$(echo '{"key":"pipe","text":"x"}' | drover call bell.ring - --json | jq -r .rung)" true
check "what is no JSON is not sent" fails 3 drover call bell.ring 'key=x'

say "# probes"
probed() { equal "$(drover plugin list --json | jq -r '.plugins[0].probe | "\(.ok) \(.as)"')" "true bell"; }
check "the probe ran by itself" until_true probed
check "all secrets are good" fails 0 drover secret check
check "and each is named" equal "$(awk 'NR > 1 { print $1, $2, $3, $4 }' "$work/out" | sort | tr -s ' \n' ' ')" "bell token ok works repo other token ok repo web token ok "
printf '' >"$work/token"
rm "$work/repo-token"
check "a token that is missing is found" fails 1 drover secret check
check "the plugin's" grep -q '^bell *token *failed *is empty' "$work/out"
check "and the repo's" grep -q '^repo web *token *failed .*repo-token' "$work/out"
check "but not the token" sh -c "! grep -q 'ding\|repo-sesame' '$work/out'"
check "only one plugin is asked when it is named" fails 1 drover secret check bell --json
check "and answered for" equal "$(jq -r '[.checks[] | select(.repo)] | length' "$work/out")" 0
check "one that is not there is not found" fails 4 drover secret check nobody
check "the status warns" sh -c "'$BUILD/drover' --socket '$work/drover.sock' status | grep -q 'plugin bell: token: is empty'"
daemon_stop
configure "x"
daemon_start || finish started
failed_probe() { [ "$(drover plugin list --json | jq -r '.plugins[0].probe.ok')" = false ]; }
check "with a bad secret the daemon starts" until_true failed_probe
check "and says what is missing" grep -q '"level":"error","msg":"probe: token: is empty"' "$work/drover.log"
check "no secret is in the log" sh -c "! grep -q 'ding' '$work/drover.log'"
daemon_stop
finish
