#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What an agent needs is there in the sandbox, and drover says whether there is one. escape.sh tries
# what must not be there. As root, the test runs again as a normal user.

# Not below /tmp, which the sandbox hides anyway.
TMPDIR=$BUILD
. "$SRC/tests/e2e/lib.sh"
unset TMPDIR
need jq git bwrap flock
user=(env)
if [ -n "${SANDBOX_AS:-}" ]; then
	user=(setpriv "--reuid=$SANDBOX_AS" "--regid=$SANDBOX_AS" --clear-groups)
	as=("${user[@]}")
	"${as[@]}" test -r "$BUILD/droverd" -a -r "$SRC/data/prompts" || skip "skipped: user $SANDBOX_AS cannot read $BUILD and $SRC"
fi
"${user[@]}" bwrap --unshare-pid --ro-bind / / --proc /proc true 2>/dev/null || skip "skipped: bwrap does not work here"

make_repo "$work/shop" 10
mkdir "$work/tickets" "$work/home/.agent" "$work/sub dir" "$work/home/bin"
echo remembered >"$work/home/.agent/settings"
echo secret >"$work/home/secret"
(umask 077 && echo secret >"$work/sub dir/token")
ln -s ../.agent/settings "$work/home/bin/settings"

cat >"$work/agent" <<AGENT
#!/bin/bash
lock=\$npm_config_cache/lock
(setsid flock "\$lock" sh -c 'echo >"\$0.taken"; exec sleep 3600' "\$lock" >/dev/null 2>&1 &)
until [ -e "\$lock.taken" ]; do sleep 0.02; done
rm "\$lock.taken"

works() { name=\$1; shift; "\$@" >/dev/null 2>&1 && echo "\$name" >>works.txt; }
works home-is-written sh -c 'echo x >~/x && cat ~/x'
works tmpdir-is-written sh -c 'echo x >"\$TMPDIR/x"'
works bound-home grep -q remembered "$work/home/.agent/settings"
works bound-home-is-written sh -c 'echo seen >>"$work/home/.agent/settings"'
works program-in-path test -e "$work/home/bin/settings"
works status git status
works name-resolution test -r /etc/resolv.conf
echo changed >d0/f0.txt
git add -A && git commit -qm "The agent's own" && works commit git log -1 --format=%s
exit 0
AGENT
cat >"$work/check" <<'CHECK'
#!/bin/sh
flock -n "$npm_config_cache/lock" true || echo left >>"$npm_config_cache/left-$1"
echo ran >"$npm_config_cache/ran-$1"
CHECK
chmod +x "$work/agent" "$work/check"
export PATH="$work/home/bin:$PATH"
config <<CONF
agents = {
	scripted = { command = ("$work/agent"); prompt = "stdin"; output = "plain"; home = ("$work/home/.agent"); };
};
repos = ( { name = "shut"; url = "$work/shop.git"; base = "main"; sandbox = "required"; token_file = "$work/sub dir/token";
            check = (("$work/check", "shut")); },
          { name = "open"; url = "$work/shop.git"; base = "main"; check = (("$work/check", "open")); } );
plugins = ( { name = "inbox"; sources = { folder = { interval = "1s"; path = "$work/tickets"; repo = "shut"; agent = "scripted"; }; };
              pipelines = { ticket = { pool = "light"; timeout = "1h"; retries = 0; }; }; } );
CONF
[ -z "${SANDBOX_AS:-}" ] || chown -R "$SANDBOX_AS:$SANDBOX_AS" "$work"
daemon_start || finish broken

# ticket REPO: has a job of that repo done; what it could do is then in $works.
ticket() {
	printf 'Repo: %s\n\n# Try all on %s\n' "$1" "$1" >"$work/ticket"
	mv "$work/ticket" "$work/tickets/$1.md"
	until_true taken "$1" || return 1
	until_true job_is "$(id_of "$1")" succeeded || return 1
	branch=$(drover show --json "$(id_of "$1")" | jq -r '.result.branch // .job.result.branch')
	works=$(git -c safe.directory='*' -C "$work/shop.git" show "$branch:works.txt" | paste -sd ' ')
}
id_of() { drover list --json --limit 100 | jq -r --arg r "$1" '.jobs[] | select(.repo == $r) | .id' | head -n 1; }
taken() { [ -n "$(id_of "$1")" ]; }
all_works="home-is-written tmpdir-is-written bound-home bound-home-is-written program-in-path status name-resolution commit"

check "in the sandbox the agent works and its change is pushed" ticket shut
check "and has what it needs" equal "$works" "$all_works"
check "the check ran" test -e "$work/cache/repos/shut/npm/ran-shut"
check "nothing that the agent started was left when it ran" test ! -e "$work/cache/repos/shut/npm/left-shut"
check "the home folder has got nothing but what is bound" equal "$(ls -A "$work/home" | paste -sd ' ')" ".agent bin secret"
check "what is bound is the user's own" grep -q seen "$work/home/.agent/settings"
check "no process is left" equal "$(pgrep -fc "flock $work/cache/repos/shut/npm/lock")" 0

check "without the sandbox the agent works, too" ticket open
check "and its process was gone, too, when the check ran" test ! -e "$work/cache/repos/open/npm/left-open"

check "the status tells where the sandbox is asked for" has "$(drover status)" "sandbox       some"
check "and warns of nothing" equal "$(drover status --json | jq -c .warnings)" "[]"
daemon_stop
check "a machine without bwrap is told of" has "$(env PATH=/nonexistent "$BUILD/drover" -c "$work/drover.conf" config check 2>&1)" "there is no sandbox here, so jobs run without, or fail where it is required: bwrap is not in"
if [ "$(id -u)" -eq 0 ] && [ -z "${SANDBOX_AS:-}" ] && command -v setpriv >/dev/null; then
	check "all of it holds for a normal user" env SANDBOX_AS=65534 bash "$SRC/tests/e2e/sandbox.sh"
fi
finish
