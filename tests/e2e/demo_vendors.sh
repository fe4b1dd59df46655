#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/demo-vendors as a newcomer runs it: it shows what it promises, ends well, and leaves no process behind, whether it comes to its
# end or is ended in the middle.
. "$SRC/tests/e2e/lib.sh"
need git python3 timeout
export DROVER_BUILD="$BUILD" DROVER_SKIP_PACKAGES=1 DROVER_SKIP_BUILD=1 TMPDIR="$work"

# Processes that were started with a home of the demo's: daemons, runners, workers, stand-ins, agents.
left() {
	for p in /proc/[0-9]*; do
		{ tr '\0' '\n' <"$p/environ"; } 2>/dev/null | grep -q "^HOME=$work/drover-demo[.]" && basename "$p"
	done
}

timeout "$((2 * wait_limit))" "$SRC/scripts/demo-vendors" >"$work/out" 2>&1
check "the demo ends well" equal $? 0 || cat "$work/out"
says() { check "it shows: $1" grep -qE -- "$2" "$work/out"; }
says "what secret check found" '^jira  *token  *ok'
says "a pull request of a ticket" '^  GitHub  drover    pull request #1 from drover/SHOP-1-'
says "the comment on the ticket" '^  Jira    drover    The change is ready'
says "what it answers" '^  GitHub  drover    It is in returns.md now'
says "the kill" '^  kill -9: [1-9][0-9]* processes'
says "the answer in Slack" '^  Slack   drover    The shop has 3 pages'
says "who was refused on GitHub" ' mallory  *not among the authors'
says "who was refused in Slack" ' U0EVE  *not among the authors'
says "nothing twice" '1 pull request, 3 answers to 3 comments'
check "the three comments are carried out in their order" equal "$(grep -nE '^    (Thirty|We pay|Thank)' "$work/out" | sed 's/^[0-9]*: *//; s/ .*//' | tr '\n' ' ')" "Thirty We Thank "
check "nothing runs on" equal "$(left)" ""

"$SRC/scripts/demo-vendors" >"$work/out2" 2>&1 &
demo=$!
under_way() { grep -q 'moves it to In Progress' "$work/out2"; }
check "the second one is under way" until_true under_way
check "with processes of its own" [ -n "$(left)" ]
kill -TERM "$demo"
wait "$demo"
check "ended in the middle it says so" equal $? 143
check "and nothing runs on" equal "$(left)" ""
finish
