#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# In whose name commits are pushed: by drover run in the user's, by the daemon in the configured one, signed by a key that
# no job sees, whatever a job writes into its repository.
. "$SRC/tests/e2e/lib.sh"
need git jq ssh-keygen
export DROVERD="$BUILD/droverd" XDG_STATE_HOME="$work/state-home" XDG_CONFIG_HOME="$work/config-home" XDG_CACHE_HOME="$work/cache-home"
cat >"$work/agent" <<'AGENT'
#!/bin/sh
cat >/dev/null
echo run >>"${0%/*}/runs"
git config user.name z; git config user.email z@z.z; git config commit.gpgsign true
cat "${0%/*}/sign.key" >"${0%/*}/seen" 2>/dev/null
ls >"seen-$(ls | grep -c seen)"
AGENT
chmod 755 "$work/agent"
ssh-keygen -q -t ed25519 -N '' -C drover -f "$work/sign.key"
printf 'robot@acme.example %s\n' "$(cut -d ' ' -f 1,2 "$work/sign.key.pub")" >"$work/signers"
make_repo "$work/shop" 3
git -C "$work/shop" config user.name "Dev, of Acme"
git -C "$work/shop" config user.email dev@acme.example
printf '# Add %s\n\nDo it.\n' ant >"$work/ant.md"
printf '# Add %s\n\nDo it.\n' bee >"$work/bee.md"

# ref TITLE: the commit of the branch for the ticket "Add TITLE".
ref() { git -C "$work/shop.git" for-each-ref --format='%(objectname)' "refs/heads/drover/add-$1*" | head -n 1; }
run() { "$BUILD/drover" run --retries 0 --agent-command "$work/agent" --repo "$work/shop" "$@"; }
who() { git -C "$work/shop.git" log -1 --format='%an <%ae> %cn <%ce>' "$1"; }
signed() {
	git -C "$work/shop.git" -c gpg.format=ssh -c gpg.ssh.allowedSignersFile="$work/signers" verify-commit "$1" 2>&1 |
		grep -q 'Good "git" signature for robot@acme.example'
}
run "$work/ant.md" >"$work/out" 2>&1
check "drover run: exit 0" equal $? 0
check "the commit is the user's" equal "$(who "$(ref ant)")" "Dev, of Acme <dev@acme.example> Dev, of Acme <dev@acme.example>"
git -C "$work/shop" config commit.gpgsign true
: >"$work/runs"
run "$work/bee.md" >"$work/out" 2>&1
check "a user who signs, without a key for drover: exit 3" equal $? 3
check "is told the mend" grep -q "commit.gpgsign is set for this checkout.*sign_key_file" "$work/out"
check "before the agent runs" equal "$(cat "$work/runs")" ""
mkdir -p "$work/config-home/drover"
printf 'sign_key_file = "%s"; plugin_dirs = ("%s");\n' "$work/sign.key" "$BUILD/.libs" >"$work/config-home/drover/drover.conf"
run "$work/bee.md" >"$work/out" 2>&1
check "with a key: exit 0" equal $? 0
check "the commit is signed" signed "$(ref bee)"

echo 'author = "Robot <robot@acme.example>"; signoff = true; sign_key_file = "sign.key";' >"$work/identity"
conf() {
	config <<-CONF
		agents = { script = { command = ("$work/agent"); sandbox = "$1"; }; };
		repos = ( { name = "shop"; url = "$work/shop.git"; base = "main"; $(cat "$work/identity") } );
		plugins = ( { name = "inbox"; pipelines = { ticket = { agent = "script"; }; }; } );
	CONF
}
conf off
good() { "$BUILD/drover" -c "$work/drover.conf" config check >"$work/out" 2>&1; }
check "config check takes the key" good
ssh-keygen -q -p -P '' -N 'words' -f "$work/sign.key" >/dev/null
check "but not with a passphrase" sh -c '! "$0" -c "$1/drover.conf" config check 2>&1 | grep -q "is good"' "$BUILD/drover" "$work"
good
check "and says the mend" grep -q "repos.shop.sign_key_file: .*the key must have no passphrase" "$work/out"
ssh-keygen -q -p -P 'words' -N '' -f "$work/sign.key" >/dev/null
daemon_start || finish broken
for key in one two; do
	check "$key: pushed" drover submit inbox.ticket --key "$key" -r shop -t "Add $key" -p "# Add $key" --wait
	check "$key: in the configured name" equal "$(who "$(ref "$key")")" "Robot <robot@acme.example> Robot <robot@acme.example>"
	check "$key: signed" signed "$(ref "$key")"
	check "$key: signed off once" equal "$(git -C "$work/shop.git" log -1 --format=%B "$(ref "$key")" | grep -cx 'Signed-off-by: Robot <robot@acme.example>')" 1
done
if bwrap --ro-bind / / true 2>/dev/null; then
	conf required
	check "reload with the sandbox" drover reload
	rm -f "$work/seen"
	check "in the sandbox: pushed" drover submit inbox.ticket --key three -r shop -t "Add three" -p "# Add three" --wait
	check "signed as well" signed "$(ref three)"
	check "and the agent did not see the key" sh -c '! grep -qs "PRIVATE KEY" "$0"' "$work/seen"
fi
daemon_stop
finish
