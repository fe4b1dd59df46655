#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# droverd --in-process, as one uses it under gdb: plugins, workers and jobs are threads of one process. Commands and
# tickets go through, an operator may cancel and reload, and it stops cleanly, with nothing leaked and nothing left.
. "$SRC/tests/e2e/lib.sh"
need git jq
make_repo "$work/shop" 20
cat >"$work/agent" <<'AGENT'
#!/bin/sh
cat >/dev/null
echo done >>d0/f1.txt
echo "Done"
AGENT
chmod +x "$work/agent"
mkdir "$work/tickets"
plugins() {
	config <<CONF
running = 2;
drain_timeout = "1s";
pools = { light = { slots = 2; }; };
agents = { scripted = { command = ("$work/agent"); prompt = "stdin"; output = "plain"; }; };
repos = ( { name = "shop"; url = "$work/shop.git"; base = "main"; } );
plugins = ( { name = "exec"; pipelines = { command = { pool = "light"; timeout = "$1"; }; }; },
            { name = "inbox";
              sources = { folder = { interval = "1s"; path = "$work/tickets"; repo = "shop"; agent = "scripted"; }; };
              pipelines = { ticket = { pool = "light"; timeout = "1h"; }; }; } );
CONF
}
plugins 1m
daemon_start --in-process || finish broken
check "no runner process" equal "$(pgrep -P "$daemon" -f -- '-x runner' | wc -l)" 0
i=1
while [ "$i" -le 8 ]; do
	drover submit exec.command --key "c$i" --payload "[\"sh\", \"-c\", \"echo $i >$work/c$i\"]" >/dev/null
	printf '# Ticket %s\n\nDo it.\n' "$i" >"$work/t.tmp"
	[ "$i" -le 2 ] && mv "$work/t.tmp" "$work/tickets/t$i.md"
	i=$((i + 1))
done
check "commands and tickets succeed" until_true count_is succeeded 10
check "each command has run" equal "$(cat "$work"/c? | sort | tr '\n' ' ')" "1 2 3 4 5 6 7 8 "
check "two branches" equal "$(git -C "$work/shop.git" for-each-ref refs/heads/drover | wc -l)" 2
moved() { [ "$(find "$work/tickets/done" -name 't?.md' 2>/dev/null | wc -l)" = 2 ]; }
check "the tickets are done" until_true moved

drover submit exec.command --key long --payload '["sleep", "300"]' >/dev/null
running() { count_is running 1; }
check "a long command runs" until_true running
check "it can be cancelled" drover cancel 11
check "and is" until_true job_is 11 cancelled
plugins 2m
check "a reload is taken" drover reload
check "work goes on after it" drover submit exec.command --key after --payload '["true"]' --wait
drover submit exec.command --key stopped --payload '["sleep", "300"]' >/dev/null
check "one runs while it stops" until_true running
kill -TERM "$daemon"
wait "$daemon"
check "it stops with status 0" equal $? 0
check "with no word of a sanitizer" sh -c "! grep -qE 'Sanitizer|runtime error' '$work/droverd.out'"
gone() { [ -z "$(leftovers)" ]; }
check "no command is left" until_true gone
finish
