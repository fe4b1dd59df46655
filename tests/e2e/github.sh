#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The plugin github with a daemon, an agent and a git remote of its own, against the stateful fake of GitHub: comments on a pull
# request in order, mentions, commands, strangers, a write whose answer never comes, what idling costs, and an App. Where the
# contracts are in reach, Prism holds each request to GitHub's.
# shellcheck disable=SC2154 # variables are named after vendors and set by eval
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/contract/lib.sh"
need jq curl git python3 openssl

cat >"$work/agent" <<'END'
#!/bin/sh
# Adds the word behind "write" to a file, and answers with the word behind "say".
prompt=$(cat)
printf '%s\n' "$prompt" >"$1/prompt.$$"
ask=$(printf '%s\n' "$prompt" | sed -n '/^<<<request /,/>>>$/p')
word=$(printf '%s\n' "$ask" | sed -n 's/.*write \([a-z0-9]*\).*/\1/p' | head -n 1)
[ -z "$word" ] || echo "$word" >>words.txt
printf 'noise\nREPLY_START\nAnswer to %s, @alice.\nREPLY_END\n' "$(printf '%s\n' "$ask" | sed -n 's/.*say \([a-z0-9]*\).*/\1/p' | head -n 1)"
END
chmod +x "$work/agent"
mkdir -p "$work/prompts" "$work/srv/acme"
make_repo "$work/web" 5
mv "$work/web.git" "$work/srv/acme/web.git"
git -C "$work/web" remote set-url origin "$work/srv/acme/web.git"
for branch in drover/first feature; do
	git -C "$work/web" checkout -q -b "$branch" main
	echo "$branch" >"$work/web/new.txt"
	git -C "$work/web" add -A
	git -C "$work/web" commit -qm "Begin $branch"
	git -C "$work/web" push -q origin "$branch"
done
remote() { git -C "$work/srv/acme/web.git" "$@"; }

fake_start github --git-root "$work/srv" || finish broken
contract_front github || finish broken
github=$github_url
control() { curl -sS -X POST -H 'Content-Type: application/json' -d "${2:-{\}}" "$github_fake/_control/$1"; }
state() { control state | jq -r ".[\"acme/web\"] | $1"; }
state_is() { [ "$(state "$1")" = "$2" ]; }
jobs_are() { [ "$(drover list --json --limit 1000 --kind "github.$1" | jq "[.jobs[] | select(.state == \"$2\")] | length")" = "$3" ]; }
prompts_have() { grep -lF "$1" "$work"/prompts/* >/dev/null 2>&1; }
not() { ! "$@"; }
ours='[.comments[] | select(.user == "drover-bot")]'

fresh() {
	control reset '{}' >/dev/null
	control add/repo '{"name":"acme/web","labels":["drover","bug"],"associations":{"alice":"MEMBER","bob":"COLLABORATOR","mallory":"NONE"},"permissions":{"alice":"write","bob":"write"}}' >/dev/null
}

conf() {
	config <<-CONF
		running = 3;
		pools = { light = { slots = 2; }; heavy = { slots = 1; memory = "64M"; }; };
		agents = { scripted = { command = ("$work/agent", "$work/prompts"); prompt = "stdin"; output = "plain"; }; };
		repos = ( { name = "web"; url = "$work/srv/acme/web.git"; base = "main"; forge = "github"; } );
		plugins = ( { name = "github"; options = { api_url = "$github"; $1 };
		  sources = { pr-comment = { interval = "1s"; }; pr-mention = { interval = "1s"; }; issue-command = { interval = "1s"; labels = ("drover"); }; };
		  pipelines = { pr-comment = { agent = "scripted"; }; pr-mention = { agent = "scripted"; }; issue-command = { agent = "scripted"; labels = ("bug", "no-such"); }; }; } );
	CONF
}

fresh
export GITHUB_TOKEN=ghp_faketoken
conf 'token_env = "GITHUB_TOKEN";'
check "the configuration and its prompts are well" "$BUILD/drover" -c "$work/drover.conf" config check

# Three comments of three sorts on drover's own pull request, and a stranger's.
control add/pull '{"repo":"acme/web","head":"drover/first","title":"The first","user":"drover-bot"}' >/dev/null
control add/comment '{"repo":"acme/web","number":1,"user":"alice","body":"Please write one and say first"}' >/dev/null
control add/comment '{"repo":"acme/web","number":1,"user":"mallory","body":"Please write evil and say evil"}' >/dev/null
inline=$(control add/review_comment '{"repo":"acme/web","number":1,"user":"bob","path":"new.txt","body":"write two, say second"}' | jq -r .id)
control add/review '{"repo":"acme/web","number":1,"user":"alice","body":"Also write three and say third"}' >/dev/null
daemon_start || finish broken
check "three comments are answered" until_true jobs_are pr-comment succeeded 3
check "the branch has what they asked for, in their order" equal "$(remote show drover/first:words.txt | tr '\n' ' ')" "one two three "
check "each in a commit of its own" equal "$(remote rev-list --count main..drover/first)" 4
check "two answers in the conversation" equal "$(state "$ours | length")" 2
check "one in the thread of its line" equal "$(state "[.review_comments[] | select(.user == \"drover-bot\")] | map(.reply_to | tostring) | join(\",\")")" "$inline"
check "the answer names what was pushed" sh -c 'printf %s "$0" | grep -q "Pushed [0-9a-f]\{40\}"' "$(state "${ours}[0].body")"
check "and calls nobody" not sh -c 'printf %s "$0" | grep -q "@alice"' "$(state "${ours}[0].body")"
check "what is worked on has eyes" equal "$(state '[.reactions[] | select(.content == "eyes")] | length')" 2
check "the second prompt knows of the first" prompts_have "Answer to first"
check "a stranger is in no prompt" not prompts_have "write evil"

# Mentions on the pull request of somebody else.
control add/pull '{"repo":"acme/web","head":"feature","title":"A feature","user":"bob"}' >/dev/null
control add/comment '{"repo":"acme/web","number":2,"user":"alice","body":"@drover-bot what is it? say fourth"}' >/dev/null
control add/comment '{"repo":"acme/web","number":2,"user":"mallory","body":"@drover-bot write evil"}' >/dev/null
check "a mention is answered" until_true jobs_are pr-mention succeeded 1
check "without a change" equal "$(remote rev-list --count main..feature)" 1
control add/comment '{"repo":"acme/web","number":2,"user":"alice","body":"@drover-bot write five, say fifth"}' >/dev/null
check "another one changes it" until_true jobs_are pr-mention succeeded 2
check "on its branch" equal "$(remote show feature:words.txt)" five

# Commands in issues, and a label.
control add/issue '{"repo":"acme/web","title":"It fails","body":"Steps to see it","user":"mallory"}' >/dev/null
control add/comment '{"repo":"acme/web","number":3,"user":"mallory","body":"/drover write evil"}' >/dev/null
control add/comment '{"repo":"acme/web","number":3,"user":"alice","body":"Indeed.\n\n/drover write six and say sixth"}' >/dev/null
check "a command becomes a pull request" until_true jobs_are issue-command succeeded 1
check "with its branch" equal "$(remote show "$(state '.pulls[] | select(.number == 4) | .head'):words.txt")" six
check "and the label that exists" equal "$(state '[.issues[] | select(.number == 4) | .labels[]] | join(",")')" bug
check "the issue has the link" sh -c 'printf %s "$0" | grep -q "I opened http.*/pull/4"' "$(state '[.comments[] | select(.number == 3 and .user == "drover-bot")][0].body')"
check "the issue's text is in the prompt" prompts_have "Steps to see it"
control add/issue '{"repo":"acme/web","title":"Another","body":"write seven, say seventh","user":"mallory"}' >/dev/null
control add/labeled '{"repo":"acme/web","number":5,"label":"drover","user":"bob"}' >/dev/null
check "a label does as well" until_true jobs_are issue-command succeeded 2
check "nobody else has started anything" equal "$(drover list --json --limit 1000 | jq '.jobs | length')" 7

# A comment that GitHub has taken, and the daemon is killed before it hears of it.
until_true state_is '[.comments[] | select(.number == 5)] | length' 1
writes=$(control counts | jq .all_writes)
control hold "{\"nth\":$((writes + 2))}" >/dev/null
control add/comment '{"repo":"acme/web","number":1,"user":"alice","body":"say eighth"}' >/dev/null
check "the answer is taken" curl -sS -o "$work/held" "$github_fake/_control/wait/held?timeout=$wait_limit"
before=$(state "$ours | length")
daemon_kill
# Workers outlive the daemon; here they die with it.
for p in /proc/[0-9]*; do
	{ tr '\0' ' ' <"$p/cmdline"; } 2>/dev/null | grep -q 'droverd.* -x ' && { tr '\0' '\n' <"$p/environ"; } 2>/dev/null | grep -qF "$work" &&
		kill -KILL "${p#/proc/}" 2>/dev/null
done
control release '{"drop":true}' >/dev/null
daemon_start || finish broken
check "the job ends all the same" until_true jobs_are pr-comment succeeded 4
check "with no second answer" equal "$(state "$ours | length")" "$before"

# What idling costs.
until_true count_is running 0
total=$(control counts | jq .total)
passes() { [ "$(control counts | jq .total)" -ge $((total + $1)) ]; }
until_true passes 40
total=$(control counts | jq .total)
until_true passes 80
idle=$(curl -sS "$github_fake/_control/counts?since=$total")
check "idle polls are answered by 304" equal "$(printf %s "$idle" | jq '(.not_modified / .gets) >= 0.95')" true
# Renamed: reads are redirected, writes are not.
control add/rename '{"old":"acme/web","new":"acme/site"}' >/dev/null
state() { control state | jq -r ".[\"acme/site\"] | $1"; }
control add/comment '{"repo":"acme/site","number":1,"user":"alice","body":"write nine, say nine"}' >/dev/null
check "a renamed repository goes on" until_true jobs_are pr-comment succeeded 5
check "with its answer" equal "$(state "$ours | length")" $((before + 1))

check "nothing of it went over a limit" equal "$(control limits | jq -c '.violations[]')" ""
daemon_stop

# As an App.
state() { control state | jq -r ".[\"acme/web\"] | $1"; }
openssl genrsa -out "$work/app.pem" 2048 2>/dev/null
openssl rsa -in "$work/app.pem" -pubout -out "$work/app.pub" 2>/dev/null
rm -rf "$work/state" "$work/cache"
fresh
control add/app "{\"id\":77,\"slug\":\"drover\",\"public_key_file\":\"$work/app.pub\"}" >/dev/null
control add/installation '{"app":77,"account":"acme","repos":["acme/web"]}' >/dev/null
conf "app_id = \"77\"; private_key_file = \"$work/app.pem\";"
chmod 600 "$work/app.pem"
daemon_start || finish broken
check "an App says who it is" equal "$(drover call github.probe '{}' | jq -r .as)" "drover[bot]"
control add/pull '{"repo":"acme/web","head":"feature","title":"A feature","user":"bob"}' >/dev/null
control add/comment '{"repo":"acme/web","number":1,"user":"alice","body":"@drover say ninth"}' >/dev/null
check "and answers" until_true jobs_are pr-mention succeeded 1
check "under its own name" equal "$(state '[.comments[] | select(.user == "drover[bot]")] | length')" 1
check "its tokens are in no file" equal "$(grep -rlaE 'ghs_[0-9]+_' "$work" --include='*' 2>/dev/null | grep -v '/github\.' || :)" ""
[ "$contract" = no ] || check "no request is against GitHub's contract" equal "$(contract_violations github)" ""
finish
