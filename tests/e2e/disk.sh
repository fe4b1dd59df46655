#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A disk that fills up: below the floor nothing starts; full, nothing is acknowledged that is not kept, what ends meanwhile
# is not forgotten, and all goes on by itself once there is room.
. "$SRC/tests/e2e/lib.sh"
need jq sqlite3 curl
[ "$(id -u)" -eq 0 ] || skip "skipped: a disk of its own takes root"
mkdir "$work/disk" "$work/marks"
mount -t tmpfs -o size=48m,mode=700 drover-test "$work/disk" 2>/dev/null || skip "skipped: no file system can be mounted here"
mounted=$work/disk

config <<CONF
running = 3;
pools = { light = { slots = 3; }; };
plugins = ( { name = "exec"; pipelines = { command = { pool = "light"; timeout = "1h"; retries = 1; }; }; } );
CONF
sed -i "s|^state_dir = .*|state_dir = \"$work/disk/state\";|" "$work/drover.conf"
daemon_start || finish broken
touch "$work/accepted"
id_of() { jq -r '.jobs[0].id // .id'; }
free_kib() { df -k --output=avail "$work/disk" | tail -n 1; }
health() { curl -s -o /dev/null -w '%{http_code}' --unix-socket "$work/drover.sock" http://drover/healthz; }
says() { drover "$@" 2>&1 | grep -q -e "$text"; }

# Under the floor of 16 MiB.
fallocate -l $((($(free_kib) - 8192) * 1024)) "$work/disk/ballast"
is_low() { [ "$(drover status --json | jq '.. | .disk_free? // empty')" -lt 16777216 ]; }
check "the daemon sees that little is free" until_true is_low
low=$(drover submit exec.command --key low --json --payload '["true"]' | id_of)
text='of disk is free, disk_floor is 16M'
check "below the floor: why says so, with both figures" until_true says why "$low"
check "below the floor: the job is taken and waits" job_is "$low" queued
text='disk .*nothing starts'
check "below the floor: status says so" says status
rm "$work/disk/ballast"
check "above it again: the job runs by itself" until_true job_is "$low" succeeded

# Three that run while there is nothing left at all, and write what there is no room for.
cat >"$work/runs" <<'END'
#!/bin/sh
echo "$2" >>"$1/marks/$2.began"
while [ ! -e "$1/go" ]; do sleep 0.1; done
seq 1 20000
echo "$2" >>"$1/marks/$2.ended"
END
chmod +x "$work/runs"
for n in 1 2 3; do
	drover submit exec.command --key "runs-$n" --payload "[\"$work/runs\", \"$work\", \"$n\"]" >/dev/null
done
all_run() { count_is running 3; }
check "three run" until_true all_run
for n in 4 5 6; do
	drover submit exec.command --key "waits-$n" --payload "[\"$work/runs\", \"$work\", \"$n\"]" >/dev/null
done
dd if=/dev/zero of="$work/disk/ballast" bs=4096 2>/dev/null
check "the disk is full" [ "$(free_kib)" -lt 64 ]

# The write-ahead log has room for some more: whoever is told yes is written down here and looked for afterwards.
n=0
refused=0
while [ "$n" -lt 400 ] && [ "$refused" -lt 3 ]; do
	n=$((n + 1))
	jq -n --arg k "full-$n" '{kind: "exec.command", key: $k, payload: ("[\"true\", \"" + ("x" * 60000) + "\"]")}' >"$work/ask.json"
	code=$(curl -sS -o "$work/answer.json" -w '%{http_code}' --unix-socket "$work/drover.sock" -H 'Content-Type: application/json' \
		--data-binary "@$work/ask.json" http://drover/api/v1/jobs)
	case $code in
	200 | 201) echo "full-$n" >>"$work/accepted" ;;
	*) refused=$((refused + 1)) ;;
	esac
done
check "a full disk: submits are refused" equal "$refused" 3
check "as 507" equal "$code" 507
check "with a text that says what to do" grep -q 'disk (or quota) is full, free some space' "$work/answer.json"
say "#   $(cat "$work/answer.json")"
jq -r '.payload' "$work/ask.json" >"$work/payload.json"
drover submit exec.command --key full-cli --payload "$work/payload.json" >/dev/null 2>"$work/cli.err"
check "the client fails too" [ $? -ne 0 ]
check "and says why" grep -q 'full' "$work/cli.err"
text='full'
# What is small may still find room between two looks: each look follows a change that did not.
sick() {
	drover submit exec.command --key full-cli --payload "$work/payload.json" >/dev/null 2>&1
	says status && [ "$(health)" = 507 ]
}
check "status and health say that the store takes nothing" until_true sick
touch "$work/go"
ended() { [ "$(find "$work/marks" -name '*.ended' | wc -l)" -ge 3 ]; }
check "the commands end all the same" until_true ended
check "nothing else was started" equal "$(find "$work/marks" -name '*.began' | wc -l)" 3
check "the daemon is alive" answers

rm "$work/disk/ballast"
freed=$(date +%s)
done_all() { [ "$(count succeeded)" = $((7 + $(wc -l <"$work/accepted"))) ]; }
check "room again: all that was accepted ends" until_true done_all
say "#   $(wc -l <"$work/accepted") accepted with a full disk, all ended $(($(date +%s) - freed)) s after there was room"
check "a job that ended on a full disk did not run again" equal "$(cat "$work"/marks/*.began | wc -l)" 6
check "status is quiet again" sh -c "! '$BUILD/drover' --socket '$work/drover.sock' status | grep -q full"
check "healthy again" equal "$(health)" 200
drover list --json --limit 1000 | jq -r '.jobs[].key' | grep '^full-' | sort >"$work/kept"
check "what was accepted is there, what was refused is not" equal "$(cat "$work/kept")" "$(sort "$work/accepted")"
daemon_kill
daemon_start || finish broken
check "after a kill -9 too" equal "$(drover list --json --limit 1000 | jq -r '.jobs[].key' | grep '^full-' | sort)" "$(sort "$work/accepted")"
daemon_stop
check "integrity" equal "$(sqlite3 "$work/disk/state/drover.db" 'pragma integrity_check')" ok
check "the events replay to the states" equal "$(sqlite3 "$work/disk/state/drover.db" "
	select count(*) from job j where j.state <> (select e.to_state from event e where e.job = j.id order by e.id desc limit 1)")" 0
finish
