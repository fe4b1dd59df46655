#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What an agent reaches: the same attempts without the sandbox, in it, and in it without a network.
# doc/security.md has the answers in a table, and this test holds them to what it saw. As root, the
# test runs again as a normal user.

# Not below /tmp, which the sandbox hides anyway.
TMPDIR=$BUILD
. "$SRC/tests/e2e/lib.sh"
unset TMPDIR
need jq git bwrap python3
user=(env)
without=root
if [ -n "${ESCAPE_AS:-}" ]; then
	user=(setpriv "--reuid=$ESCAPE_AS" "--regid=$ESCAPE_AS" --clear-groups)
	as=("${user[@]}")
	"${as[@]}" test -r "$BUILD/droverd" -a -r "$SRC/data/prompts" || skip "skipped: user $ESCAPE_AS cannot read $BUILD and $SRC"
fi
[ "$(id -u)" -eq 0 ] && [ -z "${ESCAPE_AS:-}" ] || without=user
"${user[@]}" bwrap --unshare-pid --unshare-net --ro-bind / / --proc /proc true 2>/dev/null || skip "skipped: bwrap does not work here"

make_repo "$work/shop" 10
mkdir -p "$work/tickets" "$work/conf/conf.d" "$work/kit/bin" "$work/state/trees/other/1"
echo secret | tee "$work/home/secret" "$work/home/.profile" "$work/state/trees/other/1/file" >/dev/null
(umask 077 && echo sesame-of-drover | tee "$work/token" >"$work/key")
shared=/dev/shm/${work##*/}
abstract=${work##*/}
port=$(port_take)

# try WHAT COMMAND...: notes what was reached in the tree, if the command succeeds.
cat >"$work/kit/bin/agent" <<AGENT
#!/bin/bash
try() { what=\$1; shift; "\$@" >/dev/null 2>&1 && echo "\$what" >>reached.txt; }
own() { for p in /proc/[0-9]*; do grep -qs ^drover "\$p/comm" && echo "\${p#/proc/}"; done; }
each() { for p in \$(own); do "\$@" "\$p" && return; done; return 1; }
changes() { [ -s "\$1" ] && echo "# reached" >>"\$1"; grep -q reached "\$1"; }
connects() { python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX, getattr(socket, sys.argv[2])).connect(sys.argv[1].replace("@", "\\0"))' "\$@"; }
environ() { grep -qa HOME= "/proc/\$1/environ"; }
traces() { python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).ptrace(0x4206, int(sys.argv[1]), 0, 0) != 0)' "\$1"; }
canary() { cat /proc/[0-9]*/environ | tr '\0' '\n' | grep -q "^CANARY=$work\$"; }
mirror=$work/state/mirrors/\$(basename "\$(dirname "\$PWD")").git
: >reached.txt
try "read a file of a secret" grep sesame "$work/token"
try "read the secret of a plugin" grep sesame "$work/key"
try "read them once it has unmounted what hides them" unshare -rm sh -c 'umount -l "$work/token" "$work/key" "$work/state" "$work/home"; grep sesame "$work/token"'
try "read the configuration" grep plugins "$work/drover.conf"
try "change the configuration" changes "$work/drover.conf"
try "read the database" grep -a SQLite "$work/state/drover.db"
try "write to the database" sh -c '[ -s "\$1" ] && : 1<>"\$1"' sh "$work/state/drover.db"
try "read the log" grep level "$work/drover.log"
try "connect to core.sock" connects "$work/state/core.sock" SOCK_SEQPACKET
try "use the API" "$BUILD/drover" --socket "$work/drover.sock" list
try "connect to the port for webhooks, or to another one on loopback" bash -c ': <>/dev/tcp/127.0.0.1/$port'
try "connect to an abstract socket" connects "@$abstract" SOCK_STREAM
try "read a tree of another job" cat "$work/state/trees/other/1/file"
try "read temporary files of another job" cat "$work/state/scratch/tmp-other/file"
try "write to the objects of the mirror" sh -c 'echo x >"\$1/objects/reached"' sh "\$mirror"
try "write to the refs of the mirror" mkdir "\$mirror/refs/reached"
try "change the configuration of the mirror" changes "\$mirror/config"
try "read HOME of the daemon's user" cat "$work/home/secret"
try "change HOME of the daemon's user" changes "$work/home/.profile"
try "read the environment of another process of this user" canary
try "read the environment of drover's processes" each environ
try "trace drover's processes" each traces
try "send signals to drover's processes" each kill -0
kill "\$(cat "$work/canary")"
try "read shared memory of others" cat "$shared"
try "write to the system's folders" test -w /usr
# For the next command and for drover's git.
rm -rf "\$TMPDIR/home" && ln -s "$work/home" "\$TMPDIR/home"
rm -rf "\$npm_config_cache/../pip" && ln -s "$work/home" "\$npm_config_cache/../pip"
git config core.fsmonitor "cp $work/token $work/filtered; true"
exit 0
AGENT
cat >"$work/kit/bin/check" <<CHECK
#!/bin/sh
grep -q secret "\$TMPDIR/home/secret" "$work/home/secret" "\$PIP_CACHE_DIR/secret" 2>/dev/null && echo >"\$npm_config_cache/linked"
exit 0
CHECK
chmod +x "$work/kit/bin/agent" "$work/kit/bin/check"
config <<CONF
hooks = { listen = "127.0.0.1:$port"; };
agents = {
	off = { command = ("$work/kit/bin/agent"); prompt = "stdin"; output = "plain"; sandbox = "off"; };
	on = { command = ("$work/kit/bin/agent"); prompt = "stdin"; output = "plain"; sandbox = "required"; };
	alone = { command = ("$work/kit/bin/agent"); prompt = "stdin"; output = "plain"; sandbox = "required"; network = "none"; };
};
repos = ( { name = "off"; url = "$work/shop.git"; base = "main"; check = (("$work/kit/bin/check")); token_file = "$work/token"; },
	  { name = "on"; url = "$work/shop.git"; base = "main"; check = (("$work/kit/bin/check")); sandbox = "required"; },
	  { name = "alone"; url = "$work/shop.git"; base = "main"; check = (("$work/kit/bin/check")); sandbox = "required"; } );
plugins = ( { name = "slack"; options = { api_url = "http://127.0.0.1:9/api"; bot_token_file = "$work/key"; }; },
	    { name = "inbox"; sources = { folder = { interval = "1s"; path = "$work/tickets"; repo = "on"; }; };
              pipelines = { ticket = { pool = "light"; timeout = "1h"; retries = 0; }; }; } );
CONF
[ -z "${ESCAPE_AS:-}" ] || chown -R "$ESCAPE_AS:$ESCAPE_AS" "$work"
echo secret >"$shared" && chmod 644 "$shared"
daemon_start || { rm -f "$shared"; finish broken; }
"${user[@]}" sh -c "mkdir -p '$work/state/scratch/tmp-other' && echo secret >'$work/state/scratch/tmp-other/file'"
python3 -c 'import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind("\0" + sys.argv[1]); s.listen(9); time.sleep(3600)' "$abstract" &
until_true grep -q "@$abstract" /proc/net/unix || finish "no abstract socket"

id_of() { drover list --json --limit 100 | jq -r --arg a "$1" '.jobs[] | select(.agent == $a) | .id' | head -n 1; }
taken() { [ -n "$(id_of "$1")" ]; }
declare -A reached
# attempt BOX: has the agent of that name try all; what it reached is then in reached[BOX], a line each.
attempt() {
	CANARY=$work "${user[@]}" sleep 3600 &
	canary=$!
	echo "$canary" >"$work/canary"
	rm -f "$work/filtered"
	printf 'Repo: %s\nAgent: %s\n\n# Try all as %s\n' "$1" "$1" "$1" >"$work/ticket"
	mv "$work/ticket" "$work/tickets/$1.md"
	until_true taken "$1" || return 1
	until_true job_is "$(id_of "$1")" succeeded || return 1
	branch=$(drover show --json "$(id_of "$1")" | jq -r '.result.branch // .job.result.branch')
	reached[$1]=$(
		git -c safe.directory='*' -C "$work/shop.git" show "$branch:reached.txt"
		kill -0 "$canary" 2>/dev/null || echo "kill another process of this user"
		[ ! -e "$work/cache/repos/$1/npm/linked" ] || echo "put a link in the place of what the next command is shown"
		[ ! -e "$work/filtered" ] || echo "have drover's own git run a command"
	)
	kill "$canary" 2>/dev/null || :
}
# row_holds BOX COLUMN: the answers in that column of the table are what BOX has reached.
row_holds() {
	equal "$(sort <<<"${reached[$1]}" | sed '/^$/d')" "$(awk -F ' *\\| *' -v c="$2" '/<!-- end of attempts -->/ { t = 0 } t && $c == "yes" { print $2 } /<!-- attempts -->/ { t = 1 }' \
		"$SRC/doc/security.md" | sort)"
}
check "without the sandbox the agent works" attempt off
if [ "$without" = user ]; then column=3; else column=4; fi
check "without it a $without reaches what doc/security.md says, so the attempts are real" row_holds off $column
check "in the sandbox the agent works" attempt on
check "it reaches what doc/security.md says" row_holds on 5
check "without a network the agent works" attempt alone
check "it reaches nothing" equal "${reached[alone]}" ""
check "as doc/security.md says" row_holds alone 6
rm -f "$shared"
daemon_stop
if [ "$(id -u)" -eq 0 ] && [ -z "${ESCAPE_AS:-}" ] && command -v setpriv >/dev/null; then
	check "all of it holds for a normal user" env ESCAPE_AS=65534 bash "$SRC/tests/e2e/escape.sh"
fi
finish
