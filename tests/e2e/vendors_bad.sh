#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # variables are named after vendors and set by eval
# What bad input gets, from fakes that have faults: one clear event, the right class, nothing lost and nothing posted twice;
# and what a tracker that is down costs.
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/contract/lib.sh"
. "$SRC/tests/e2e/bed.sh"
need git jq curl lighttpd python3
for vendor in github jira slack; do
	fake_start $vendor || { not_ok "the fake of $vendor starts"; finish; }
done
# Ids that no double holds, and a clock that is an hour behind ours.
ctl github reset '{"ids_from":9007199254740993}' >/dev/null
ctl github set '{"skew":-3600}' >/dev/null
bed_remote shop site
bed_agent
bed_world
github_more='repos = ("shop");' slack_options='repo = "shop";' poll=1s poll_github=1s
bed_config </dev/null
pull=$(bed_pull shop drover/first d0/first.txt first)
daemon_start || finish broken

question() { ctl github add/comment "{\"repo\":\"acme/shop\",\"number\":$pull,\"body\":\"Question: $1\",\"user\":\"dev\"}" | jq -r .id; }
answers() { ask github state '[.["acme/shop"].comments[] | select(.user == "drover-bot") | .body | select(test("answer '"$1"'\\b"))] | length'; }
once() { [ "$(answers "$1")" = 1 ]; }
says() { drover source list --json | jq -r --arg s "$1" '.. | objects | select(.name? == $s or .source? == $s) | .error // ""'; }
says_so() { says "$1" | grep -qiE "$2"; }
logged() { grep -qE "$1" "$work/drover.log"; }
fault() { ctl "$1" clear '{}' >/dev/null; ctl "$1" fault "$2" >/dev/null; }
calm() { ctl "$1" clear '{}' >/dev/null; }

# What goes wrong on the way, and is right afterwards: nothing is lost, nothing is said twice.
big=$(question big)
check "an id above 2^53 keeps its digits" until_true once big
check "and stands in the job's key" [ "$(jobs_now "[.[] | select(.key | contains(\"$big\"))] | length")" -ge 1 ]
bad() {
	what=$1
	word=$2
	shift 2
	fault github "$1"
	question "$word" >/dev/null
	check "$what: the comment is answered once" until_true once "$word" || { says github.pr-comment; jobs_now '.[0] | "\(.kind) \(.state) \(.error)"'; }
	calm github
}
bad "HTML instead of JSON" html '{"path":"/issues/comments$","kind":"html","count":3}'
bad "a body that ends early" short '{"path":"/issues/comments$","kind":"truncate","count":3}'
bad "100 MB of body" huge '{"path":"/issues/comments$","kind":"big","count":1}'
bad "502" gone '{"path":"/issues/comments$","kind":"status","status":502,"count":3}'
bad "a refused connection" refuse '{"method":"POST","path":"/comments$","kind":"refuse","count":1}'
bad "an answer that never comes" drop '{"method":"POST","path":"/comments$","kind":"drop","count":1}'
bad "HTML in answer to a write that was done not" writehtml '{"method":"POST","path":"/comments$","kind":"html","status":502,"count":1}'
bad "a secondary limit" limit '{"method":"POST","path":"/comments$","kind":"status","status":403,"count":1,"headers":{"Retry-After":"2"},"body":{"message":"You have exceeded a secondary rate limit. Please wait."}}'
bad "an empty page" empty '{"path":"/issues/comments$","kind":"empty","count":2}'
bad "unknown states and fields" fields '{"path":"/pulls$","kind":"status","status":200,"count":2,"body":[{"number":"seven","state":"levitating","user":null,"head":null,"new":{"a":[[[]]]}}]}'

# Our own words, also as another bot repeats them, start nothing.
before=$(jobs_now length)
ctl github add/comment "{\"repo\":\"acme/shop\",\"number\":$pull,\"body\":\"@drover-bot Question: loop1\",\"user\":\"drover-bot\"}" >/dev/null
ctl github add/user '{"login":"other[bot]","type":"Bot"}' >/dev/null
ctl github add/comment "{\"repo\":\"acme/shop\",\"number\":$pull,\"body\":\"@drover-bot Question: loop2 <!-- drover:x:1 trace=0 -->\",\"user\":\"other[bot]\"}" >/dev/null
own=$(ctl slack add/message '{"channel":"C1","text":"<@U0BOT> Question: loop3","user":"U0BOT"}' | jq -r .ts)
check "the sources look again" requests_more github 40
check "our own words and another bot's start nothing" equal "$(jobs_now length)" "$before"
check "in Slack neither" equal "$(slack_said C1 "$own")" ""

# GitHub's clock was an hour behind ours so far; now it is an hour ahead.
ctl github set '{"skew":3600}' >/dev/null
question ahead >/dev/null
check "a clock that is ahead: the comment is answered" until_true once ahead

# A pull request that was closed after the comment was taken.
ctl github edit "{\"repo\":\"acme/shop\",\"what\":\"pull\",\"number\":$pull,\"state\":\"closed\"}" >/dev/null
question closed >/dev/null
check "the sources look again" requests_more github 30
check "a closed pull request is left alone, or answered once" [ "$(answers closed)" -le 1 ]
check "and no job is stuck on it" until_true idle

# A renamed repository.
ctl github add/rename '{"old":"acme/shop","new":"acme/store"}' >/dev/null
second=$(ctl github add/pull '{"repo":"acme/store","head":"drover/first","title":"Again"}' | jq -r .number)
ctl github add/comment "{\"repo\":\"acme/store\",\"number\":$second,\"body\":\"Question: renamed\",\"user\":\"dev\"}" >/dev/null
renamed() { [ "$(ask github state '[.["acme/store"].comments[] | select(.body | test("answer renamed"))] | length')" = 1 ]; }
check "a renamed repository is followed" until_true renamed

# Jira: deep documents, a ticket that vanishes, 401 and 404, and a status that nobody has heard of.
status_is() { [ "$(ask jira state ".[\"$1\"].status")" = "$2" ]; }
deep=$(python3 -c 'import json
node = {"type": "paragraph", "content": [{"type": "text", "text": "bottom"}]}
for _ in range(400): node = {"type": "blockquote", "content": [node]}
print(json.dumps({"project": "SHOP", "summary": "Deep", "description": {"type": "doc", "version": 1, "content": [node, {"type": "unheard", "content": [{"type": "text", "text": "of"}]}]}}))')
ctl jira add/issue "$deep" | jq -r .key >"$work/deep"
fine=$(ctl jira add/issue '{"project":"SHOP","summary":"Fine","description":"File: d0/f1.txt\nWord: fine1"}' | jq -r .key)
check "a deep document stops no other ticket" until_true status_is "$fine" "In Review"
settled() { [ "$(jobs_now "[.[] | select(.key | contains(\"$1\")) | select(.state == \"queued\" or .state == \"running\")] | length")" = 0 ]; }
check "and is dealt with itself" until_true settled "$(cat "$work/deep")"
fault jira '{"path":"/search/jql$","kind":"html","status":200,"count":2}'
late=$(ctl jira add/issue '{"project":"SHOP","summary":"Late","description":"File: d0/f2.txt\nWord: late1"}' | jq -r .key)
check "a login page for an answer loses no ticket" until_true status_is "$late" "In Review"
calm jira
ctl jira hold '{"nth":1}' >/dev/null
ctl jira release '{}' >/dev/null
vanishing=$(ctl jira add/issue '{"project":"SHOP","summary":"Gone soon","description":"File: d0/f3.txt\nWord: gone1"}' | jq -r .key)
begun() { [ "$(jobs_now "[.[] | select(.key | contains(\"$vanishing\"))] | length")" = 1 ]; }
until_true begun
ctl jira delete "{\"issue\":\"$vanishing\"}" >/dev/null
check "a ticket that vanishes leaves no job behind" until_true settled "$vanishing"

# Slack: ok:false, and a limit.
fault slack '{"path":"chat.postMessage","kind":"status","status":429,"count":1,"headers":{"Retry-After":"1"},"body":{"ok":false,"error":"ratelimited"}}'
thread=$(ctl slack add/message '{"channel":"C1","text":"<@U0BOT> Question: s1"}' | jq -r .ts)
said() { [ "$(slack_said C1 "$1" | grep -c "answer $2")" = 1 ]; }
check "a limit of Slack is waited for" until_true said "$thread" s1
fault slack '{"path":"conversations.history","kind":"status","status":200,"count":2,"body":{"ok":false,"error":"internal_error"}}'
thread=$(ctl slack add/message '{"channel":"C1","text":"<@U0BOT> Question: s2"}' | jq -r .ts)
check "ok:false loses no mention" until_true said "$thread" s2
calm slack
fault slack '{"path":"chat.postMessage","kind":"drop","count":1}'
thread=$(ctl slack add/message '{"channel":"C1","text":"<@U0BOT> Question: s3"}' | jq -r .ts)
check "a message whose answer is lost is not posted again" until_true said "$thread" s3
calm slack

# A credential that is refused: said once, by name, and the others go on.
fault jira '{"path":".","kind":"status","status":401,"count":100000,"body":"Client must be authenticated to access this resource."}'
check "a refused credential is said" until_true says_so jira.ticket '401|refused|credential|token'
ctl github add/comment "{\"repo\":\"acme/store\",\"number\":$second,\"body\":\"Question: others\",\"user\":\"dev\"}" >/dev/null
others() { [ "$(ask github state '[.["acme/store"].comments[] | select(.body | test("answer others"))] | length')" = 1 ]; }
check "and stops no other source" until_true others
calm jira

# A tracker that is down.
fault jira '{"path":".","kind":"refuse","count":100000}'
until_true logged 'in a row'
mark=$(ask jira counts .total)
thread=$(ctl slack add/message '{"channel":"C1","text":"<@U0BOT> Question: s4"}' | jq -r .ts)
check "a tracker that is down delays no other source" until_true said "$thread" s4
began=$(date +%s)
ctl jira "wait/requests?after=$((mark + 3))&timeout=45" >/dev/null 2>&1
took=$(($(date +%s) - began))
asked=$(($(ask jira counts .total) - mark))
check "and costs about one request in 30 s" [ "$asked" -le $((took / 30 + 1)) ] || say "   $asked in $took s"
calm jira
check "no process was ended by a sanitizer" equal "$(grep -cE 'ERROR: AddressSanitizer|runtime error' "$work/droverd.out")" 0
daemon_stop
finish
