#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Agents that do what they should not: to git, to their tree, to the repository that others share, to the outside.
. "$SRC/tests/e2e/lib.sh"
need git jq sqlite3

make_repo "$work/shop" 30
mkdir "$work/tickets"
cat >"$work/pwn" <<END
#!/bin/sh
echo "\$0 \$* in \$PWD under \$(tr '\\0' ' ' </proc/\$PPID/cmdline), job \${DROVER_JOB:-none}" >>"$work/pwned"
cat
END
cat >"$work/agent" <<'AGENT'
#!/bin/sh
# Does the deed that its ticket names, and then what every ticket wants: a file of that name.
deed=$(sed -n 's/^Deed: *\([a-z]*\)$/\1/p' | head -n 1)
pwn=${0%/*}/pwn
git=$(git rev-parse --absolute-git-dir)
common=$(cd "$(git rev-parse --git-common-dir)" && pwd)
case $deed in
commits) echo 1 >mine && git add -A && git -c user.name=Me -c user.email=me@x commit -qm "By myself" ;;
branches) git checkout -q -b evil && echo 1 >mine && git add -A && git -c user.name=Me -c user.email=me@x commit -qm "Elsewhere" ;;
hooks)
	for d in "$git/hooks" "$common/hooks"; do
		mkdir -p "$d"
		for h in pre-commit post-commit post-checkout pre-push reference-transaction post-index-change fsmonitor-watchman; do
			cp "$pwn" "$d/$h"
		done
	done ;;
config)
	for f in "$git/config" "$common/config" "$git/config.worktree"; do
		git config -f "$f" core.fsmonitor "$pwn"
		git config -f "$f" core.hooksPath "${0%/*}"
		git config -f "$f" filter.evil.clean "$pwn"
		git config -f "$f" filter.evil.smudge "$pwn"
		git config -f "$f" filter.evil.process "$pwn"
		git config -f "$f" diff.external "$pwn"
		git config -f "$f" credential.helper "!$pwn"
		git config -f "$f" remote.origin.url "ext::$pwn"
		git config -f "$f" remote.origin.uploadpack "$pwn"
		git config -f "$f" gpg.program "$pwn"
		git config -f "$f" commit.gpgSign true
	done
	echo '* filter=evil diff=evil' >.gitattributes
	mkdir -p "$git/info" "$common/info"
	echo '* filter=evil' | tee "$git/info/attributes" >"$common/info/attributes" ;;
lock) touch "$git/index.lock" "$git/HEAD.lock" "$common/packed-refs.lock" "$common/config.lock" ;;
rmtree) rm -rf "$PWD"; exit 0 ;;
nested) git init -q sub && echo x >sub/x && git -C sub add -A && git -C sub -c user.name=Me -c user.email=me@x commit -qm x ;;
newgit) rm -rf .git && git init -q . && git add -A && git -c user.name=Me -c user.email=me@x commit -qm "Mine now" ;;
gitfile) git init -q --bare "$TMPDIR/evil.git" && git --git-dir="$TMPDIR/evil.git" config core.fsmonitor "$pwn" && echo "gitdir: $TMPDIR/evil.git" >.git ;;
link) ln -s /etc/passwd passwd ;;
ci) mkdir -p .github/workflows && echo x >.github/workflows/x.yml ;;
names) echo 1 >./-rf; echo 1 >"$(printf 'new\nline')"; echo 1 >'"quoted" $(touch pwned)'; echo 1 >' '; echo 1 >"$(printf '\360\237\222\245\342\200\256')" ;;
refs) git for-each-ref --format='%(refname)' refs/remotes refs/tags | while read -r r; do git update-ref -d "$r"; done ;;
readonly) chmod -R a-w . ;;
fifo) mkfifo pipe; ln -s loop loop ;;
binary) head -c 100000 /dev/zero >zero; head -c 100000 /dev/urandom >noise ;;
escape) printf '\033]0;title\007\033[31mred\033[0m \342\200\256 done\n' ;;
esac
echo "$deed" >"$deed.txt"
echo "Done: $deed"
AGENT
chmod +x "$work/agent" "$work/pwn"

config <<CONF
running = 6;
pools = { light = { slots = 6; }; };
agents = { scripted = { command = ("$work/agent"); prompt = "stdin"; output = "plain"; };
	missing = { command = ("$work/no-such-agent"); prompt = "stdin"; output = "plain"; }; };
repos = ( { name = "shop"; url = "$work/shop.git"; base = "main"; } );
plugins = ( { name = "exec"; }, { name = "inbox";
	sources = { folder = { interval = "1s"; path = "$work/tickets"; repo = "shop"; agent = "scripted"; }; };
	pipelines = { ticket = { pool = "light"; timeout = "1h"; retries = 0; }; }; } );
CONF
daemon_start || finish broken
ticket() {
	printf '%s# Deed %s\n\nDeed: %s\n' "${3:-}" "$1" "$2" >"$work/t.tmp"
	mv "$work/t.tmp" "$work/tickets/$1.md"
}
job_of() { drover list --json --limit 1000 | jq -r --arg t "Deed $1" '.jobs[] | select(.title == $t) | .id'; }
ended() {
	id=$(job_of "$1")
	[ -n "$id" ] || return 1
	case $(job_state "$id") in succeeded | dead | held | cancelled) return 0 ;; esac
	return 1
}
all_ended() { [ "$(($(count succeeded) + $(count dead) + $(count held)))" = "$1" ]; }
n=0
for d in commits branches hooks config lock rmtree nested newgit gitfile link ci names readonly fifo binary escape refs; do
	ticket "$d" "$d"
	n=$((n + 1))
done
ticket missing missing "Agent: missing
"
check "all of them end" until_true all_ended $((n + 1))

# What became of DEED: its state and reason, and what its branch adds to main.
look() {
	drover show --json "$(job_of "$1")" >"$work/job.json"
	state=$(jq -r .state "$work/job.json")
	why=$(jq -r '.error // ""' "$work/job.json")
	branch=$(jq -r '.result.branch // ""' "$work/job.json")
	files=$([ -z "$branch" ] || git -C "$work/shop.git" -c core.quotePath=true diff --name-only "main...$branch" | tr '\n' ' ')
	say "#   $1: $state $why $files"
}
# succeeds DEED FILES, stopped DEED STATE REASON
succeeds() {
	look "$1"
	check "$1: the change and nothing else" equal "$state $files" "succeeded $2"
	check "$1: one commit, drover's" equal "$(git -C "$work/shop.git" log --format='%an %s' "main..$branch")" "drover Deed $1"
}
stopped() {
	look "$1"
	check "$1: $2" equal "$state" "$2"
	check "$1: says '$3'" sh -c 'case $1 in *"$2"*) ;; *) false ;; esac' - "$why" "$3"
	check "$1: nothing is pushed" equal "$files" ""
}
succeeds commits "commits.txt mine "
succeeds branches "branches.txt mine "
succeeds hooks "hooks.txt "
stopped config held "filter=evil, which is not configured here"
succeeds lock "lock.txt "
succeeds newgit "newgit.txt "
succeeds gitfile "gitfile.txt "
succeeds names "  \"\\\"quoted\\\" \$(touch pwned)\" -rf names.txt \"new\\nline\" \"\\360\\237\\222\\245\\342\\200\\256\" "
succeeds readonly "readonly.txt "
succeeds fifo "fifo.txt loop "
succeeds binary "binary.txt noise zero "
succeeds escape "escape.txt "
succeeds refs "refs.txt "
stopped rmtree dead "does not exist any more: the job removed or moved it"
stopped nested held "could not take up: sub/ (a repository within the repository)"
stopped link held "passwd is a link out of the tree"
stopped ci held ".github/workflows/x.yml is forbidden"
look missing
check "an agent that is not installed: dead" equal "$state" dead
check "by its name" sh -c 'case $1 in *no-such-agent*) ;; *) false ;; esac' - "$why"
check "its ticket lies in failed/ with a report" [ -f "$work/tickets/failed/missing.report.md" ]
check "the report says why" grep -q no-such-agent "$work/tickets/failed/missing.report.md"
check "done/ has a report for each that succeeded" equal "$(find "$work/tickets/done" -name '*.report.md' | wc -l)" "$(count succeeded)"
touch "$work/pwned"
check "what an agent left is run neither by drover nor by another agent's git" equal "$(cat "$work/pwned")" ""
escapes() { LC_ALL=C grep -rlF -e "$(printf '\033')" -e "$(printf '\342\200\256')" "$@" 2>/dev/null; }
check "no escape or bidi override reaches the log or a report" equal "$(escapes "$work/drover.log" "$work/tickets")" ""
id=$(job_of escape)
for verb in show why; do
	check "nor the terminal, by $verb" equal "$(drover "$verb" "$id" | escapes -)" ""
done

# The shared repository is as it should be for those who come after.
ticket after after
check "others work on in the same repository" until_true all_ended $((n + 2))
succeeds after "after.txt "
check "main is where it was" equal "$(git -C "$work/shop.git" rev-parse main)" "$(git -C "$work/shop" rev-parse main)"
check "nothing but drover/ was pushed" equal "$(git -C "$work/shop.git" for-each-ref --format='%(refname)' | grep -cv '^refs/heads/drover/')" 1
check "no lease is held" equal "$(drover lease list --json | jq '[.leases[]? | select(.state == "leased")] | length')" 0
check "what they left was not run then either" equal "$(cat "$work/pwned")" ""
sed 's/^/#   ran: /' "$work/pwned"
daemon_stop
gone() { [ -z "$(leftovers)" ] && ! pgrep -f "$work" >/dev/null; }
check "no process is left" until_true gone
check "integrity" equal "$(sqlite3 "$work/state/drover.db" 'pragma integrity_check')" ok
finish
