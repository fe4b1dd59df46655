#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Requests that no client of ours would send: too large, no HTTP at all, slow, out of their folder, of the wrong type, from somebody else.
. "$SRC/tests/e2e/lib.sh"
need jq curl python3
config <<CONF
plugins = ( { name = "exec"; } );
CONF
daemon_start || finish broken
check "a job to ask about" drover submit exec.command --key first --payload '["echo", "hello"]' --wait
api() { curl -sS -o "$work/answer" -w '%{http_code}' --max-time "$wait_limit" --unix-socket "$work/drover.sock" "$@"; }
url=http://drover/api/v1
post() { api -H 'Content-Type: application/json' --data-binary "$1" "$url/${2:-jobs}"; }
refused() { case $1 in 4??) grep -q '"error"' "$work/answer" ;; *) say "   got: $1 $(head -c 300 "$work/answer")"; false ;; esac; }

head -c 200000 /dev/zero | tr '\0' 'h' >"$work/big"
check "a header of 200 KB is refused" refused "$(api -H "X-Big: $(head -c 120000 "$work/big")" "$url/status" 2>/dev/null; printf '\n{"error"' >>"$work/answer")"
head -c 80000000 /dev/zero | tr '\0' ' ' >"$work/huge"
code=$(api -H 'Content-Type: application/json' -H 'Expect:' --data-binary "@$work/huge" "$url/jobs" 2>/dev/null)
check "a body of 80 MB is refused" [ "$code" != 200 ]
rm "$work/huge"
check "the daemon takes the next one" answers

while read -r body; do
	check "$(printf %.60s "$body")" refused "$(post "$body")"
done <<'END'
{
nul
"text"
17
[[]]
{"kind": 1, "key": "k", "payload": "[]"}
{"kind": null, "key": "k", "payload": "[]"}
{"kind": "exec.command", "key": 1, "payload": "[\"true\"]"}
{"kind": "exec.command", "key": ["k"], "payload": "[\"true\"]"}
{"kind": "exec.command", "key": "k", "payload": {"a": 1}, "title": 4}
{"kind": "exec.command", "key": "k", "payload": "[\"true\"]", "priority": "high"}
{"kind": "exec.command", "key": "k", "payload": "[\"true\"]", "priority": 101}
{"kind": "exec.command", "key": "k", "payload": "[\"true\"]", "priority": 1e300}
{"kind": "exec.command", "key": "k", "payload": "[\"true\"]", "priority": 1.5}
{"kind": "exec.command", "key": "k", "payload": "[\"true\"]", "repo": "../etc"}
{"kind": "exec.command", "key": "k", "payload": "[\"true\"]", "repo": 3}
{"kind": "exec.command", "key": "k", "payload": "[\"true\"]", "agent": {}}
{"kind": "exec.command", "key": "k", "payload": "[\"true\"]", "pool": false}
{"kind": "exec.command", "key": "k", "payload": "[\"true\"]", "hold": "yes"}
{"kind": "exec.command", "key": "k", "payload": "[\"true\"]", "after": "soon"}
{"kind": "exec.command", "key": "k\u0000behind", "payload": "[\"true\"]"}
{"kind": "../../bin/sh", "key": "k", "payload": "[\"true\"]"}
{"kind": "exec.command", "key": "", "payload": "[\"true\"]"}
{"kind": "exec.command", "key": "k", "payload": "[\"true\"]", "no_such_field": 1}
END
key=$(head -c 300 "$work/big")
check "a key of 300 bytes" refused "$(post "{\"kind\": \"exec.command\", \"key\": \"$key\", \"payload\": \"[\\\"true\\\"]\"}")"
printf '{"kind": "exec.command", "key": "\351", "payload": "[]"}' >"$work/latin"
check "no UTF-8" refused "$(api -H 'Content-Type: application/json' --data-binary "@$work/latin" "$url/jobs")"
{ head -c 100000 /dev/zero | tr '\0' '['; } >"$work/deep"
check "100,000 brackets" refused "$(api -H 'Content-Type: application/json' --data-binary "@$work/deep" "$url/jobs")"
{ i=0; while [ $i -lt 20000 ]; do printf '{"a":'; i=$((i + 1)); done; } >"$work/deep"
check "20,000 braces" refused "$(api -H 'Content-Type: application/json' --data-binary "@$work/deep" "$url/jobs")"
check "none of them became a job" equal "$(drover list --json --limit 1000 | jq '.jobs | length')" 1

for path in jobs/../../../etc/passwd jobs/%2e%2e/1 jobs/1%00/output jobs/-1/output jobs/18446744073709551617/output jobs/1e0/output \
	jobs/01x/output 'jobs/1/output?attempt=../../../../etc/passwd' 'jobs/1/output?attempt=-1' 'jobs/1/output?attempt=99999999999999999999' \
	'jobs/1/output?offset=-5' jobs/1/../../drover.db //etc/passwd jobs/1/output/../../../drover.db; do
	code=$(api --path-as-is "$url/$path")
	check "$path" sh -c 'case $1 in 4??) ! grep -q -e root: -e "SQLite format" "$2" ;; *) echo "   got: $1"; false ;; esac' - "$code" "$work/answer"
done
check "a method that is not there" equal "$(api -X BREW "$url/status")" 501
check "the output of the job is still to be had" sh -c "'$BUILD/drover' --socket '$work/drover.sock' logs 1 | grep -q hello"

# No HTTP, half of it, two lengths, and 90 that say a byte and no more (100 connections are the limit).
cat >"$work/slow.py" <<'END'
import os, socket, sys, time
path, url = sys.argv[1], b"/api/v1/status"
def talk(data, answer=True):
    s = socket.socket(socket.AF_UNIX); s.settimeout(60); s.connect(path)
    try:
        s.sendall(data)
        if answer: s.recv(1000)
    except OSError: pass
    return s
for data in (os.urandom(4000) + b"\r\n\r\n", b"\0" * 70000, b"GET " + b"/" * 70000 + b" HTTP/1.1\r\n\r\n", b"\r\n" * 3000 + b"\r\n\r\n",
             b"GET " + url + b" HTTP/9.9\r\n\r\n", b"GET " + url + b"\r\n\r\n", b"POST /api/v1/jobs HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
             b"POST /api/v1/jobs HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
             b"POST /api/v1/jobs HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
             b"POST /api/v1/jobs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}\r\n",
             b"GET http://[::1 HTTP/1.1\r\nHost: \0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
    talk(data + b"\r\n", answer=False).close()
slow = [talk(b"GET " + url + b" HTTP/1.1\r\nX: ", answer=False) for _ in range(90)]
print("ready", flush=True)
end = time.time() + 900
while time.time() < end and not os.path.exists(sys.argv[2]):
    for s in slow:
        try: s.send(b"x")
        except OSError: pass
    time.sleep(0.2)
END
python3 "$work/slow.py" "$work/drover.sock" "$work/enough" >"$work/slow.out" 2>&1 &
slow=$!
check "90 slow ones are there" until_true grep -q ready "$work/slow.out"
check "others are answered meanwhile" [ "$(api "$url/status")" = 200 ]
check "and their jobs run" drover submit exec.command --key meanwhile --payload '["true"]' --wait
touch "$work/enough"
wait "$slow"
check "garbage and slowness hurt nobody" kill -0 "$daemon"

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$work"
	setpriv --reuid 65534 --regid 65534 --clear-groups curl -sS --max-time 5 --unix-socket "$work/drover.sock" "$url/status" >"$work/nobody" 2>&1
	check "another user is refused by the socket's mode" [ $? -ne 0 ]
	chmod 666 "$work/drover.sock"
	setpriv --reuid 65534 --regid 65534 --clear-groups curl -sS --max-time 5 --unix-socket "$work/drover.sock" "$url/status" >"$work/nobody" 2>&1
	check "and where the mode is wide open, by who he is" sh -c '! grep -q state_dir "$1"' - "$work/nobody"
	say "#   $(head -c 200 "$work/nobody")"
else
	say "skipped: another user takes root and setpriv"
fi
daemon_stop
finish
