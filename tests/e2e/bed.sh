# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # variables are named after vendors and set by eval
# Sourced after lib.sh and tests/contract/lib.sh by the tests of the vendors' plugins. It provides fakes
# of GitHub, Jira and Slack, a git remote that wants a token, an agent that does what it is told, and a
# configuration of the daemon for all of them.
bot_github=drover-bot

# bed_remote NAME...: makes bare repositories $git_url/NAME.git behind lighttpd, which wants a token.
bed_remote() {
	token=tok3n-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
	mkdir -p "$work/srv" "$work/log"
	printf 'x-access-token:%s\n' "$token" >"$work/users.plain"
	printf '%s\n' "$token" >"$work/token"
	chmod 600 "$work/token" "$work/users.plain"
	for name in "$@"; do
		make_repo "$work/seed-$name" 120
		mv "$work/seed-$name.git" "$work/srv/$name.git"
		git -C "$work/srv/$name.git" config http.receivepack true
	done
	cat >"$work/lighttpd.conf" <<-CONF
		server.document-root = "$work/srv"
		server.errorlog = "$work/log/error.log"
		server.modules = ( "mod_setenv", "mod_alias", "mod_auth", "mod_authn_file", "mod_cgi" )
		server.stream-request-body = 0
		alias.url += ( "/git" => "/usr/lib/git-core/git-http-backend" )
		cgi.assign = ( "" => "" )
		setenv.add-environment = ( "GIT_PROJECT_ROOT" => "$work/srv", "GIT_HTTP_EXPORT_ALL" => "1" )
		auth.backend = "plain"
		auth.backend.plain.userfile = "$work/users.plain"
		auth.require = ( "/git" => ( "method" => "basic", "realm" => "git", "require" => "valid-user" ) )
	CONF
	lighttpd_start "$work/lighttpd.conf" || { not_ok "lighttpd listens"; finish; }
	git_url=http://127.0.0.1:$port/git
}

# The agent reads only the fenced request, issue or ticket of its prompt. The lines "File: NAME" and
# "Word: WORD" there make it append WORD to NAME, and "Question: WORD" makes it answer "answer WORD".
# UNCLEAR makes a triage ask back. Its prompts are kept in $work/agent.d.
bed_agent() {
	mkdir -p "$work/agent.d"
	cat >"$work/agent" <<-'AGENT'
		#!/bin/sh
		prompt=$(cat)
		printf '%s\n' "$prompt" >"$AGENT_LOG/$(date +%s%N).$$"
		block() { printf '%s\n' "$prompt" | awk -v name="$1" '$0 ~ "^<<<" name " " { end = $2 ">>>"; on = 1; next } on && $0 == end { on = 0 } on'; }
		asked="$(block issue; block request)"
		[ -n "$asked" ] || asked=$(block description)
		line() { printf '%s\n' "$asked" | sed -n "s/.*$1: *\([A-Za-z0-9_./+-]*\).*/\1/p"; }
		case $prompt in
		*'"verdict": "PROCEED"'*)
			case $prompt in
			*UNCLEAR*) echo '{"verdict": "NEEDS_INFO", "repos": [], "questions": ["Which colour?"], "reason": "No colour is given."}' ;;
			*)
				repos=$(line Repos | head -n 1 | sed 's/[+]/ /g')
				list=
				for repo in ${repos:-shop}; do list="$list${list:+, }\"$repo\""; done
				echo "{\"verdict\": \"PROCEED\", \"repos\": [$list], \"questions\": [], \"reason\": \"It is clear.\"}"
				;;
			esac
			exit 0
			;;
		*'You judge whether the Jira ticket'*)
			printf 'REPLY_START\n**Ready**: yes\nREPLY_END\n'
			exit 0
			;;
		esac
		reply='There was nothing to do.'
		word=$(line Question | tail -n 1)
		[ -z "$word" ] || reply="answer $word"
		for word in $(line Word); do
			file=$(printf '%s\n' "$asked" | grep -B3 "Word: *$word" | sed -n 's/.*File: *\([A-Za-z0-9_./-]*\).*/\1/p' | tail -n 1)
			[ -n "$file" ] && ! grep -qx "$word" "$file" 2>/dev/null || continue
			mkdir -p "$(dirname "$file")"
			printf '%s\n' "$word" >>"$file"
			reply="put $word into $file"
		done
		printf 'REPLY_START\n%s\nREPLY_END\n' "$reply"
	AGENT
	chmod +x "$work/agent"
}

# bed_config [SLACK OPTIONS]: configures one daemon with all three plugins; a test adds lines through
# stdin. $jira_repos, $github_more, $jira_more and $slack_more are options of the sources, and $poll,
# $poll_github and $poll_slack their intervals.
bed_config() {
	printf 'ghp_faketoken\n' >"$work/github.token"
	printf 'jira-token\n' >"$work/jira.token"
	printf 'xoxb-fake\n' >"$work/slack.token"
	printf 'xapp-fake\n' >"$work/slack.app"
	chmod 600 "$work"/*.token "$work/slack.app"
	{
		cat <<-CONF
			running = 4;
			pools = { light = { slots = 3; }; heavy = { slots = 2; }; };
			agents = { scripted = { command = ("$work/agent"); prompt = "stdin"; output = "plain"; env = ("AGENT_LOG=$work/agent.d"); }; };
			repos = ( { name = "shop"; url = "$git_url/shop.git"; base = "main"; forge = "github"; token_file = "$work/token"; },
			          { name = "site"; url = "$git_url/site.git"; base = "main"; forge = "github"; token_file = "$work/token"; } );
			plugins = (
			  { name = "github";
			    options = { api_url = "$github_url"; token_file = "$work/github.token"; slugs = ("shop=acme/shop", "site=acme/site"); ${github_options:-} };
			    sources = { pr-comment = { interval = "${poll_github:-3s}"; ${github_more:-} }; pr-mention = { interval = "${poll_github:-3s}"; ${github_more:-} };
			                issue-command = { interval = "${poll_github:-3s}"; ${github_more:-} }; };
			    pipelines = { pr-comment = { agent = "scripted"; pool = "light"; }; pr-mention = { agent = "scripted"; pool = "light"; };
			                  issue-command = { agent = "scripted"; pool = "light"; }; }; },
			  { name = "jira";
			    options = { base_url = "$jira_url"; email = "bot@example.com"; token_file = "$work/jira.token"; ${jira_options:-} };
			    sources = { ticket = { interval = "${poll:-2s}"; ${jira_more:-} }; ${jira_sources:-} };
			    pipelines = { fix = { agent = "scripted"; labels_default = ("drover", "nonesuch"); done_status = "In Review"; }; review = { agent = "scripted"; }; }; },
			  { name = "slack";
			    options = { api_url = "$slack_url/api"; bot_token_file = "$work/slack.token"; ${slack_options:-} };
			    sources = { mention = { interval = "${poll_slack:-${poll:-2s}}"; ${slack_more:-} }; };
			    pipelines = { mention = { agent = "scripted"; pool = "light"; }; }; } );
		CONF
		cat
	} | config
}

# bed_world: puts the people and things at the vendors' that exist before the test asks for anything.
bed_world() {
	ctl github add/team '{"org":"acme","slug":"devs","members":["dev"]}' >/dev/null
	for name in shop site; do
		ctl github add/repo "{\"name\":\"acme/$name\",\"labels\":[\"drover\",\"bug\"],\"permissions\":{\"dev\":\"write\"},\"git\":\"$work/srv/$name.git\"}" >/dev/null
	done
	ctl github add/user '{"login":"mallory"}' >/dev/null
	ctl jira add/project '{"key":"SHOP"}' >/dev/null
	ctl jira add/user '{"account":"ana","name":"Ana"}' >/dev/null
	ctl jira add/user '{"account":"cust","name":"Customer","type":"customer"}' >/dev/null
	ctl slack add/channel '{"id":"C1","name":"dev","members":["U0BOT","U0ANA","U0EVE"]}' >/dev/null
	ctl slack add/user '{"id":"U0ANA","name":"ana"}' >/dev/null
	ctl slack add/user '{"id":"U0EVE","name":"eve","team":"T0OTHER","guest":true}' >/dev/null
}

# bed_pull NAME BRANCH FILE WORD: makes a pull request of the bot's whose head exists; prints its
# number.
bed_pull() {
	git -C "$work/seed-$1" checkout -q -B "$2" main && mkdir -p "$(dirname "$work/seed-$1/$3")" && printf '%s\n' "$4" >>"$work/seed-$1/$3" &&
		git -C "$work/seed-$1" add -A && git -C "$work/seed-$1" commit -qm "$4" && git -C "$work/seed-$1" push -q "$work/srv/$1.git" "$2" &&
		git -C "$work/seed-$1" checkout -q main
	ctl github add/pull "{\"repo\":\"acme/$1\",\"head\":\"$2\",\"title\":\"$4\",\"user\":\"$bot_github\"}" | jq -r .number
}

# github_said REPO NUMBER: prints the bot's comments on a pull request or issue, one a line, without
# markers.
github_said() {
	ask github state ".[\"acme/$1\"].comments[] | select(.number == $2 and .user == \"$bot_github\") | .body | gsub(\"<!--[^>]*-->\"; \"\") | gsub(\"\\\\s+\"; \" \")"
}

# slack_said CHANNEL THREAD: prints the bot's messages in a thread.
slack_said() { ask slack state ".[\"$1\"][] | select(.user == \"U0BOT\" and .thread_ts == \"$2\") | .text | gsub(\"\\\\s+\"; \" \")"; }

# jobs FILTER: applies the jq FILTER to all jobs, newest first.
jobs_now() { drover list --json --limit 200 | jq -r ".jobs | $1"; }

idle() { [ "$(jobs_now '[.[] | select(.state == "queued" or .state == "running" or .state == "delayed")] | length')" = 0 ]; }

# limits_kept NAME: prints which published limits were exceeded, one a line.
over_limits() { ask "$1" limits '.violations[] | "\(.limit) \(.key): \(.text)"'; }
