#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # variables are named after vendors and set by eval
# One daemon with the plugins of GitHub, Jira and Slack against fakes of all three, each behind its vendor's contract: a
# ticket becomes a branch, a pull request and a comment; comments on a pull request are answered in order; a mention in
# Slack is answered in its thread, by poll and by Socket Mode; strangers get nothing; limits are kept under load.
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/contract/lib.sh"
. "$SRC/tests/e2e/bed.sh"
need git jq curl lighttpd python3
for vendor in github jira slack; do
	fake_start $vendor || { not_ok "the fake of $vendor starts"; finish; }
done
contract_front github jira slack || finish
bed_remote shop site
bed_agent
bed_world
jira_sources='review = { interval = "2s"; projects = ("REV"); };'
slack_options='repo = "shop";'
github_more='repos = ("shop");'
bed_config </dev/null
pull=$(bed_pull shop drover/first d0/first.txt first)
# Three comments of three kinds, ten seconds apart; later, a poll could fall between them.
now=$(date +%s)
ctl github add/comment "{\"repo\":\"acme/shop\",\"number\":$pull,\"body\":\"Question: q1\",\"user\":\"dev\",\"created\":$((now - 30))}" >/dev/null
second=$(ctl github add/review_comment "{\"repo\":\"acme/shop\",\"number\":$pull,\"path\":\"d0/first.txt\",\"line\":1,\"body\":\"Question: q2\",\"user\":\"dev\",\"created\":$((now - 20))}" | jq -r .id)
ctl github add/review "{\"repo\":\"acme/shop\",\"number\":$pull,\"body\":\"Question: q3\",\"user\":\"dev\",\"state\":\"CHANGES_REQUESTED\",\"created\":$((now - 10))}" >/dev/null
daemon_start || finish broken

# Everybody else asks at once.
comment() { ctl github add/comment "{\"repo\":\"acme/shop\",\"number\":$1,\"body\":\"$2\",\"user\":\"$3\"}" | jq -r .id; }
ticket=$(ctl jira add/issue '{"project":"SHOP","summary":"Put word1 where it belongs","description":"File: d0/f1.txt\nWord: word1"}' | jq -r .key)
both=$(ctl jira add/issue '{"project":"SHOP","summary":"Put word2 into two","description":"Repos: shop+site\nFile: d0/f2.txt\nWord: word2"}' | jq -r .key)
unclear=$(ctl jira add/issue '{"project":"SHOP","summary":"Make it nicer","description":"UNCLEAR"}' | jq -r .key)
review=$(ctl jira add/issue '{"project":"REV","summary":"Is this ready?","description":"Perhaps.","assignee":null}' | jq -r .key)
issue=$(ctl github add/issue '{"repo":"acme/shop","title":"Put word3","body":"/drover\n\nFile: d0/f3.txt\nWord: word3","user":"dev"}' | jq -r .number)
thread=$(ctl slack add/message '{"channel":"C1","text":"<@U0BOT> Question: s1"}' | jq -r .ts)
comment "$pull" 'Question: evil1' mallory >/dev/null
stranger_ticket=$(ctl jira add/issue '{"project":"SHOP","summary":"Stranger","description":"File: d0/f1.txt\nWord: evil2","reporter":"cust"}' | jq -r .key)
stranger_thread=$(ctl slack add/message '{"channel":"C1","text":"<@U0BOT> Question: evil3","user":"U0EVE"}' | jq -r .ts)

# Jira.
status_is() { equal "$(ask jira state ".[\"$1\"].status")" "$2" >/dev/null; }
check "the ticket comes to its end" until_true status_is "$ticket" "In Review"
check "by way of In Progress" equal "$(ask jira state ".[\"$ticket\"].moves | join(\", \")")" "In Progress, In Review"
ticket_pull=$(ask github state '.["acme/shop"] | .pulls[] | select(.number as $n | any(.head; contains("shop-1") or contains("SHOP-1"))) | .number')
branch=$(ask github state ".[\"acme/shop\"].pulls[] | select(.number == ${ticket_pull:-0}) | .head")
check "its branch has exactly its change" equal "$(git -C "$work/srv/shop.git" diff "main...$branch" | sed -n 's/^+\([^+].*\)$/\1/p')" word1
check "in one commit" equal "$(git -C "$work/srv/shop.git" rev-list --count "main..$branch")" 1
check "the pull request has the labels that exist" equal "$(ask github state ".[\"acme/shop\"].issues[] | select(.number == ${ticket_pull:-0}) | .labels | join(\",\")")" drover
check "no label was made" equal "$(ask github state '.["acme/shop"].labels | join(",")')" "drover,bug"
check "the ticket links to it" equal "$(ask jira state ".[\"$ticket\"].links[].object.url")" "https://github.com/acme/shop/pull/$ticket_pull"
check "and says so in one comment" equal "$(ask jira state "[.[\"$ticket\"].comments[] | select(.text | contains(\"pull/$ticket_pull\"))] | length")" 1
parts() { [ "$(ask jira state "[.[] | select(.parent == \"$both\" and (.links | length) == 1)] | length")" = 2 ]; }
check "a ticket about two repos gets a subtask and a pull request for each" until_true parts
check "it ends as well" until_true status_is "$both" "In Review"
asked() { [ "$(ask jira state "[.[\"$unclear\"].comments[] | select(.text | contains(\"Which colour?\"))] | length")" = 1 ]; }
check "a ticket that is not clear is asked about" until_true asked
check "and goes back" until_true status_is "$unclear" "To Do"
reviewed() { [ "$(ask jira state "[.[\"$review\"].comments[] | select(.author == \"bot-1\")] | length")" = 1 ]; }
check "a ticket is judged" until_true reviewed

# GitHub.
answers() { ask github state '.["acme/shop"] | (.comments + .review_comments) | sort_by(.created) | .[] | select(.number == '"$pull"' and .user == "drover-bot") | .body | capture("answer (?<word>[a-z0-9]+)").word' | tr '\n' ' '; }
answered() { [ "$(answers)" = "q1 q2 q3 " ]; }
check "three comments on one pull request are answered in order" until_true answered || answers
check "the one on the diff is answered there" equal "$(ask github state ".[\"acme/shop\"].review_comments[] | select(.user == \"drover-bot\") | .reply_to")" "$second"
opened() { [ "$(ask github state '[.["acme/shop"].pulls[] | select(.head | contains("'"$1"'"))] | length')" = 1 ]; }
issue_pull() { ask github state "[.[\"acme/shop\"].issues[] | select(.pull and (.body // \"\" | contains(\"#$issue\")))] | length"; }
issue_done() { [ "$(issue_pull)" = 1 ]; }
check "a command in an issue becomes a pull request" until_true issue_done
comment "$pull" 'File: d0/first.txt\nWord: word4' dev >/dev/null
pushed() { git -C "$work/srv/shop.git" show "drover/first:d0/first.txt" | grep -qx word4; }
check "a comment that asks for a change is carried out on the branch" until_true pushed
mention=$(ctl github add/pull '{"repo":"acme/shop","head":"topic","title":"Of a person","user":"dev"}' | jq -r .number)
git -C "$work/srv/shop.git" branch -q topic main
comment "$mention" '@drover-bot Question: m1' dev >/dev/null
comment "$mention" 'Nobody asks drover here.' dev >/dev/null
mentioned() { [ "$(github_said shop "$mention" | grep -c 'answer m1')" = 1 ]; }
check "a mention is answered" until_true mentioned

# Slack: by poll, a follow-up in the thread, then by Socket Mode.
said() { slack_said C1 "$1" | grep -q "answer $2"; }
check "a mention in Slack is answered in its thread" until_true said "$thread" s1
ctl slack add/message "{\"channel\":\"C1\",\"text\":\"<@U0BOT> Question: s2\",\"thread_ts\":\"$thread\"}" >/dev/null
check "and so is what follows" until_true said "$thread" s2
slack_options='repo = "shop"; app_token_file = "'$work/slack.app'";'
poll_slack=1h
bed_config </dev/null
drover reload >/dev/null || not_ok "the configuration is taken"
check "Socket Mode is on" sh -c "curl -sS --fail-with-body '$slack_fake/_control/wait/sockets?timeout=$wait_limit' >/dev/null"
quick=$(ctl slack add/message '{"channel":"C1","text":"<@U0BOT> Question: s3"}' | jq -r .ts)
check "a mention is answered at once through it" until_true said "$quick" s3
acked() { [ "$(ask slack sockets '.acks == .sent')" = true ]; }
check "each event is acknowledged" until_true acked

# Nothing is left to do, and nothing was done twice.
check "all jobs have ended" until_true idle
check "none badly but the one that waits for answers" equal "$(jobs_now '[.[] | select(.state != "succeeded") | .state] | join(",")')" held ||
	jobs_now '.[] | select(.state != "succeeded" and .state != "held") | "   \(.id) \(.kind) \(.key) \(.state): \(.error)"'
check "each word of drover's is said once" equal "$(answers; github_said shop "$mention" | sed -n 's/.*answer \([a-z0-9]*\).*/\1/p'; for t in "$thread" "$quick"; do slack_said C1 "$t" | sed -n 's/.*answer \([a-z0-9]*\).*/\1/p'; done)" "$(printf 'q1 q2 q3 m1\ns1\ns2\ns3')"

# Strangers.
check "a stranger's comment has no answer" equal "$(ask github state '[.. | strings | select(test("answer evil"))] | length')" 0
check "a stranger's ticket stays as it was" equal "$(ask jira state ".[\"$stranger_ticket\"] | [.status, (.comments | length), (.moves | length)] | join(\" \")")" "To Do 0 0"
check "a stranger's mention has no answer" equal "$(slack_said C1 "$stranger_thread")" ""
check "no agent has read it" equal "$(grep -rlE 'evil[123]' "$work/agent.d")" ""
drover source refused >"$work/refused" 2>&1
for who in mallory cust U0EVE; do
	check "the refusal of $who is on record" grep -q "$who" "$work/refused"
done

# At rest, what has not changed costs nothing.
ctl github clear '{}' >/dev/null
check "all sources have polled once more" requests_more github 40
mark=$(ask github counts .total)
check "and go on" requests_more github 60
idle_share() { ask github "counts?since=$mark" 'if .gets >= 60 then .not_modified * 100 / .gets | floor else 0 end'; }
check "at rest 95 of 100 polls of GitHub are 304" [ "$(idle_share)" -ge 95 ] || ctl github "counts?since=$mark"

# Load: forty comments on four pull requests, messages and tickets beside them.
poll_slack=2s
bed_config </dev/null
drover reload >/dev/null || not_ok "the configuration is taken"
pulls=
for n in 1 2 3 4; do
	pulls="$pulls $(bed_pull shop "drover/load$n" "d0/load$n.txt" "load$n")"
done
began=$(date +%s)
for n in 1 2 3 4 5 6 7 8 9 10; do
	for p in $pulls; do
		comment "$p" "Question: l${n}p$p" dev >/dev/null
	done
	[ "$n" -gt 4 ] || ctl slack add/message "{\"channel\":\"C1\",\"text\":\"<@U0BOT> Question: l${n}\"}" >/dev/null
	[ "$n" -gt 2 ] || ctl jira add/issue "{\"project\":\"SHOP\",\"summary\":\"Load $n\",\"description\":\"File: d1/f10$n.txt\nWord: load$n\"}" >/dev/null
done
loads() { ask github state '[.["acme/shop"].comments[] | select(.user == "drover-bot") | .body | capture("answer (?<word>l[0-9]+p[0-9]+)").word] | '"$1"; }
loaded() { [ "$(loads 'unique | length')" -ge "$1" ]; }
for n in 10 20 30 40; do
	check "of forty comments $n are answered" until_true loaded "$n"
done
check "all jobs have ended" until_true idle
say "   within $(($(date +%s) - began)) s"
check "each once" equal "$(loads length)" 40
for vendor in github jira slack; do
	check "$vendor: no published limit was passed" equal "$(over_limits $vendor)" ""
	check "$vendor: nothing against its contract" equal "$(contract_violations $vendor)" ""
	say "$vendor: $(ctl $vendor limits | cut -c1-600)"
	[ "$contract" = no ] || contract_unknown $vendor | sed "s/^/$vendor, past the contract: /"
done
daemon_stop
check "database is whole" equal "$(sqlite3 "$work/state/drover.db" 'pragma integrity_check')" ok
rm -f "$work"/*.token "$work/token" "$work/slack.app" "$work/users.plain"
basic=$(printf 'bot@example.com:jira-token' | base64 -w0)
check "no credential is in a file" equal "$(grep -rlaF -e ghp_faketoken -e jira-token -e xoxb-fake -e xapp-fake -e "$token" -e "$basic" "$work" 2>/dev/null)" ""
finish
