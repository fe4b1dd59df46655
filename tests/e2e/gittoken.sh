#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Git with a GitHub App: repos that ask the plugin github for their token, against a remote that lets in who shows a token
# which the fake of GitHub holds good. Tokens are refused and renewed in the middle of a job, and lie in no file.
. "$SRC/tests/e2e/lib.sh"
need git jq curl lighttpd python3 openssl
[ -x /usr/lib/git-core/git-http-backend ] || skip "skipped: git-http-backend is not installed"
export PYTHONDONTWRITEBYTECODE=1
mkdir -p "$work/srv/acme" "$work/log" "$work/bin" "$work/spy" "$work/prompts"

python3 "$SRC/tests/fakes/github.py" --git-root "$work/srv" >"$work/github.port" 2>"$work/github.err" &
until_true test -s "$work/github.port"
github=http://127.0.0.1:$(head -n 1 "$work/github.port" | tr -dc 0-9)
control() { curl -sS -X POST -H 'Content-Type: application/json' -d "${2:-{\}}" "$github/_control/$1"; }
made() { curl -sS "$github/_control/requests" | jq '[.[] | select(.path | test("/access_tokens$"))] | length'; }

cat >"$work/bin/backend" <<END
#!/bin/sh
# What was shown goes to spy/, where the test looks it up.
shown=\$(printf %s "\${HTTP_AUTHORIZATION#Basic }" | base64 -d 2>/dev/null)
status=401
case \$shown in
x-access-token:*) status=\$(printf 'Authorization: Bearer %s' "\${shown#*:}" | /usr/bin/curl -s -o /dev/null -w '%{http_code}' -H @- "$github/rate_limit") ;;
esac
printf '%s %s\n' "\$status" "\${shown#*:}" >>"$work/spy/shown"
[ "\$status" = 200 ] && exec /usr/lib/git-core/git-http-backend
printf 'Status: 401 Unauthorized\r\nWWW-Authenticate: Basic realm="git"\r\nContent-Type: text/plain\r\n\r\nno\n'
END
# Each git that drover runs leaves its words and variables.
cat >"$work/bin/git" <<END
#!/bin/sh
{ printf '%s\n' "\$@"; env; } >>"$work/log/git"
exec $(command -v git) "\$@"
END
cat >"$work/agent" <<END
#!/bin/sh
cat >/dev/null
[ ! -e "$work/revoke" ] || curl -sS -X POST -d '{"tokens":{}}' "$github/_control/set" >/dev/null
{ env; tr '\0' '\n' </proc/\$PPID/cmdline; tr '\0' '\n' </proc/\$PPID/environ; } >>"$work/log/agent"
ls >"seen-\$(ls | grep -c seen)"
echo done
END
chmod 755 "$work/bin/backend" "$work/bin/git" "$work/agent"
cat >"$work/lighttpd.conf" <<CONF
server.document-root = "$work/srv"
server.errorlog = "$work/log/error.log"
server.modules = ( "mod_setenv", "mod_alias", "mod_cgi" )
server.stream-request-body = 0
alias.url += ( "/git" => "$work/bin/backend" )
cgi.assign = ( "" => "" )
setenv.add-environment = ( "GIT_PROJECT_ROOT" => "$work/srv", "GIT_HTTP_EXPORT_ALL" => "1" )
CONF
check "lighttpd listens" lighttpd_start "$work/lighttpd.conf" || finish broken

openssl genrsa -out "$work/app.pem" 2048 2>/dev/null
openssl rsa -in "$work/app.pem" -pubout -out "$work/app.pub" 2>/dev/null
chmod 600 "$work/app.pem"
control add/app "{\"id\":77,\"slug\":\"drover\",\"public_key_file\":\"$work/app.pub\"}" >/dev/null
for how in libgit2 git; do
	make_repo "$work/$how" 3
	mv "$work/$how.git" "$work/srv/acme/$how.git"
	git -C "$work/$how" remote set-url origin "$work/srv/acme/$how.git"
	git -C "$work/srv/acme/$how.git" config http.receivepack true
	git -C "$work/$how" push -q origin main:refs/heads/feature
	control add/repo "{\"name\":\"acme/$how\"}" >/dev/null
done
control add/installation '{"app":77,"account":"acme","repos":["acme/libgit2","acme/git"]}' >/dev/null

printf '{{task}}\n' >"$work/prompts/brief.md"
conf() {
	config <<-CONF
		running = 2;
		prompts = "$work/prompts";
		agents = { script = { command = ("$work/agent"); }; };
		repos = ( { name = "libgit2"; url = "http://127.0.0.1:$port/git/acme/libgit2.git"; base = "main"; token_from = "$1"; },
		          { name = "git"; url = "http://127.0.0.1:$port/git/acme/git.git"; base = "main"; token_from = "$1"; transport = "git"; } );
		plugins = ( { name = "scribe"; pipelines = { onto = { agent = "script"; }; }; },
		            { name = "github"; options = { api_url = "$github"; app_id = "77"; private_key_file = "$work/app.pem"; };
		              sources = { pr-comment = { enabled = false; }; pr-mention = { enabled = false; }; issue-command = { enabled = false; }; }; } );
	CONF
}
tells() { "$BUILD/drover" -c "$work/drover.conf" config check 2>&1 | grep -q "$1"; }
run() { drover submit scribe.onto --key "$1" -p feature -r "$2" -t "$1" --wait >/dev/null 2>&1; }
log_of() { git -C "$work/srv/acme/$1.git" log --format=%s main..feature; }
refused() { grep -c '^401 ghs_' "$work/spy/shown"; }

conf scribe
check "a plugin that hands out no tokens is found by config check" tells "repos.git: token_from: plugin scribe has no operation git-token"
conf github
check "one that does is well" tells "is good"
PATH=$work/bin:$PATH daemon_start || finish broken
probed() { drover plugin list --json | jq -e '[.. | objects | select(.name? == "github" and .probe?)] | length == 1' >/dev/null; }
check "the plugin has told how it is" until_true probed

check "drover secret check asks the plugin" equal "$(drover secret check --json | jq -r '[.. | objects | select(.repo?)] | map("\(.repo) \(.ok) \(.text)") | sort | join(", ")')" \
	"git true plugin github hands it out, libgit2 true plugin github hands it out"
drover call github.git-token '{"repo":"git"}' >"$work/log/call" 2>&1
check "an operator is refused" grep -q "only drover itself may ask for a credential by the operation" "$work/log/call"
gathered() { drover submit scribe.gather --key all -p "libgit2 git" --wait >/dev/null 2>&1; }
check "side by side" gathered
check "another plugin is refused" equal "$(drover show --json scribe.gather/all | jq -r .result.refusal)" \
	"only drover itself may ask for a credential by the operation github.git-token"
for how in libgit2 git; do
	rm -f "$work/revoke"
	control set '{"token_ttl":3600}' >/dev/null
	before=$(made)
	check "$how: a change is pushed" run "one-$how" "$how"
	check "$how: and is there" equal "$(log_of "$how")" "one-$how"
	check "$how: with one token for all of it" equal "$(made)" $((before + 1))
	check "$how: which was not refused" equal "$(refused)" "${many:-0}"

	touch "$work/revoke"
	check "$how: the token is refused in the middle" run "two-$how" "$how"
	check "$how: another one does" equal "$(log_of "$how")" "$(printf 'two-%s\none-%s' "$how" "$how")"
	check "$how: after one attempt" equal "$(drover show --json "scribe.onto/two-$how" | jq ".attempts | length")" 1
	check "$how: which was told" grep -q "the token of repo $how was refused: plugin github is asked for another" "$work/drover.log"
	many=$(refused)
	check "$how: and was so" [ "$many" -gt 0 ]

	rm -f "$work/revoke"
	control set '{"token_ttl":240}' >/dev/null
	before=$(made)
	check "$how: a token is about to expire" run "three-$how" "$how"
	check "$how: the push has another" [ "$(made)" -ge $((before + 2)) ]
	check "$how: nothing was refused" equal "$(refused)" "$many"
done
daemon_stop

cut -d ' ' -f 2 "$work/spy/shown" | grep ghs_ | sort -u >"$work/spy/tokens"
while read -r token; do
	printf '%s' "x-access-token:$token" | base64 -w0
	echo
done <"$work/spy/tokens" >"$work/spy/basic"
check "many tokens were used" [ "$(grep -c . "$work/spy/tokens")" -ge 6 ]
check "what git and the agents were run with was looked at" [ -s "$work/log/git" -a -s "$work/log/agent" ]
check "the tokens are in no file: state, logs, outputs, worktrees, argv, environment" \
	equal "$(grep -rlaF -f "$work/spy/tokens" -f "$work/spy/basic" "$work" 2>/dev/null | grep -v "^$work/spy/\|^$work/github\." || :)" ""
finish
