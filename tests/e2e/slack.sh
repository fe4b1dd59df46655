#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The plugin slack with a daemon, an agent and git remotes of its own, against the stateful fake of Slack: answers, changes, follow-ups,
# strangers, Socket Mode, and kill -9 at each write.
. "$SRC/tests/e2e/lib.sh"
need jq curl git python3
export PYTHONDONTWRITEBYTECODE=1

# The agent: what it is asked is kept; what it does goes by words of the request.
cat >"$work/agent" <<'END'
#!/bin/sh
prompt=$(cat)
printf '%s\n' "$prompt" >"$1/prompt.$$"
request=${prompt#*The request was written by}
case ${request%%What was said to drover*} in
*"make a change"*) echo changed >>change.txt; printf 'REPLY_START\nI wrote **change.txt**.\nREPLY_END\n' ;;
*"break down"*) echo 'I cannot.'; exit 1 ;;
*) printf 'noise\nREPLY_START\nIt is <b>, see `d0/f1.txt` @channel\nREPLY_END\n' ;;
esac
END
chmod +x "$work/agent"
mkdir "$work/prompts"
make_repo "$work/shop" 5
make_repo "$work/desk" 5

slack_start() {
	python3 "$SRC/tests/fakes/slack.py" >"$work/slack.port" 2>"$work/slack.err" &
	until_true test -s "$work/slack.port"
	slack=http://127.0.0.1:$(head -n 1 "$work/slack.port" | tr -dc 0-9)
}
control() { curl -sS -X POST -H 'Content-Type: application/json' -d "${2:-{\}}" "$slack/_control/$1"; }
said() { control add/message "{\"channel\":\"C0WEB\",\"text\":\"$1\",\"user\":\"${2:-U0ANA}\"${3:-}}" | jq -r .ts; }
# ours THREAD: texts of the bot in a thread, a line each.
ours() { control state | jq -r --arg t "$1" '.C0WEB[] | select(.user == "U0BOT" and .thread_ts == $t) | .text | gsub("\n"; " ")'; }
ours_has() { ours "$1" | grep -qF -- "$2"; }
ours_count() { [ "$(ours "$1" | wc -l)" = "$2" ]; }
reactions() { control state | jq -r --arg t "$1" '.C0WEB[] | select(.ts == $t) | .reactions | keys | join(" ")'; }
reacted() { [ "$(reactions "$1")" = "$2" ]; }
jobs() { drover list --json --limit 1000 --kind slack.mention | jq '.jobs | length'; }
prompts_have() { grep -lF "$1" "$work"/prompts/* >/dev/null 2>&1; }
not() { ! "$@"; }
sockets() { control sockets | jq ".$1"; }
sockets_at_least() { [ "$(sockets "$1")" -ge "$2" ]; }

slack_conf() {
	config <<-CONF
		running = 3;
		pools = { light = { slots = 2; }; heavy = { slots = 1; memory = "64M"; }; };
		agents = { scripted = { command = ("$work/agent", "$work/prompts"); prompt = "stdin"; output = "plain"; }; };
		repos = ( { name = "shop"; url = "$work/shop.git"; base = "main"; }, { name = "desk"; url = "$work/desk.git"; base = "main"; } );
		plugins = ( { name = "slack"; options = { api_url = "$slack/api"; bot_token_env = "SLACK_BOT"; $2 };
		  sources = { mention = { interval = "$1"; }; };
		  pipelines = { mention = { agent = "scripted"; retries = 1; }; }; } );
	CONF
}
fresh() {
	control reset '{}' >/dev/null
	control add/user '{"id":"U0ANA","name":"Ana"}' >/dev/null
	control add/user '{"id":"U0EVE","name":"Eve","guest":true}' >/dev/null
	control add/channel '{"id":"C0WEB","name":"web"}' >/dev/null
	rm -rf "$work/state" "$work/cache" "$work"/prompts/*
}

export SLACK_BOT=xoxb-fake SLACK_APP=xapp-fake
slack_start
fresh
slack_conf 1s ''
check "the configuration and its prompts are well" "$BUILD/drover" -c "$work/drover.conf" config check
daemon_start || finish broken

# A question.
one=$(said '<@U0BOT> what is in shop?')
check "a question is answered" until_true ours_has "$one" 'It is &lt;b&gt;, see `d0/f1.txt` @channel'
check "in one message" ours_count "$one" 1
check "with the reactions of the end" until_true reacted "$one" white_check_mark
check "and no repository was touched" equal "$(git -C "$work/shop.git" for-each-ref refs/heads/drover | wc -l)" 0

# A stranger, a program, and words to nobody.
two=$(said '<@U0BOT> delete shop' U0EVE)
said 'hello all' >/dev/null
control add/message '{"channel":"C0WEB","text":"<@U0BOT> I am a program","user":"U0PRG","bot_id":"B0PRG"}' >/dev/null
refused() { drover source refused --json | jq -e '[.refusals[] | select(.author == "U0EVE")] | length == 1' >/dev/null; }
check "a stranger is refused" until_true refused
check "without a word" ours_count "$two" 0

# A change, its follow-up, and what others say in the thread.
three=$(said '<@U0BOT> make a change in shop')
check "a change is pushed" until_true ours_has "$three" 'Pushed to the branch `drover/'
check "in the agent's words" ours_has "$three" 'I wrote *change.txt*.'
check "with a branch" equal "$(git -C "$work/shop.git" for-each-ref refs/heads/drover | wc -l)" 1
said 'and where is it?' U0EVE ",\"thread_ts\":\"$three\"" >/dev/null
said 'why did you do that?' U0ANA ",\"thread_ts\":\"$three\"" >/dev/null
check "a follow-up is answered in the same thread" until_true ours_count "$three" 2
check "to the end" until_true ours_has "$three" 'It is &lt;b&gt;'
check "with what was said before" prompts_have 'I wrote **change.txt**.'
check "a stranger's words are in no prompt" not prompts_have 'and where is it?'

# Which repository?
four=$(said '<@U0BOT> what about it?')
check "without a repository it asks" until_true ours_has "$four" 'Which repository'
said 'desk' U0ANA ",\"thread_ts\":\"$four\"" >/dev/null
check "and goes on with the answer" until_true ours_count "$four" 2
check "in that one" until_true prompts_have 'repository "desk"'

# An agent that fails.
five=$(said '<@U0BOT> break down in shop')
check "a failure is told" until_true ours_has "$five" 'I gave up after 2 attempts'
check "in one message" ours_count "$five" 1
check "with the reactions of a failure" until_true reacted "$five" x

# By hand.
check "the probe is content" equal "$(drover call slack.probe '{}' | jq -r '[.ok, .as] | join(" ")')" "true drover"
check "a message by hand" drover call slack.post '{"channel":"#web","text":"**Hello**","key":"h1"}'
check "twice is once" drover call slack.post '{"channel":"C0WEB","text":"**Hello**","key":"h1"}'
check "as the channel shows" equal "$(control state | jq '[.C0WEB[] | select(.text == "*Hello*")] | length')" 1
check "nobody is blamed for what is not configured" not grep -q listener "$work/drover.log"
check "six jobs and no more" equal "$(jobs)" 6
check "no limit was broken" equal "$(control limits | jq -c .violations)" '[]'
daemon_stop

# Socket Mode: the interval is an hour, and answers come at once.
fresh
slack_conf 1h 'app_token_env = "SLACK_APP";'
daemon_start || finish broken
if drover call slack.probe '{}' | grep -q 'Socket Mode'; then
	check "Socket Mode: a connection is made" until_true sockets_at_least open 1
	one=$(said '<@U0BOT> what is in shop?')
	check "Socket Mode: a question is answered" until_true ours_has "$one" 'It is &lt;b&gt;'
	two=$(said 'and in desk?' U0ANA ",\"thread_ts\":\"$one\"")
	check "Socket Mode: so is a follow-up" until_true ours_count "$one" 2
	control socket '{"do":"disconnect","reason":"refresh_requested"}' >/dev/null
	check "Socket Mode: a connection is renewed" until_true sockets_at_least made 2
	three=$(said '<@U0BOT> and in desk?')
	check "Socket Mode: and answers go on" until_true ours_has "$three" 'It is &lt;b&gt;'
	control socket '{"do":"raw","text":"{\"type\":\"hello\""}' >/dev/null
	control socket '{"do":"drop"}' >/dev/null
	check "Socket Mode: a broken one is made again" until_true sockets_at_least made 3
	four=$(said '<@U0BOT> once more in desk?')
	check "Socket Mode: and answers go on" until_true ours_has "$four" 'It is &lt;b&gt;'
	check "Socket Mode: events were acknowledged in time" equal "$(sockets retries)" 0
	check "Socket Mode: no token in the log" not grep -qE 'xapp-fake|xoxb-fake' "$work/drover.log"
fi
daemon_stop

# Killed while each write is under way: applied, and not answered.
nth=1
while [ "$nth" -le 6 ]; do
	fresh
	slack_conf 1s ''
	daemon_start || finish broken
	control hold "{\"nth\":$nth}" >/dev/null
	one=$(said '<@U0BOT> make a change in shop')
	curl -sS "$slack/_control/wait/held?timeout=$wait_limit" >/dev/null
	daemon_kill
	control release '{"drop":true}' >/dev/null
	daemon_start || finish broken
	check "killed at write $nth: it comes to its end" until_true ours_has "$one" 'Pushed to the branch'
	check "killed at write $nth: the mark of the end is there" until_true reacted "$one" white_check_mark
	check "killed at write $nth: with one message" ours_count "$one" 1
	daemon_stop
	nth=$((nth + 1))
done
check "nothing crashed" not grep -q AddressSanitizer "$work/droverd.out"
finish
