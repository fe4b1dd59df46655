#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Word from outside: webhooks within their bounds, listeners that come back, and a poll that waits and holds up nothing.
. "${SRC:?}/tests/e2e/lib.sh"
need curl jq python3

[ -e "$BUILD/.libs/bell.so" ] || make -C "$BUILD" bell.la >/dev/null || exit 1
mkdir "$work/bell"
printf 'ding' >"$work/token"
chmod 600 "$work/token"

# lines FILE: how many lines the plugin wrote.
lines() { if [ -e "$work/bell/$1" ]; then wc -l <"$work/bell/$1"; else echo 0; fi; }
lines_are() { [ "$(lines "$1")" -eq "$2" ]; }
lines_over() { [ "$(lines "$1")" -gt "$2" ]; }

# deliver BODY [CURL-ARG...]: the status of the answer; its body in $work/answer.
deliver() {
	body=$1
	shift
	curl -s -o "$work/answer" -w '%{http_code}' --max-time "$wait_limit" --data-binary "$body" "$@" "http://$address/hooks/${plugin:-bell}"
}
status_of() {
	want=$1
	shift
	equal "$(deliver "$@")" "$want"
}
# deed WORD: what the listener does next; the file is there with its word or not at all.
deed() { echo "$1" >"$work/bell/listen.tmp" && mv "$work/bell/listen.tmp" "$work/bell/listen"; }
listener() { drover source list --json | jq -r '.sources[] | select(.name == "bell.door") | .listen.state'; }
listener_is() { [ "$(listener)" = "$1" ]; }
metric() { curl -s --unix-socket "$work/drover.sock" http://localhost/metrics | grep -F "drover_hook_requests_total{$1}" | grep -o '[0-9]*$'; }

configure() {
	config <<-CONF
		hooks = { listen = "127.0.0.1:0"; };
		plugins = ( { name = "bell"; options = { dir = "$work/bell"; token_file = "$work/token"; };
		  sources = { door = { $1 }; }; }, { name = "inbox"; } );
	CONF
}
configure ""
daemon_start || finish started
address=$(drover status --json | jq -r .hooks)
check "the daemon says where webhooks are taken" test -n "$address"
until_true lines_are polls 1
until_true listener_is up

say "# webhooks"
check "a delivery is taken" status_of 202 ring -H "X-Delivery: d1"
check "and wakes its source" until_true lines_are polls 2
check "the same one again is known" status_of 200 ring -H "X-Delivery: d1"
check "another one is taken" status_of 202 ring -H "X-Delivery: d2"
check "and wakes it" until_true lines_are polls 3
check "the hook was called for each, and the known one woke nothing" equal "$(lines hooks) $(lines polls)" "3 3"
check "the plugin chooses status, type and body" status_of 200 "echo me" -H "Expect:"
check "of the answer" equal "$(cat "$work/answer")" '{"bytes":7}'
head -c 1000000 /dev/zero | tr '\0' 'x' >"$work/big"
(printf echo; cat "$work/big") >"$work/bigger"
check "a body near the bound arrives whole" status_of 200 "@$work/bigger"
check "byte by byte" equal "$(cat "$work/answer")" '{"bytes":1000004}'
cat "$work/big" "$work/big" >"$work/huge"
check "2 MB are too much" status_of 413 "@$work/huge"
check "a wrong signature is 401" status_of 401 auth
check "and says nothing of why" equal "$(cat "$work/answer")" ""
check "trouble of the plugin is 503" status_of 503 again
check "with a time to come back" sh -c "curl -si --data-binary again http://$address/hooks/bell | grep -qi '^retry-after: [0-9]'"
check "a hook that crashes is 503" status_of 503 crash
check "one that hangs too, when its time is over" status_of 503 hang
hung() { [ -e "/proc/$(cat "$work/bell/hangs")" ]; }
gone() { ! hung; }
check "and is gone then" until_true gone
plugin=inbox
check "a plugin without a hook is 404" status_of 404 ring
plugin=nobody
check "so is one that nobody configured" status_of 404 ring
plugin=../etc/passwd
check "and what is no name" status_of 404 ring --path-as-is
plugin=bell
check "GET is 405" equal "$(curl -s -o /dev/null -w '%{http_code}' "http://$address/hooks/bell")" 405
check "the other API is not there" equal "$(curl -s -o "$work/answer" -w '%{http_code}' "http://$address/api/v1/status")" 404
check "answers are counted by plugin and status" equal "$(metric 'plugin="bell",status="202"')" 2
check "nobody's without a name" equal "$(metric 'plugin="",status="404"')" 3
check "the log has why" grep -q "the signature does not match" "$work/drover.log"
check "and no body" sh -c "! grep -q 'echo me' '$work/drover.log'"
cat >"$work/slow.py" <<'P'
import socket, sys, time
host, port = sys.argv[1].rsplit(":", 1)
s = socket.create_connection((host, int(port)))
s.sendall(b"POST /hooks/bell HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
began = time.time()
try:
    while time.time() - began < 90:
        s.sendall(b"x")
        s.settimeout(0.5)
        try:
            if s.recv(1000) == b"":
                break
        except socket.timeout:
            pass
except OSError:
    pass
print("cut" if time.time() - began < 80 else "held")
P
check "a body that trickles is cut off" equal "$(python3 "$work/slow.py" "$address")" cut
check "the plugin's runner never ended" equal "$(drover plugin list --json | jq -r '.plugins[] | select(.name == "bell") | .starts')" 1
polls=$(lines polls)
began=$SECONDS
for i in 1 2 3 4 5 6 7 8; do
	deliver ring -H "X-Delivery: burst$i" >/dev/null
done
until_true lines_over polls "$polls"
check "a burst wakes at most once a second" test "$(lines polls)" -le $((polls + SECONDS - began + 2))

say "# listeners"
polls=$(lines polls)
deed wake
check "word from a listener wakes" until_true lines_over polls "$polls"
listens=$(lines listens)
deed return
check "one that returns is called again" until_true lines_over listens "$listens"
until_true listener_is up
listens=$(lines listens)
deed crash
check "one that crashes, too" until_true lines_over listens "$listens"
check "and is up again" until_true listener_is up
check "the crash is not the runner's" equal "$(drover plugin list --json | jq -r '.plugins[] | select(.name == "bell") | "\(.starts) \(.failures)"')" "1 0"
for i in 2 3 4 5; do
	until_true listener_is up
	deed crash
	until_true test ! -e "$work/bell/listen"
done
check "five crashes park it" until_true listener_is parked
polls=$(lines polls)
deliver ring -H "X-Delivery: after" >/dev/null
check "and polling goes on" until_true lines_over polls "$polls"
daemon_stop
daemon_start || finish started
address=$(drover status --json | jq -r .hooks)
until_true listener_is up
deed auth
check "one whose credential is refused is down" until_true listener_is failing
check "and says why" sh -c "'$BUILD/drover' --socket '$work/drover.sock' source list | grep -q 'token was refused'"
check "the status warns of it" sh -c "'$BUILD/drover' --socket '$work/drover.sock' status | grep -q 'listener of bell.door is down'"
runner=$(drover plugin list --json | jq -r '.plugins[] | select(.name == "bell") | .pid')
drover reload >/dev/null
daemon_stop
check "no process of the plugin is left" sh -c "! [ -e /proc/$runner ]"

say "# a poll that waits"
cat >"$work/silent.py" <<'P'
import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(8)
print(s.getsockname()[1], flush=True)
kept = []
while True:
    kept.append(s.accept())
P
python3 "$work/silent.py" >"$work/port" &
silent=$!
until_true test -s "$work/port"
rm -f "$work/bell/polls"
configure "silent = \"http://127.0.0.1:$(cat "$work/port")\";"
for mode in "" --in-process; do
	rm -f "$work/bell/polls"
	# shellcheck disable=SC2086
	daemon_start $mode || finish started
	address=$(drover status --json | jq -r .hooks)
	until_true lines_are polls 1
	job=$(drover submit bell.work --key "while$mode" --payload x)
	check "a job runs meanwhile ($mode)" until_true job_is "$job" succeeded
	check "an operation answers meanwhile ($mode)" equal "$(drover call bell.probe | jq -r .as)" bell
	check "a hook is called meanwhile ($mode)" status_of 202 ring
	check "while the poll still waits ($mode)" equal "$(lines polls)" 1
	daemon_stop
	check "a stop does not wait for the poll ($mode)" equal "$(lines polls)" 2
done
kill "$silent"
finish
