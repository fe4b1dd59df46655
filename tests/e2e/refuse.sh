#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bad input: configurations, plugins, a second daemon, a read-only state folder, payloads. Each gets one clear line,
# and everything else goes on.
. "$SRC/tests/e2e/lib.sh"
need jq curl
hostile=$BUILD/.libs

# refused NAME TEXT: droverd on $work/bad.conf exits 3 and says TEXT.
refused() {
	"$BUILD/droverd" -c "$work/bad.conf" >"$work/bad.out" 2>&1
	status=$?
	check "$1: exit 3" equal "$status" 3
	check "$1: says '$2'" grep -qF -e "$2" "$work/bad.out"
}
printf 'running = "three";\n' >"$work/bad.conf"
refused "wrong type" "bad.conf:1:"
printf 'state_dir = "%s/s";\nrunnning = 3;\n' "$work" >"$work/bad.conf"
refused "unknown key" "bad.conf:2:"
printf 'running = 3\npools = {\n' >"$work/bad.conf"
refused "syntax" "bad.conf:"
printf 'state_dir = "%s/s";\nrepos = ( { name = "a"; url = "/x"; token = "abc"; } );\n' "$work" >"$work/bad.conf"
refused "literal secret" "token_file"

mkdir "$work/plugins"
cp "$BUILD/.libs/exec.so" "$BUILD/.libs/inbox.so" "$work/plugins/"
cp "$BUILD/.libs/exec.so" "$work/plugins/renamed.so"
printf 'not a plugin\n' >"$work/plugins/garbage.so"
cp "$BUILD/.libs/exec.so" "$work/plugins/writable.so"
chmod 666 "$work/plugins/writable.so"
config <<CONF
running = 2;
plugin_dirs = ("$work/plugins", "$hostile");
plugins = ( { name = "exec"; }, { name = "missing"; }, { name = "renamed"; }, { name = "garbage"; }, { name = "writable"; } );
CONF
sed -i "/plugin_dirs = (\"$(printf '%s' "$BUILD" | sed 's/[\/&]/\\&/g')/d" "$work/drover.conf"
daemon_start || finish broken
plugin_why() { drover plugin list --json | jq -r --arg n "$1" '.plugins[] | select(.name == $n) | .why'; }
plugin_state() { drover plugin list --json | jq -r --arg n "$1" '.plugins[] | select(.name == $n) | .state'; }
is_state() { [ "$(plugin_state "$1")" = "$2" ]; }
check "the good plugin is ready" until_true is_state exec ready
for p in missing renamed garbage writable; do
	check "$p is refused" until_true is_state "$p" refused
	check "$p has one plain line" equal "$(plugin_why $p | wc -l)" 1
	say "#   $p: $(plugin_why $p)"
	check "$p: the line is in the log" grep -qF "\"plugin\":\"$p\"" "$work/drover.log"
done
check "work goes on" drover submit exec.command --key fine --payload '["true"]' --wait

"$BUILD/droverd" -c "$work/drover.conf" >"$work/second.out" 2>&1
check "a second daemon is refused" [ $? -ne 0 ]
check "and is told whose state it is" grep -q "$daemon" "$work/second.out"

big=$(head -c 70000 /dev/zero | tr '\0' 'x')
printf '["echo", "%s"]' "$big" >"$work/big.json"
drover submit exec.command --key big --payload "$work/big.json" >"$work/big.out" 2>&1
check "a payload over the bound is refused" [ $? -ne 0 ]
drover submit no.such --key x --payload '[]' >/dev/null 2>"$work/kind.out"
check "an unknown kind is refused" [ $? -ne 0 ]
check "by name" grep -q 'no.such' "$work/kind.out"
drover show 99999 >/dev/null 2>&1
check "a job that is not there: exit 4" equal $? 4
drover frobnicate >/dev/null 2>&1
check "an unknown verb: exit 3" equal $? 3
"$BUILD/drover" --socket "$work/nobody.sock" status >/dev/null 2>"$work/down.out"
check "no daemon: exit 6" equal $? 6

cp "$work/drover.conf" "$work/kept.conf"
printf 'running = 0;\n' >>"$work/drover.conf"
drover reload >"$work/reload.out" 2>&1
check "a bad reload is refused" [ $? -ne 0 ]
check "with file and line" grep -q 'drover.conf:' "$work/reload.out"
check "the running configuration is kept" drover submit exec.command --key still --payload '["true"]' --wait
cp "$work/kept.conf" "$work/drover.conf"
check "a good one is taken" drover reload
check "and work goes on" drover submit exec.command --key after --payload '["true"]' --wait
daemon_stop

if [ "$(id -u)" -ne 0 ]; then
	chmod 500 "$work/state"
	"$BUILD/droverd" -c "$work/drover.conf" >"$work/readonly.out" 2>&1
	check "a read-only state folder is refused" [ $? -ne 0 ]
	check "by name" grep -q "$work/state" "$work/readonly.out"
	chmod 700 "$work/state"
else
	say "skipped: a read-only state folder: root may write everywhere"
fi
finish
