#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who may start work: the gate before the queue, what it leaves behind, what plugins may ask of it; and what they remember.
. "$SRC/tests/e2e/lib.sh"
need jq sqlite3 curl
[ -f "$BUILD/.libs/guest.so" ] || skip "skipped: the test plugin guest is not built (make check builds it)"

# guest KEYS: the configuration, with these keys of the source.
guest() {
	config <<-CONF
		running = 4;
		pools = { light = { slots = 4; }; };
		plugins = ( { name = "guest"; sources = { people = { interval = "1s"; people = "$work/people"; $1 }; };
		  pipelines = { remember = { timeout = "1h"; }; }; } );
	CONF
}
reload() { drover reload >"$work/reload.out" 2>&1; }
queued_now() { drover list --json --limit 1000 --kind guest.greet | jq -e --arg k "$1" '[.jobs[].key] | index($k) != null' >/dev/null; }
jobs_of() { drover list --json --limit 1000 --kind guest.greet | jq -r '[.jobs[].key] | unique | join(" ")'; }
jobs_are() { [ "$(jobs_of)" = "$1" ]; }
refused() { drover source refused --json | jq -r '[.refusals[] | .key + ":" + .author] | sort | join(" ")'; }
refused_are() { [ "$(refused)" = "$1" ]; }
not() { ! "$@"; }
result() { drover show --json "$1" | jq -r ".result.$2"; }
run() { drover submit "$1" --key "$2" --payload "$3" --wait >/dev/null 2>"$work/run.err"; }

cat >"$work/people" <<'END'
a1 alice member -
b1 bob contributor -
c1 robot member bot
d1 drover member self
e1 - - -
f1 frank contributor,member -
END
guest ''
daemon_start || finish broken
check "those with the plugin's own mark get a job" until_true jobs_are "a1 f1"
check "everybody else is on record, once" until_true refused_are "b1:bob c1:robot d1:drover e1:"
why() { drover source refused guest.people --json | jq -r --arg k "$1" '.refusals[] | select(.key == $k) | .why'; }
check "a stranger: why" equal "$(why b1)" "not among the authors of this source"
check "a bot: why" equal "$(why c1)" "a program starts no work"
check "drover itself: why" equal "$(why d1)" "drover's own account starts no work"
check "nobody: why" equal "$(why e1)" "the plugin does not say who asks"
check "the payload is known by its hash" equal "$(drover source refused --json | jq -r '.refusals[] | select(.key == "b1") | .sha256')" \
	"$(printf b1 | sha256sum | cut -d' ' -f1)"
check "the title is kept" equal "$(drover source refused --json | jq -r '.refusals[] | select(.key == "b1") | .title')" "Please do b1"
check "for people, too" sh -c '"$0/drover" --socket "$1" source refused | grep -q "bob.*not among"' "$BUILD" "$work/drover.sock"
check "of a source without any" sh -c '"$0/drover" --socket "$1" source refused guest.none 2>&1 | grep -q "nobody was refused"' "$BUILD" "$work/drover.sock"
check "the log says so, once each" equal "$(grep -c '"level":"notice".*refused: ' "$work/drover.log")" 4
check "the metric counts" sh -c 'curl -sS --unix-socket "$0" http://drover/metrics | grep -qxF "drover_refused_total{source=\"guest.people\"} 4"' "$work/drover.sock"
check "drover plugin info tells the authors" sh -c '"$0/drover" --socket "$1" plugin info guest | grep -q "authors *member"' "$BUILD" "$work/drover.sock"

job=$(drover list --json --kind guest.greet | jq -r '[.jobs[] | select(.key == "a1") | .id] | min')
check "the job ends well" until_true job_is "$job" succeeded
check "the job knows who asked" equal "$(drover show --json "$job" | jq -r .author)" alice
check "and the hash of what was accepted" equal "$(drover show --json "$job" | jq -r .sha256)" "$(printf a1 | sha256sum | cut -d' ' -f1)"
check "so does its first event" sh -c '"$0/drover" --socket "$1" show --json "$2" | jq -r ".events[0].detail" | grep -q "^accepted: author alice, sha256 "' \
	"$BUILD" "$work/drover.sock" "$job"
check "its pipeline knows its source" equal "$(result "$job" source)" guest.people

# A restart, a kill, and polls in between: nothing is on record twice.
ids() { drover source refused --json | jq -c '[.refusals[] | select(.key != "g1") | .id]'; }
before=$(ids)
daemon_kill
daemon_start || finish broken
drover source poll >/dev/null
echo 'g1 gina contributor -' >>"$work/people"
drover source poll >/dev/null
check "a new one is on record" until_true refused_are "b1:bob c1:robot d1:drover e1: g1:gina"
check "the others are the same rows" equal "$(ids)" "$before"

# A configured list takes the place of the plugin's.
guest 'authors = ("GINA", "contributor2", "@acme/devs");'
check "a list of authors is taken" reload
printf '%s\n' 'h1 alice member -' 'h2 gina - -' 'h3 hugo Member,@acme/devs -' 'h4 gina - bot' 'h5 contributor contributor -' >>"$work/people"
check "an id in any case" until_true queued_now h2
check "a mark" until_true queued_now h3
for k in h1 h4 h5; do
	check "and nobody else: $k" not queued_now "$k"
done
check "g1 was refused, and may now" until_true queued_now g1
h_refused() { [ "$(drover source refused --json | jq -r '[.refusals[] | select(.key | startswith("h")) | .key] | sort | join(" ")')" = "h1 h4 h5" ]; }
check "the others are on record" until_true h_refused

# What a plugin is told is what the core does.
while read -r key want payload; do
	check "ask $key runs" run guest.ask "$key" "$payload"
	check "allows($payload) is $want" equal "$(result "guest.ask/$key" allows)" "$want"
done <<'END'
k1 1 people gina - -
k2 0 people alice member -
k3 1 people x @acme/devs -
k4 0 people gina - bot
k5 0 people gina - self
END
check "the authors in order" equal "$(result guest.ask/k1 authors)" "GINA contributor2 @acme/devs"
run guest.ask k6 "nobody gina - -"
check "a source without authors has no answer" equal "$(drover show --json guest.ask/k6 | jq -r .error)" "source guest.nobody has no authors"
run guest.ask k7 "- gina - -"
check "a job by hand has no source of its own" sh -c '"$0/drover" --socket "$1" show --json guest.ask/k7 | jq -r .error | grep -q "^no source is named, "' "$BUILD" "$work/drover.sock"

# Whatever is configured.
guest 'authors = ("*");'
check "anybody may be told to" reload
printf '%s\n' 'm1 zoe - -' 'm2 zoe - bot' 'm3 zoe - self' 'm4 - - -' >>"$work/people"
m_is() { drover list --json --kind guest.greet --limit 100 | jq -e '[.jobs[].key | select(startswith("m"))] | unique == ["m1"]' >/dev/null; }
check "anybody but bots, itself and nobody" until_true m_is
check "config check warns of it" sh -c '"$0/drover" -c "$1" config check 2>&1 | grep -q "lets all"' "$BUILD" "$work/drover.conf"
guest 'authors = ("@acme/*");'
check "a pattern is refused with its line" sh -c '"$0/drover" -c "$1" config check 2>&1 | grep -q "drover.conf:[0-9]*: plugins.guest.sources.people.authors: .*stands alone"' "$BUILD" "$work/drover.conf"
check "and the old list stays" sh -c '! "$0/drover" --socket "$1" reload' "$BUILD" "$work/drover.sock"
guest 'authors = ("alice"); }; nobody = { people = "/dev/null"; authors = ("alice");'
check "the file is well-formed" reload
plugin_says() { drover plugin list --json | jq -r '.plugins[0].why' | grep -q 'drover.conf:[0-9]*: source guest.nobody takes no .authors., '; }
check "a source without authors takes no such key" until_true plugin_says
guest ''
check "back to the plugin's own" reload

# What was accepted is frozen.
drover pause kind/guest.greet >/dev/null
echo 'p1 alice member -' >>"$work/people"
has_p1() { [ "$(job_state guest.greet/p1 2>/dev/null)" = queued ]; }
check "a job waits" until_true has_p1
daemon_stop
check "the cursor stands behind all that was taken or refused" equal \
	"$(sqlite3 "$work/state/drover.db" "select value from source_cursor where source = 'guest.people'")" "$(grep -c . "$work/people")"
sqlite3 "$work/state/drover.db" "update payload set data = 'p1; rm -rf /' where job = (select id from job where key = 'p1')"
daemon_start || finish broken
drover resume kind/guest.greet >/dev/null
check "what somebody changed in the database is not run" until_true job_is guest.greet/p1 dead
check "and it says why" sh -c '"$0/drover" --socket "$1" show --json guest.greet/p1 | jq -r .error | grep -q "not what was accepted"' "$BUILD" "$work/drover.sock"

# Two jobs remember at once, and again after a crash in the middle: nothing is lost or doubled.
for i in 1 2 3 4; do
	drover submit guest.remember --key "r$i" --payload "thread-1 $((i * 1000)) 40" >/dev/null
done
entries() { drover memory show guest thread-1 --json 2>/dev/null | jq '.entries | length'; }
some() { n=$(entries); [ "${n:-0}" -ge 10 ]; }
until_true some
daemon_kill
daemon_start || finish broken
for i in 1 2 3 4; do
	check "job r$i ends well" until_true job_is "guest.remember/r$i" succeeded
done
check "all of it is there, once" equal "$(entries)" 160
check "each job's in its order" equal "$(drover memory show guest thread-1 --json | jq '[.entries[].key[6:] | tonumber] | [range(1;5) as $j | map(select(. / 1000 | floor == $j))] | map(. == sort) | all')" true
check "read gives the newest that fit" sh -c 'printf %s "$1" | tail -n 1 | grep -q "^\(user\|drover\): this is number "' - "$(result guest.remember/r1 memory)"
check "and no more than fits" [ "$(result guest.remember/r1 memory | wc -c)" -le 4096 ]
run guest.remember again "thread-1 1000 40"
check "the same keys again change nothing" equal "$(entries)" 160
run guest.remember more "thread-1 5000 100"
check "of too many the oldest go" equal "$(entries)" 200
check "and are counted" equal "$(drover memory show guest thread-1 --json | jq .dropped)" 60
check "memory list" equal "$(drover memory list guest --json | jq -c '.subjects[0] | [.plugin, .subject, .entries]')" '["guest","thread-1",200]'
check "memory show, for people" sh -c '"$0/drover" --socket "$1" memory show guest thread-1 | grep -q "this is number 5099"' "$BUILD" "$work/drover.sock"
check "memory forget" drover memory forget guest thread-1
check "is said of nothing with status 4" sh -c '"$0/drover" --socket "$1" memory forget guest thread-1 2>/dev/null; [ $? -eq 4 ]' "$BUILD" "$work/drover.sock"
check "nothing is left of it" equal "$(drover memory list --json | jq -c .subjects)" "[]"
daemon_stop
check "integrity" equal "$(sqlite3 "$work/state/drover.db" 'pragma integrity_check')" ok
finish
