#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # variables are named after vendors and set by eval
# kill -9 of everything at every write to the outside: the fake applies the k-th write of a piece of work and does not
# answer; daemon, runners, workers and jobs are killed; a new daemon brings the work to its end, and what stands at the
# vendors' is what stands there when nothing was killed: nothing twice, nothing missing. One world for each plugin, side by side.
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/contract/lib.sh"
. "$SRC/tests/e2e/bed.sh"
need git jq curl lighttpd python3
top=$work

# Everything of this world's daemon, whoever its parent is now.
kill_world() {
	for p in /proc/[0-9]*; do
		{ [ "$(readlink "$p/exe" 2>/dev/null)" = "$BUILD/droverd" ] || tr '\0' '\n' <"$p/environ" | grep -q '^DROVER_JOB='; } 2>/dev/null &&
			{ tr '\0' '\n' <"$p/environ" | grep -qF "$work/"; } 2>/dev/null && kill -KILL "${p#/proc/}" 2>/dev/null
	done
	wait "$daemon" 2>/dev/null
}

world_end() {
	kill_world
	end_children
}

# Jobs that are not the operator's to look at have ended well.
all_well() { [ "$(jobs_now "length >= $(($1 * pieces)) and all(.[]; .state == \"succeeded\")")" = true ]; }

# Piece N is what it is without a kill, and nothing is under way that could change it.
done_well() { [ "$("${plugin}_seen" "$1" 2>/dev/null)" = "$normal" ] && idle; }

held_or_done() { [ "$(ask "$at_vendor" held '.held != null')" = true ] || done_well "$1"; }

failed_at() {
	not_ok "$plugin: $1"
	"${plugin}_seen" "$n"
	jobs_now '.[] | select(.state != "succeeded") | "   \(.id) \(.kind) \(.key) \(.state): \(.error)"'
}

# world NAME JOBS VENDOR...: for each vendor, the k-th write of the world's work is held and killed, until the work has less than k.
# NAME_ask N asks for piece N of work, which is so many jobs; NAME_seen N says what came of it.
world() {
	plugin=$1
	pieces=$2
	shift 2
	work=$top/$plugin
	mkdir -p "$work/home"
	export HOME="$work/home"
	daemon=0
	trap world_end EXIT
	trap 'exit 1' TERM INT
	for vendor in github jira slack; do
		fake_start $vendor || { not_ok "$plugin: the fake of $vendor starts"; return; }
	done
	bed_remote shop site
	bed_agent
	bed_world
	github_more='repos = ("shop");' slack_options='repo = "shop";' poll=2s poll_github=1s
	bed_config </dev/null
	daemon_start || { not_ok "$plugin: a daemon starts"; return; }
	n=1
	"${plugin}_ask" 1
	until_true all_well "$n" || { failed_at "the work is done when nothing is killed"; return; }
	normal=$("${plugin}_seen" 1)
	say "$plugin: $normal"
	for at_vendor in "$@"; do
		k=1
		while [ "$k" -le 40 ]; do
			n=$((n + 1))
			ctl "$at_vendor" release '{}' >/dev/null
			before=$(ask "$at_vendor" counts .all_writes)
			ctl "$at_vendor" hold "{\"nth\":$((before + k))}" >/dev/null
			"${plugin}_ask" "$n"
			until_true held_or_done "$n" || { failed_at "$at_vendor write $k is reached"; return; }
			what=$(ask "$at_vendor" held 'if .held then .held.method + " " + .held.path else "" end')
			[ -n "$what" ] || break
			kill_world
			ctl "$at_vendor" release '{"drop":true}' >/dev/null
			daemon_start || { not_ok "$plugin: a daemon starts after a kill at $what"; return; }
			if until_true done_well "$n"; then ok "$plugin: killed at $at_vendor write $k ($what)"; else failed_at "killed at $at_vendor write $k ($what)"; fi
			k=$((k + 1))
		done
		check "$plugin: each of the $((k - 1)) writes to $at_vendor" [ "$k" -gt 1 ]
	done
	daemon_stop
}

# A ticket about two repos: subtasks, branches, pull requests, links, labels, comments, moves.
jira_ask() {
	ctl jira add/issue "{\"project\":\"SHOP\",\"summary\":\"Word w$1\",\"description\":\"Repos: shop+site\\nFile: d0/w$1.txt\\nWord: w$1\"}" | jq -r .key >"$work/ticket.$1"
}

jira_seen() {
	key=$(cat "$work/ticket.$1")
	ask jira state '.["'"$key"'"] as $t | [to_entries[] | select(.value.parent == "'"$key"'")] as $parts |
		"moves \($t.moves | join(">")); comments \([$t.comments[].author] | length); links \($t.links | length); parts \($parts | length), comments \([$parts[].value.comments[]] | length), links \([$parts[].value.links[]] | length), \([$parts[].value.status] | unique | join(","))"'
	ask github state '[.[] | .pulls[] as $p | select($p.head | test("'"w$1"'(-|$)")) | [.issues[] | select(.number == $p.number) | .labels[]] | join(",")] | "pulls \(length) labels \(join(" "))"'
	for r in shop site; do
		git -C "$work/srv/$r.git" for-each-ref --format='%(refname)' refs/heads/drover | grep -E "w$1(-|\$)" | while read -r ref; do
			echo "$r: $(git -C "$work/srv/$r.git" rev-list --count "main..$ref") commit"
		done
	done
}

# A question and a change asked for on a pull request, one of them on the diff; a command in an issue.
github_ask() {
	[ -s "$work/pull" ] || bed_pull shop drover/first d0/first.txt first >"$work/pull"
	pull=$(cat "$work/pull")
	ctl github add/comment "{\"repo\":\"acme/shop\",\"number\":$pull,\"body\":\"Question: q$1\",\"user\":\"dev\"}" >/dev/null
	ctl github add/review_comment "{\"repo\":\"acme/shop\",\"number\":$pull,\"path\":\"d0/first.txt\",\"line\":1,\"body\":\"File: d0/c$1.txt\\nWord: c$1\",\"user\":\"dev\"}" >/dev/null
	ctl github add/issue "{\"repo\":\"acme/shop\",\"title\":\"Put i$1\",\"body\":\"/drover\\n\\nFile: d0/i$1.txt\\nWord: i$1\",\"user\":\"dev\"}" | jq -r .number >"$work/issue.$1"
}

github_seen() {
	issue=$(cat "$work/issue.$1")
	ask github state '.["acme/shop"] as $r | (($r.comments + $r.review_comments) | map(select(.user == "drover-bot"))) as $said |
		"answers \([$said[] | select(.body | test("answer q'"$1"'\\b"))] | length), changes \([$said[] | select(.body | test("put c'"$1"' "))] | length), on the issue \([$said[] | select(.number == '"$issue"')] | length), pulls \([$r.issues[] | select(.pull and ((.body // "") | test("#'"$issue"'\\b")))] | length)"'
	echo "commits $(git -C "$work/srv/shop.git" log --format=%H drover/first -- "d0/c$1.txt" | wc -l)"
}

# A mention: reactions, a status that becomes the answer.
slack_ask() { ctl slack add/message "{\"channel\":\"C1\",\"text\":\"<@U0BOT> Question: s$1\"}" | jq -r .ts >"$work/thread.$1"; }

slack_seen() {
	ts=$(cat "$work/thread.$1")
	ask slack state '.C1 | [.[] | select(.user == "U0BOT" and .thread_ts == "'"$ts"'")] as $said | (.[] | select(.ts == "'"$ts"'")) as $asked |
		"messages \($said | length), answers \([$said[] | select(.text | contains("answer s'"$1"'"))] | length), reactions \($asked.reactions | keys | join(","))"'
}

# A test that is ended from outside says how far it was.
trap 'cat "$top"/*.out; finish interrupted' INT TERM
for plugin in jira github slack; do
	case $plugin in
	jira) vendors="1 jira github" ;;
	github) vendors="3 github" ;;
	slack) vendors="1 slack" ;;
	esac
	# shellcheck disable=SC2086
	(world $plugin $vendors) >"$top/$plugin.out" 2>&1 &
	eval "${plugin}_world=$!"
done
for plugin in jira github slack; do
	eval "wait \$${plugin}_world"
	cat "$top/$plugin.out"
	good=$(grep -c '^ok - ' "$top/$plugin.out")
	bad=$(grep -c '^not ok - ' "$top/$plugin.out")
	passed=$((passed + good))
	failed=$((failed + bad))
	[ "$bad" = 0 ] || tail -n 30 "$top/$plugin/drover.log" "$top/$plugin/droverd.out"
	check "$plugin: a kill at each of its writes" [ "$good" -ge 4 ]
done
finish
