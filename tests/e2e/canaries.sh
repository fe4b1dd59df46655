#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # variables are named after vendors and set by eval
# Twenty secrets, one of each kind that drover can be configured with, printed by an agent and a command in twelve encodings,
# whole, in pieces and in an answer, while core and worker are killed. Afterwards none of them is anywhere but in its file.
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/contract/lib.sh"
. "$SRC/tests/e2e/bed.sh"
need git jq curl lighttpd python3 sqlite3
say_all=$SRC/tests/e2e/canaries.py
for vendor in github jira slack; do
	fake_start $vendor || { not_ok "the fake of $vendor starts"; finish; }
done
bed_remote shop site
bed_world

# What nothing has to accept has characters that encoders change.
mkdir "$work/keys"
canary() {
	new="${2:-}c4n&ry<$1>/+'\"$(od -An -N9 -tx1 /dev/urandom | tr -d ' \n')é"
	printf '%s\n' "$new" >>"$work/keys/all"
}
printf '%s\n' "$token" ghp_faketoken jira-token xoxb-fake xapp-fake >"$work/keys/all"
secret_file() { canary "$1" && printf '%s\n' "$new" >"$work/keys/$1" && chmod 600 "$work/keys/$1"; }
for kind in github-hook slack-signing repo-file rotated; do secret_file "$kind"; done
old=$new
for name in REPO_TOKEN HOOK_SECRET AGENT_API_KEY AGENT_TOKEN AGENT_PASSWORD AGENT_SECRET AGENT_CREDENTIAL OTHER_TOKEN OTHER_KEY; do
	canary "$name"
	export "$name=$new"
done
canary command
printf '#!/bin/sh\ncat "%s/keys/command"\n' "$work" >"$work/keys/print"
sed -i '$d' "$work/keys/all"
command=$new
printf '%s\n' "$new" >"$work/keys/command"
chmod 700 "$work/keys/print"

cat >"$work/agent" <<AGENT
#!/bin/sh
prompt=\$(cat)
case \$prompt in
*'"verdict": "PROCEED"'*)
	echo '{"verdict": "PROCEED", "repos": ["shop"], "questions": [], "reason": "It is clear."}'
	exit 0
	;;
esac
python3 "$say_all" shout "$work/keys/all" "$work/go" >&2
echo change >>changed.txt
echo REPLY_START
echo 'put what was asked into changed.txt'
python3 "$say_all" reply "$work/keys/all"
echo REPLY_END
AGENT
chmod +x "$work/agent"
printf 'ghp_faketoken\n' >"$work/github.token"
printf 'jira-token\n' >"$work/jira.token"
printf 'xoxb-fake\n' >"$work/slack.token"
printf 'xapp-fake\n' >"$work/slack.app"
chmod 600 "$work"/*.token "$work/slack.app"
site="url = \"$git_url/site.git\"; base = \"main\";"
config <<CONF
running = 3;
sandbox = "off";
pools = { light = { slots = 2; }; heavy = { slots = 1; }; };
agents = { scripted = { command = ("$work/agent"); prompt = "stdin"; output = "plain";
    env_pass = ("AGENT_API_KEY", "AGENT_TOKEN", "AGENT_PASSWORD", "AGENT_SECRET", "AGENT_CREDENTIAL", "OTHER_TOKEN", "OTHER_KEY"); }; };
repos = ( { name = "shop"; url = "$git_url/shop.git"; base = "main"; forge = "github"; token_file = "$work/token"; },
          { name = "filed"; $site token_file = "$work/keys/repo-file"; },
          { name = "rotated"; $site token_file = "$work/keys/rotated"; },
          { name = "envied"; $site token_env = "REPO_TOKEN"; },
          { name = "said"; $site token_command = ("$work/keys/print"); } );
plugins = (
  { name = "exec"; pipelines = { command = { pool = "light"; retries = 0; }; }; },
  { name = "scribe"; pipelines = { gather = { pool = "light"; }; }; },
  { name = "github";
    options = { api_url = "$github_url"; token_file = "$work/github.token"; slugs = ("shop=acme/shop");
                webhook_secret_file = "$work/keys/github-hook"; };
    sources = { pr-comment = { enabled = false; }; pr-mention = { enabled = false; }; issue-command = { enabled = false; }; }; },
  { name = "jira";
    options = { base_url = "$jira_url"; email = "bot@example.com"; token_file = "$work/jira.token"; webhook_secret_env = "HOOK_SECRET"; };
    sources = { ticket = { interval = "1s"; }; };
    pipelines = { fix = { agent = "scripted"; done_status = "In Review"; }; }; },
  { name = "slack";
    options = { api_url = "$slack_url/api"; bot_token_file = "$work/slack.token"; app_token_file = "$work/slack.app"; repo = "shop";
                signing_secret_file = "$work/keys/slack-signing"; };
    sources = { mention = { interval = "1s"; }; };
    pipelines = { mention = { agent = "scripted"; pool = "light"; }; }; } );
CONF
daemon_start || finish broken

# The title of the job is a secret as well, and the command fails with one in its last words.
jq -n --arg script "$say_all" --arg keys "$work/keys/all" --arg gate "$work/gone" \
	'{kind: "exec.command", key: "shout", payload: ({argv: ["sh", "-c", "python3 \($script) shout \($keys) \($gate); exit 3"]} | tojson)}' \
	>"$work/job.json"
jq --rawfile all "$work/keys/all" '.title = ($all | split("\n") | .[5])' "$work/job.json" |
	curl -sS --unix-socket "$work/drover.sock" -H 'Content-Type: application/json' --data-binary @- http://drover/api/v1/jobs >"$work/submitted"
thread=$(ctl slack add/message '{"channel":"C1","text":"<@U0BOT> say it all"}' | jq -r .ts)
check "the agent is half through" until_true test -e "$work/go.half"
check "and the command" until_true test -e "$work/gone.half"
job=$(drover show --json exec.command/shout | jq .id)
worker=$(drover worker list --json | jq -r --argjson j "$job" '.workers[] | select(.job == $j) | .pid')
rm "$work/gone.half"
check "a worker is killed" kill -KILL "$worker"
daemon_kill
check "a new daemon starts" daemon_start || finish broken
touch "$work/go"
check "the command runs again" until_true test -e "$work/gone.half"

# A rotated secret and one of a command are known from the moment they are read.
for repo in said rotated; do drover submit scribe.gather --key "$repo" -p "$repo" --wait >/dev/null 2>&1; done
secret_file rotated
printf '%s\n' "$command" >>"$work/keys/all"
check "the rotated one is another" [ "$new" != "$old" ]
drover submit scribe.gather --key again -p rotated --wait >/dev/null 2>&1
touch "$work/gone"
check "and fails as it always will" until_true job_is exec.command/shout dead
jq '.key = "again"' "$work/job.json" |
	curl -sS --unix-socket "$work/drover.sock" -H 'Content-Type: application/json' --data-binary @- http://drover/api/v1/jobs >"$work/submitted"
check "so does another with all of them" until_true job_is exec.command/again dead
said() { [ -n "$(slack_said C1 "$thread")" ]; }
check "a mention is answered" until_true said

check "there are twenty" equal "$(wc -l <"$work/keys/all")" 20
mkdir "$work/seen"
ids=$(drover list --json --limit 100 | jq -r '.jobs[].id')
for path in state v1x $(for id in $ids; do echo "jobs/$id" "jobs/$id/why" "jobs/$id/output"; done) status jobs dead pauses leases sources refusals memory plugins \
	workers repos agents config 'events?after=0&follow=0'; do
	curl -sS --max-time 20 --unix-socket "$work/drover.sock" "http://drover/api/v1/$path" >"$work/seen/api.${path//[\/?&=]/.}"
done
curl -sS --unix-socket "$work/drover.sock" http://drover/metrics >"$work/seen/metrics"
for vendor in github jira slack; do
	ctl $vendor state >"$work/seen/$vendor"
	ctl $vendor requests | jq 'del(.[].credential)' >"$work/seen/$vendor.requests"
done
daemon_stop
for repo in "$work"/state/mirrors/*.git "$work/srv/shop.git"; do git -C "$repo" log --all --format=%B%an%ae%D; done >"$work/seen/commits" 2>&1
sqlite3 "$work/state/drover.db" .dump >"$work/seen/dump"
check "what was looked at is there" grep -q '\*\*\*' "$work/seen/dump"
check "the output shows that something was hidden" grep -q '\*\*\*' "$work"/seen/api.jobs.*.output
check "the post of the agent is there" grep -q 'changed.txt' "$work/seen/slack"
check "and its pull request" grep -q 'changed.txt' "$work/seen/github"
check "no canary in database, output, log, answers, posts and commits" \
	python3 "$say_all" scan "$work/keys/all" "$work/state/drover.db" "$work/state/drover.db-wal" "$work/state/jobs" "$work/drover.log" "$work/droverd.out" "$work/seen"
finish
