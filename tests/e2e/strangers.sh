#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GitHub's three sources and people who may not: each is on record, none gets a job or a word, and a team member does.
. "$SRC/tests/e2e/lib.sh"
need jq curl git python3
export PYTHONDONTWRITEBYTECODE=1
not() { ! "$@"; }

make_repo "$work/shop" 3
python3 "$SRC/tests/fakes/github.py" --git-root "$work" >"$work/github.port" 2>"$work/github.err" &
until_true test -s "$work/github.port"
github=http://127.0.0.1:$(head -n 1 "$work/github.port" | tr -dc 0-9)
control() { curl -sS -X POST -H 'Content-Type: application/json' -d "${2:-{\}}" "$github/_control/$1"; }
comment() { control add/comment "{\"repo\":\"acme/shop\",\"number\":$1,\"user\":\"$2\",\"body\":\"$3\"}" >/dev/null; }
refused() { drover source refused "github.$1" --limit 1000 --json | jq -r '[.refusals[] | .author] | unique | join(" ")'; }
refused_are() { [ "$(refused "$1")" = "$2" ]; }
jobs_of() { drover list --json --limit 1000 --kind "github.$1" | jq -r '[.jobs[] | .author] | unique | join(" ")'; }
jobs_are() { [ "$(jobs_of "$1")" = "$2" ]; }

export GITHUB_TOKEN=ghp_faketoken
control reset >/dev/null
control add/repo '{"name":"acme/shop","git":"'"$work/shop.git"'","labels":["drover"],
  "associations":{"ana":"MEMBER","carl":"CONTRIBUTOR","eve":"NONE","member":"NONE","Owner":"CONTRIBUTOR","tess":"CONTRIBUTOR"},
  "permissions":{"ana":"write"}}' >/dev/null
control add/user '{"login":"helper[bot]","type":"Bot"}' >/dev/null
control add/team '{"org":"acme","slug":"devs","members":["tess"]}' >/dev/null
git -C "$work/shop" push -q origin HEAD:refs/heads/drover/one HEAD:refs/heads/other
pull=$(control add/pull '{"repo":"acme/shop","head":"drover/one","user":"drover-bot"}' | jq .number)
theirs=$(control add/pull '{"repo":"acme/shop","head":"other","user":"carl"}' | jq .number)
issue=$(control add/issue '{"repo":"acme/shop","title":"Something","user":"eve"}' | jq .number)
for who in eve carl member Owner 'helper[bot]' drover-bot tess; do
	comment "$pull" "$who" "please change this"
	comment "$theirs" "$who" "@drover-bot look at this"
	comment "$issue" "$who" "/drover fix this"
done
# An issue of somebody who may, with a label that a stranger has set.
labelled=$(control add/issue '{"repo":"acme/shop","title":"An idea","user":"ana"}' | jq .number)
control add/labeled '{"repo":"acme/shop","number":'"$labelled"',"label":"drover","user":"zed"}' >/dev/null
control state | jq -S '.["acme/shop"] | [.comments, .reactions]' >"$work/before"

# github AUTHORS
github() {
	config <<-CONF
		running = 2;
		agents = { idle = { command = ("true"); }; };
		repos = ( { name = "shop"; url = "$work/shop.git"; base = "main"; forge = "github"; } );
		plugins = ( { name = "github"; options = { api_url = "$github"; token_env = "GITHUB_TOKEN"; user = "drover-bot"; slugs = ("shop=acme/shop"); };
		  sources = { pr-comment = { interval = "1s"; $1 }; pr-mention = { interval = "1s"; $1 }; issue-command = { interval = "1s"; labels = ("drover"); $1 }; };
		  pipelines = { pr-comment = { agent = "idle"; }; pr-mention = { agent = "idle"; }; issue-command = { agent = "idle"; }; }; } );
	CONF
}
github ''
daemon_start || finish broken
all="carl eve helper[bot] login:Owner login:member tess"
for source in pr-comment pr-mention issue-command; do
	[ "$source" = issue-command ] && more=" zed" || more=
	check "$source: strangers are on record, also those who are called as an association" until_true refused_are "$source" "$all$more"
	check "$source: and have no job" equal "$(jobs_of "$source")" ""
done
control state | jq -S '.["acme/shop"] | [.comments, .reactions]' >"$work/after"
check "they see nothing" cmp -s "$work/before" "$work/after"
comment "$pull" ana "please change this"
comment "$theirs" ana "@drover-bot look at this"
comment "$issue" ana "/drover fix this"
for source in pr-comment pr-mention issue-command; do
	check "$source: a member has one" until_true jobs_are "$source" ana
done

github 'authors = ("@acme/devs", "contributor");'
check "another list is taken" drover reload
comment "$pull" tess "now?"
comment "$pull" carl "now?"
comment "$pull" ana "now?"
comment "$pull" eve "now?"
check "a team's member, and a contributor by association" until_true jobs_are pr-comment "ana carl tess"
check "the others are on record" until_true refused_are pr-comment "ana $all"
daemon_stop
finish
