#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Changes onto branches that are there, on a remote that speaks git's HTTP with token auth: by libgit2 and by git itself,
# against people who push at the same time and branches that go away.
. "$SRC/tests/e2e/lib.sh"
need git jq lighttpd
[ -x /usr/lib/git-core/git-http-backend ] || skip "skipped: git-http-backend is not installed"
mkdir -p "$work/srv" "$work/log" "$work/prompts"
printf 'x-access-token:s3cret-token\n' >"$work/users.plain"
printf 's3cret-token\n' >"$work/token"
chmod 600 "$work/token"
cat >"$work/lighttpd.conf" <<CONF
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
check "lighttpd listens" lighttpd_start "$work/lighttpd.conf" || finish broken

printf '{{task}}\n' >"$work/prompts/brief.md"
printf '#!/bin/sh\ncat >/dev/null\necho run >>"%s/runs"\nls >"seen-$(ls | grep -c seen)"\necho done\n' "$work" >"$work/agent"
chmod 755 "$work/agent"
for how in libgit2 git; do
	make_repo "$work/$how" 3
	mv "$work/$how.git" "$work/srv/$how.git"
	git -C "$work/$how" remote set-url origin "$work/srv/$how.git"
	git -C "$work/srv/$how.git" config http.receivepack true
	git -C "$work/$how" checkout -q -b feature && echo f >"$work/$how/f" && git -C "$work/$how" add f &&
		git -C "$work/$how" commit -qm theirs && git -C "$work/$how" push -q origin feature
done
config <<CONF
running = 2;
prompts = "$work/prompts";
agents = { script = { command = ("$work/agent"); }; };
repos = ( { name = "libgit2"; url = "http://127.0.0.1:$port/git/libgit2.git"; base = "main"; token_file = "$work/token"; },
          { name = "git"; url = "http://127.0.0.1:$port/git/git.git"; base = "main"; token_file = "$work/token"; transport = "git"; } );
plugins = ( { name = "scribe"; pipelines = { onto = { agent = "script"; }; }; } );
CONF
daemon_start || finish broken
run() { drover submit scribe.onto --key "$1" -p "$2" -r "$3" -t "$1" --wait >/dev/null 2>&1; }
not_run() { ! run "$@"; }
not_there() { ! git -C "$work/srv/$1.git" show-ref -q --verify refs/heads/feature; }
log_of() { git -C "$work/srv/$1.git" log --format=%s main..feature; }

for how in libgit2 git; do
	main=$(git -C "$work/srv/$how.git" rev-parse main)
	check "$how: onto the branch" run "one-$how" feature "$how"
	check "$how: one commit on top" equal "$(log_of "$how")" "$(printf 'one-%s\ntheirs' "$how")"

	# Somebody's push arrives under ours.
	git -C "$work/$how" fetch -q origin feature && git -C "$work/$how" checkout -q FETCH_HEAD && echo x >"$work/$how/x" &&
		git -C "$work/$how" add x && git -C "$work/$how" commit -qm later && git -C "$work/$how" push -q origin HEAD:refs/heads/later
	printf '#!/bin/sh\ntest -f moved || { touch moved; cp refs/heads/later refs/heads/feature; }\n' >"$work/srv/$how.git/hooks/pre-receive"
	chmod 755 "$work/srv/$how.git/hooks/pre-receive"
	: >"$work/runs"
	check "$how: a push that lost a race" run "two-$how" feature "$how"
	check "$how: is made anew on top of who won" equal "$(log_of "$how")" "$(printf 'two-%s\nlater\none-%s\ntheirs' "$how" "$how")"
	check "$how: by two runs of the agent" equal "$(grep -c . "$work/runs")" 2
	check "$how: the second saw what was pushed" sh -c 'git -C "$0" show feature:seen-1 | grep -qx x' "$work/srv/$how.git"

	# The branch goes under the push.
	printf '#!/bin/sh\nrm refs/heads/feature\n' >"$work/srv/$how.git/hooks/pre-receive"
	check "$how: a branch that went away" not_run "three-$how" feature "$how"
	check "$how: is said to be gone" sh -c 'printf %s "$0" | grep -q "branch feature of repo .* is gone"' "$(drover show --json "scribe.onto/three-$how" | jq -r .error)"
	check "$how: the job is dead" job_is "scribe.onto/three-$how" dead
	check "$how: and is not made anew" not_there "$how"
	check "$how: main is as it was" equal "$(git -C "$work/srv/$how.git" rev-parse main)" "$main"
	check "$how: not onto main" not_run "four-$how" main "$how"
done
check "the token is in no log" sh -c '! grep -rqs s3cret-token "$0/drover.log" "$0/state/jobs" "$0/state/mirrors"' "$work"
finish
