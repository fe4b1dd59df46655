#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# drover run, as a newcomer types it: with a remote, without one, with a ticket that fails, after a kill -9, and a checkout that stays as it was.
. "$SRC/tests/e2e/lib.sh"
need git jq
export DROVERD="$BUILD/droverd" XDG_STATE_HOME="$work/state-home" XDG_CONFIG_HOME="$work/config-home" XDG_CACHE_HOME="$work/cache-home"

# The agent waits with the jay until there is a file "go".
cat >"$work/agent" <<'AGENT'
#!/bin/sh
task=$(cat)
case $task in
*IMPOSSIBLE-TICKET*) echo "I cannot do this"; exit 9 ;;
*EMPTY-TICKET*) echo "There is nothing to do"; exit 0 ;;
esac
name=$(printf '%s\n' "$task" | sed -n 's/^Name: *\([a-z]*\)$/\1/p' | head -n 1)
while [ "$name" = jay ] && [ ! -e "${0%/*}/go" ]; do sleep 0.1; done
echo "$name" >"$name.txt"
echo "Done: $name"
AGENT
chmod +x "$work/agent"
make_repo "$work/shop" 50
printf 'not committed\n' >"$work/shop/mine.txt"
mkdir "$work/t"
for name in ant bee cat dog; do printf '# Add %s\n\nName: %s\n' "$name" "$name" >"$work/t/$name.md"; done
before=$(git -C "$work/shop" status --porcelain=v1 -b; git -C "$work/shop" rev-parse HEAD; find "$work/shop" -path "$work/shop/.git" -prune -o -print | sort)

run() { "$BUILD/drover" run --retries 0 --agent-command "$work/agent" --agent-output plain "$@"; }
run --repo "$work/shop" "$work"/t/ant.md "$work"/t/bee.md "$work"/t/cat.md >"$work/out1" 2>"$work/err1"
check "three tickets: exit 0" equal $? 0
check "three branches on the remote" equal "$(git -C "$work/shop.git" for-each-ref refs/heads/drover | wc -l)" 3
check "the summary names a branch" grep -q 'drover/add-ant' "$work/out1" "$work/err1"
after=$(git -C "$work/shop" status --porcelain=v1 -b; git -C "$work/shop" rev-parse HEAD; find "$work/shop" -path "$work/shop/.git" -prune -o -print | sort)
check "the checkout is as it was" equal "$after" "$before"
check "no escape sequence where there is no terminal" sh -c "! grep -q '$(printf '\033')' '$work/out1' '$work/err1'"
run --repo "$work/shop" "$work"/t/ant.md "$work"/t/bee.md "$work"/t/cat.md >"$work/out2" 2>&1
check "again: known, exit 0" equal $? 0
check "and nothing is done twice" equal "$(git -C "$work/shop.git" for-each-ref refs/heads/drover | wc -l)" 3

printf '# Do it\n\nIMPOSSIBLE-TICKET\n' >"$work/t/impossible.md"
run --repo "$work/shop" "$work/t/impossible.md" "$work/t/dog.md" >"$work/out3" 2>&1
check "some failed: exit 2" equal $? 2
run --repo "$work/shop" "$work/t/impossible.md" >"$work/out4" 2>&1
check "all failed: exit 1" equal $? 1
check "with the agent's last words" grep -q 'cannot do this' "$work/out3"

git init -q -b main "$work/alone"
git -C "$work/alone" commit -q --allow-empty -m "Beginning"
(cd "$work/alone" && run "$work/t/ant.md") >"$work/out5" 2>&1
check "a repository without a remote: exit 0" equal $? 0
check "the branch is in the repository itself" equal "$(git -C "$work/alone" for-each-ref refs/heads/drover | wc -l)" 1
check "and its checkout is untouched" equal "$(git -C "$work/alone" status --porcelain)" ""

for name in elk fox gnu hen ibis jay; do printf '# Add %s\n\nName: %s\n' "$name" "$name" >"$work/t/$name.md"; done
run --repo "$work/shop" --parallel 2 "$work"/t/elk.md "$work"/t/fox.md "$work"/t/gnu.md "$work"/t/hen.md "$work"/t/ibis.md "$work"/t/jay.md >"$work/out6" 2>&1 &
client=$!
under_way() { [ "$(git -C "$work/shop.git" for-each-ref refs/heads/drover | wc -l)" -ge 5 ]; }
check "the next six are under way" until_true under_way
victim=$(pgrep -f "droverd -c $work/state-home" | head -n 1)
kill -9 "$victim" 2>/dev/null
touch "$work/go"
wait "$client"
check "a client whose daemon was killed starts it again: exit 0" equal $? 0
check "and says so" grep -q 'starting it again' "$work/out6"
run --repo "$work/shop" --parallel 2 "$work"/t/elk.md "$work"/t/fox.md "$work"/t/gnu.md "$work"/t/hen.md "$work"/t/ibis.md "$work"/t/jay.md >"$work/out7" 2>&1
check "the same command goes on: exit 0" equal $? 0 || cat "$work/out7"
check "one branch a ticket" equal "$(git -C "$work/shop.git" for-each-ref refs/heads/drover | wc -l)" 10
run --repo "$work/nowhere" "$work/t/ant.md" >/dev/null 2>"$work/err8"
check "no repository: exit 3" equal $? 3
run --repo "$work/shop" "$work/t/no-such.md" >/dev/null 2>"$work/err9"
check "no ticket: exit 3, by name" sh -c "grep -q no-such.md '$work/err9'"
mkdir -p "$work/config-home/drover" "$work/no-plugins"
printf 'plugin_dirs = ("%s");\n' "$work/no-plugins" >"$work/config-home/drover/drover.conf"
git init -q -b main "$work/lonely"
git -C "$work/lonely" commit -q --allow-empty -m "Beginning"
run --repo "$work/lonely" "$work/t/ant.md" >"$work/out10" 2>&1
check "no plugin: exit 1, and no waiting" equal $? 1
check "it names the plugin" grep -q 'plugin inbox does not run' "$work/out10"
rm -r "$work/config-home/drover"
run --repo "$work/lonely" "$work/t/ant.md" >"$work/out11" 2>&1
check "with the plugin the same command goes on: exit 0" equal $? 0 || cat "$work/out11"
quiet() { ! pgrep -f "$work/state-home" >/dev/null; }
check "no daemon stays behind" until_true quiet
finish
