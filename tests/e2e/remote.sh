#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job: ten tickets in a folder, three slots, a repository of 5,000 files on a remote with token auth, a kill -9
# of the daemon in the middle; ten branches, each with exactly its own change, and the token nowhere it could be read.
. "$SRC/tests/e2e/lib.sh"
need git jq curl lighttpd sqlite3
PATH=$PATH:/usr/sbin
[ -x /usr/lib/git-core/git-http-backend ] || skip "skipped: git-http-backend is not installed"

token=tok3n-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
mkdir -p "$work/srv" "$work/log"
printf 'x-access-token:%s\n' "$token" >"$work/users.plain"
printf '%s\n' "$token" >"$work/token"
chmod 600 "$work/token" "$work/users.plain"

make_repo "$work/seed" 5000
mv "$work/seed.git" "$work/srv/shop.git"
git -C "$work/srv/shop.git" config http.receivepack true

cat >"$work/lighttpd.conf" <<CONF
server.document-root = "$work/srv"
server.errorlog = "$work/log/error.log"
server.modules = ( "mod_setenv", "mod_alias", "mod_auth", "mod_authn_file", "mod_cgi", "mod_accesslog" )
accesslog.filename = "$work/log/access.log"
server.stream-request-body = 0
alias.url += ( "/git" => "/usr/lib/git-core/git-http-backend" )
cgi.assign = ( "" => "" )
setenv.add-environment = ( "GIT_PROJECT_ROOT" => "$work/srv", "GIT_HTTP_EXPORT_ALL" => "1" )
auth.backend = "plain"
auth.backend.plain.userfile = "$work/users.plain"
auth.require = ( "/git" => ( "method" => "basic", "realm" => "git", "require" => "valid-user" ) )
CONF
lighttpd_start "$work/lighttpd.conf" || { not_ok "lighttpd listens"; finish; }

cat >"$work/agent" <<'AGENT'
#!/bin/sh
# Does what the ticket asks: puts the ticket's word into the ticket's file. After the first three
# tickets it waits for a file "go".
task=$(cat)
file=$(printf '%s\n' "$task" | sed -n 's/^File: *\([a-z0-9/.]*\)$/\1/p' | head -n 1)
word=$(printf '%s\n' "$task" | sed -n 's/^Word: *\([a-z0-9]*\)$/\1/p' | head -n 1)
env >"$AGENT_ENV/$word.env"
tr '\0' '\n' </proc/self/cmdline >>"$AGENT_ENV/$word.env"
case $word in
word[123]) ;;
*) while [ ! -e "$AGENT_ENV/go" ]; do sleep 0.1; done ;;
esac
printf '%s\n' "$word" >>"$file"
echo "Done: $word"
AGENT
chmod +x "$work/agent"
mkdir "$work/env" "$work/tickets"

config <<CONF
running = 3;
pools = { light = { slots = 3; }; };
agents = { scripted = { command = ("$work/agent"); prompt = "stdin"; output = "plain"; env = ("AGENT_ENV=$work/env"); }; };
repos = ( { name = "shop"; url = "http://127.0.0.1:$port/git/shop.git"; base = "main"; token_file = "$work/token";
            check = ( ("git", "status", "--short") ); } );
plugins = ( { name = "inbox";
              sources = { folder = { interval = "1s"; path = "$work/tickets"; repo = "shop"; agent = "scripted"; }; };
              pipelines = { ticket = { pool = "light"; timeout = "1h"; }; }; } );
CONF
daemon_start || finish broken

n=1
while [ "$n" -le 10 ]; do
	printf '# Put word%s where it belongs\n\nFile: d%s/f%s.txt\nWord: word%s\n' "$n" "$n" "$((n * 100 + n))" "$n" >"$work/ticket.tmp"
	mv "$work/ticket.tmp" "$work/tickets/ticket$n.md"
	n=$((n + 1))
done

# In the middle: something runs, something is done, something waits.
half() { [ "$(git -C "$work/srv/shop.git" for-each-ref refs/heads/drover | wc -l)" -ge 2 ] && [ "$(count running)" -ge 1 ]; }
check "work is under way" until_true half
for p in $(pgrep -f "$work/drover.conf") $(pgrep -f "droverd -x runner"); do
	{ tr '\0' '\n' <"/proc/$p/environ"; } 2>/dev/null
	{ tr '\0' '\n' <"/proc/$p/cmdline"; } 2>/dev/null
done >"$work/env/processes"
daemon_kill
touch "$work/env/go"
daemon_start || finish broken
check "all ten succeed" until_true count_is succeeded 10

refs=$(git -C "$work/srv/shop.git" for-each-ref --format='%(refname)' refs/heads/drover)
check "ten branches on the remote" equal "$(printf '%s\n' "$refs" | grep -c .)" 10
exact=0
for ref in $refs; do
	commits=$(git -C "$work/srv/shop.git" rev-list --count "main..$ref")
	word=$(git -C "$work/srv/shop.git" log -1 --format=%s "$ref" | grep -o 'word[0-9]*')
	i=${word#word}
	changed=$(git -C "$work/srv/shop.git" diff --name-only "main...$ref")
	added=$(git -C "$work/srv/shop.git" diff "main...$ref" | sed -n 's/^+\([^+].*\)$/\1/p')
	[ "$commits" = 1 ] && [ "$changed" = "d$i/f$((i * 100 + i)).txt" ] && [ "$added" = "$word" ] && exact=$((exact + 1))
done
check "each with exactly its own change, in one commit" equal "$exact" 10
moved() { [ "$(find "$work/tickets/done" -name 'ticket*.md' ! -name '*.report.md' | wc -l)" = 10 ]; }
check "ten tickets in done/" until_true moved
check "ten reports beside them" equal "$(find "$work/tickets/done" -name '*report.md' | wc -l)" 10
check "no dead job" equal "$(count dead)" 0
daemon_stop
check "database is whole" equal "$(sqlite3 "$work/state/drover.db" 'pragma integrity_check')" ok

rm -f "$work/token" "$work/users.plain"
# The token itself and what basic auth makes of it.
basic=$(printf 'x-access-token:%s' "$token" | base64 -w0)
check "the token is in no file: config, database, log, output, worktree, environment, argv" \
	equal "$(grep -rlaF -e "$token" -e "$basic" "$work" 2>/dev/null)" ""
check "the agents' environments were looked at" equal "$(find "$work/env" -name '*.env' | wc -l)" 10
finish
