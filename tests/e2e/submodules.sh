#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Repos with submodules: by path, by file:// and over http, where the repo's own server alone may see its token.
. "$SRC/tests/e2e/lib.sh"
need git jq lighttpd
[ -x /usr/lib/git-core/git-http-backend ] || skip "skipped: git-http-backend is not installed"
mkdir -p "$work/srv" "$work/log" "$work/bin" "$work/spy" "$work/prompts"
printf 's3cret-token\n' >"$work/token"
chmod 600 "$work/token"
printf '{{task}}\n' >"$work/prompts/brief.md"
# Two names of one server: what is shown at the other one is written down.
cat >"$work/bin/backend" <<END
#!/bin/sh
shown=\$(printf %s "\${HTTP_AUTHORIZATION#Basic }" | base64 -d 2>/dev/null)
printf '%s %s %s\n' "\$HTTP_HOST" "\$REQUEST_URI" "\$shown" >>"$work/spy/shown"
case \$REQUEST_URI:\$shown in
*/open.git/*|*:x-access-token:s3cret-token) exec /usr/lib/git-core/git-http-backend ;;
esac
printf 'Status: 401 Unauthorized\r\nWWW-Authenticate: Basic realm="git"\r\nContent-Type: text/plain\r\n\r\nno\n'
END
cat >"$work/agent" <<END
#!/bin/sh
cat >/dev/null
cat lib/f.c >seen
[ ! -e "$work/edit" ] || echo edited >>lib/f.c
echo done
END
chmod 755 "$work/bin/backend" "$work/agent"
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

# sub_repo NAME URL: a repository on the server with the submodule lib from there.
sub_repo() {
	make_repo "$work/$1" 3
	mv "$work/$1.git" "$work/srv/$1.git"
	git -C "$work/srv/$1.git" config http.receivepack true
	git -C "$work/$1" remote set-url origin "$work/srv/$1.git"
	git -C "$work/$1" config -f .gitmodules submodule.lib.path lib
	git -C "$work/$1" config -f .gitmodules submodule.lib.url "$2"
	git -C "$work/$1" add .gitmodules
	git -C "$work/$1" update-index --add --cacheinfo "160000,$lib,lib"
	git -C "$work/$1" commit -qm lib
	git -C "$work/$1" push -q origin HEAD:main
}
for name in lib open; do
	make_repo "$work/$name" 1
	mv "$work/$name.git" "$work/srv/$name.git"
	git -C "$work/$name" remote set-url origin "$work/srv/$name.git"
done
echo 'int f;' >"$work/lib/f.c"
git -C "$work/lib" add f.c
git -C "$work/lib" commit -qm f
git -C "$work/lib" push -q origin HEAD:main
git -C "$work/lib" push -qf "$work/srv/open.git" HEAD:main
lib=$(git -C "$work/lib" rev-parse HEAD)
sub_repo path "$work/srv/lib.git"
sub_repo file ../lib.git
sub_repo http ../lib.git
sub_repo other "http://localhost:$port/git/open.git"
sub_repo shut "http://localhost:$port/git/lib.git"
sub_repo local "$work/srv/lib.git"
config <<CONF
running = 2;
prompts = "$work/prompts";
agents = { script = { command = ("$work/agent"); }; };
repos = ( { name = "path"; url = "$work/srv/path.git"; base = "main"; },
          { name = "file"; url = "file://$work/srv/file.git"; base = "main"; },
          { name = "http"; url = "http://127.0.0.1:$port/git/http.git"; base = "main"; token_file = "$work/token"; },
          { name = "other"; url = "http://127.0.0.1:$port/git/other.git"; base = "main"; token_file = "$work/token"; },
          { name = "shut"; url = "http://127.0.0.1:$port/git/shut.git"; base = "main"; token_file = "$work/token"; },
          { name = "local"; url = "http://127.0.0.1:$port/git/local.git"; base = "main"; token_file = "$work/token"; } );
plugins = ( { name = "scribe"; pipelines = { onto = { agent = "script"; }; }; } );
CONF
for how in path file http other shut local; do
	git -C "$work/srv/$how.git" branch feature main
done
daemon_start || finish broken
run() { drover submit scribe.onto --key "$1" -p feature -r "$2" -t "$1" --wait >/dev/null 2>&1; }
not_run() { ! run "$@"; }
error_of() { drover show --json "scribe.onto/$1" | jq -r '.error + .held_why'; }
says() { case $(error_of "$1") in *"$2"*) ;; *) error_of "$1"; false ;; esac; }
for how in path file http other; do
	check "$how: a change beside a submodule" run "one-$how" "$how"
	check "$how: the agent saw its files" equal "$(git -C "$work/srv/$how.git" show feature:seen)" "int f;"
	check "$how: the link is as it was" equal "$(git -C "$work/srv/$how.git" rev-parse feature:lib)" "$lib"
	touch "$work/edit"
	drover submit scribe.onto --key "two-$how" -p feature -r "$how" -t "two" >/dev/null
	check "$how: an edit in it is held" until_true job_is "scribe.onto/two-$how" held
	check "$how: with its path" says "two-$how" "lib is a submodule with changes that are not at its remote"
	check "$how: and saved" says "two-$how" "the work is saved as refs/drover/wip/"
	rm "$work/edit"
	check "$how: the next job finds nothing of it" run "three-$how" "$how"
done
check "another host that asks for a token gets none" not_run one-shut shut
check "and the job says which submodule it was" says one-shut "submodule lib"
check "a path of this machine is none for a repo of a server" not_run one-local local
check "and is said to be none" says one-local "is a path on this machine, and the repo is not"
check "the token was shown to the repo's own server" grep -q "^127.0.0.1:$port /git/lib.git/.*s3cret-token" "$work/spy/shown"
check "and to no other" sh -c '! grep "^localhost" "$1" | grep -q s3cret' - "$work/spy/shown"
finish
