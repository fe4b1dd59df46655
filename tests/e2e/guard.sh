#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The guard sees what is pushed, and every process of a step is gone before it looks: also without the sandbox, by the way that
# a ticket takes from the folder to the remote.
. "$SRC/tests/e2e/lib.sh"
need git jq make
make_repo "$work/shop" 10
printf 'test:\n\ttrue\n' >"$work/shop/Makefile"
git -C "$work/shop" add -A && git -C "$work/shop" commit -qm "Checks" && git -C "$work/shop" push -q origin main
mkdir "$work/tickets" "$work/scripts"

# The agent runs the script that is named like the ticket.
cat >"$work/agent" <<AGENT
#!/bin/sh
. "$work/scripts/\$(sed -n 's/^Name: *\([a-z]*\)\$/\1/p' | head -n 1)"
AGENT
chmod +x "$work/agent"
# It goes on in a session of its own, without drover's environment, and moves HEAD and files of the tree.
cat >"$work/mover" <<MOVER
#!/bin/sh
echo "\$\$" >"$work/mover.pid"
export GIT_AUTHOR_NAME=m GIT_AUTHOR_EMAIL=m@m GIT_COMMITTER_NAME=m GIT_COMMITTER_EMAIL=m@m
while :; do
	echo evil >>evil.txt
	git add evil.txt && git commit -qm evil
	git checkout -q -B evil
	rm -f .git/index.lock
done
MOVER
chmod +x "$work/mover"
cat >"$work/scripts/mover" <<S
echo good >good.txt
env -i PATH="\$PATH" setsid sh -c '"$work/mover" </dev/null >/dev/null 2>&1 &'
until [ -s "$work/mover.pid" ]; do sleep 0.05; done
S
cat >"$work/scripts/checks" <<'S'
printf 'test:\n\t@echo fine\n' >Makefile
S
cat >"$work/scripts/huge" <<'S'
truncate -s 1G huge.bin
echo small >small.txt
S
cat >"$work/scripts/chain" <<'S'
mkdir -p deep/x/y
ln -s ../../.. deep/x/y/up
ln -s deep/x/y/up/../outside escape
S
cat >"$work/scripts/plain" <<'S'
printf 'first\nkey = %s\n' "$FAKE_API_KEY" >config.ini
S
cat >"$work/scripts/encoded" <<'S'
printf 'x%s' "$FAKE_API_KEY" | base64 >encoded.txt
S
cat >"$work/scripts/hexed" <<'S'
printf '%s' "$FAKE_API_KEY" | od -An -v -tx1 | tr -d ' \n' >hexed.txt
S
for name in lost orphan; do
	cat >"$work/scripts/$name" <<S
env -i PATH="\$PATH" setsid sh -c 'echo \$\$ >"$work/$name.pid"; exec sleep 600' </dev/null >/dev/null 2>&1 &
sleep 600
S
done
config <<CONF
running = 2;
pools = { light = { slots = 2; }; };
agents = { scripted = { command = ("$work/agent"); prompt = "stdin"; output = "plain"; env_pass = ("FAKE_API_KEY"); sandbox = "off"; }; };
repos = ( { name = "shop"; url = "$work/shop.git"; base = "main"; check = ( ("make", "test") ); sandbox = "off"; } );
plugins = ( { name = "inbox"; sources = { folder = { interval = "1s"; path = "$work/tickets"; repo = "shop"; agent = "scripted"; }; };
              pipelines = { ticket = { pool = "light"; timeout = "1h"; retries = 0; }; }; } );
CONF
export FAKE_API_KEY=k3y-of-the-vendor-0815
for name in mover checks huge chain plain encoded hexed; do
	printf '# Ticket %s\n\nName: %s\n' "$name" "$name" >"$work/tickets/$name.md"
done
daemon_start || finish broken

id_of() { drover list --json --limit 100 | jq -r --arg t "Ticket $1" '.jobs[] | select(.title == $t) | .id'; }
is() { [ -n "$(id_of "$1")" ] && job_is "$(id_of "$1")" "$2"; }
why() { drover show --json "$(id_of "$1")" | jq -r '(.error // "") + (.held_why // "")'; }
branch() { git -C "$work/shop.git" for-each-ref --format='%(refname:short)' "refs/heads/drover/ticket-$1-*"; }

check "a change beside a process that moves HEAD succeeds" until_true is mover succeeded
check "the process is gone" sh -c '! kill -0 "$(cat "$1/mover.pid")" 2>/dev/null' - "$work"
check "the pushed commit is the agent's alone" equal \
	"$(git -C "$work/shop.git" log --format=%s "main..$(branch mover)") $(git -C "$work/shop.git" rev-list --count "main..$(branch mover)")" "Ticket mover 1"
check "and has its file" equal "$(git -C "$work/shop.git" show "$(branch mover):good.txt")" good

check "a change of the checks succeeds" until_true is checks succeeded
check "the result names the file" equal "$(drover show --json "$(id_of checks)" | jq -r .result.check_files)" Makefile
check "and so does the report" until_true grep -q "Checks changed by this commit.*Makefile" "$work/tickets/done/checks.report.md"
check "other reports do not" sh -c '! grep -q "Checks changed" "$1/tickets/done/mover.report.md"' - "$work"

check "a file of 1 GiB holds the job" until_true is huge held
check "with its name" has "$(why huge)" "huge.bin takes 1.0G"
check "nothing of it is stored" [ "$(du -sk "$work/state" | cut -f1)" -lt 102400 ]
check "the file is put aside" [ -n "$(find "$work/state/aside" -name huge.bin)" ]
check "links that lead out together hold the job" until_true is chain held
check "with the one that does" has "$(why chain)" "escape is a link out of the tree (1 in all)"
while read -r secret place; do
	check "a secret ($secret) holds the job" until_true is "$secret" held
	check "with its place" has "$(why "$secret")" "$place has a secret"
	check "without a word of it" sh -c 'case $1 in *k3y-of*) false ;; esac' - "$(why "$secret")"
done <<'END'
plain config.ini:2
encoded encoded.txt:1
hexed hexed.txt:1
END
for left in huge chain plain encoded hexed; do
	check "nothing of $left is pushed" equal "$(branch "$left")" ""
done

# Without its worker, only the leaf cgroup tells that the process is drover's.
leaf=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/drover-probe
if mkdir "$leaf" 2>/dev/null && rmdir "$leaf"; then
	worker_of() { drover worker list --json | jq -r --argjson j "$(id_of "$1")" '.workers[] | select(.job == $j) | .pid'; }
	gone() { ! kill -0 "$1" 2>/dev/null; }
	for left in lost orphan; do
		printf '# Ticket %s\n\nName: %s\n' "$left" "$left" >"$work/tickets/$left.md"
		check "$left: the process is there" until_true test -s "$work/$left.pid"
	done
	lost=$(cat "$work/lost.pid")
	kill -KILL "$(worker_of lost)"
	check "it goes with its worker" until_true gone "$lost"
	worker=$(worker_of orphan)
	# The new daemon runs the job again, which writes another pid.
	orphan=$(cat "$work/orphan.pid")
	daemon_kill
	kill -KILL "$worker"
	check "another outlives worker and daemon" kill -0 "$orphan"
	daemon_start || finish broken
	check "and ends when the daemon is back" until_true gone "$orphan"
fi
finish
