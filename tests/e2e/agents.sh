#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The genuine codex, qwen-code and claude-code from npm, against stand-in models on loopback: one ticket each, without
# the sandbox and in it, and what their refusals become. Needs ../shared/agents beside the source tree, node and npm;
# skipped elsewhere.
. "$SRC/tests/e2e/lib.sh"
stub=$SRC/../shared/agents/stub-model.mjs
[ -f "$stub" ] || skip "skipped: no stand-in model (../shared/agents) beside the source tree"
need node npm jq git
clis=${DROVER_AGENT_CLIS:-$BUILD/agent-clis}
if [ ! -x "$clis/node_modules/.bin/codex" ] || [ ! -x "$clis/node_modules/.bin/qwen" ]; then
	mkdir -p "$clis"
	npm_get "$clis" install @openai/codex @qwen-code/qwen-code @anthropic-ai/claude-code || skip "skipped: $why"
fi
boxed=()
if bwrap --unshare-pid --ro-bind / / --proc /proc true 2>/dev/null; then
	boxed=(codex-boxed qwen-boxed)
	[ ! -x "$clis/node_modules/.bin/claude" ] || boxed+=(claude-boxed)
else
	say "skipped: agents in the sandbox: bwrap does not work here"
fi

# model NAME [VARIABLE=VALUE]: a stand-in model; its port in $port.
model() {
	name=$1
	shift
	env "$@" node "$stub" 0 'printf "hello from agent\n" > AGENT.txt' >"$work/$name.port" 2>"$work/$name.err" &
	until_true test -s "$work/$name.port" || return 1
	port=$(cat "$work/$name.port")
}
model good || { not_ok "the model answers"; finish; }
good=$port
model quota STUB_FAIL=quota && quota=$port
model auth STUB_FAIL=auth && auth=$port

all_apis=$(port_take)
for _ in 1 2 3 4 5 6 7 8 9 10 11; do port_take >/dev/null; done
server_start "$all_apis" node "$SRC/../shared/agents/stub-all-apis.mjs" "$all_apis" 'printf "hello from agent\n" > AGENT.txt' || finish "no model"

make_repo "$work/shop" 20
mkdir "$work/tickets"
codex() {
	printf 'codex-%s = { command = ("%s", "exec", "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "-c", "model=stub", "-c", "model_provider=stub", "-c", "model_providers.stub={name=\\"stub\\",base_url=\\"http://127.0.0.1:%s/v1\\",env_key=\\"STUB_KEY\\",wire_api=\\"responses\\"}", "-"); prompt = "stdin"; output = "codex"; env_pass = ("STUB_KEY"); env = ("CODEX_HOME=%s"); home = ("%s"); %s };\n' \
		"$1" "$clis/node_modules/.bin/codex" "$2" "$work/codex-home" "$work/codex-home" "${3:-}"
}
qwen() {
	printf 'qwen-%s = { command = ("%s", "-p", "{prompt}", "--yolo", "--auth-type", "openai", "--output-format", "stream-json"); prompt = "argument"; output = "stream-json"; env_pass = ("OPENAI_API_KEY"); env = ("OPENAI_BASE_URL=http://127.0.0.1:%s/v1", "OPENAI_MODEL=stub"); %s };\n' \
		"$1" "$clis/node_modules/.bin/qwen" "$2" "${3:-}"
}
claude() {
	printf 'claude-%s = { command = ("%s", "-p", "--output-format", "stream-json", "--verbose", "--dangerously-skip-permissions"); prompt = "stdin"; output = "stream-json"; env_pass = ("ANTHROPIC_API_KEY"); env = ("ANTHROPIC_BASE_URL=http://127.0.0.1:%s"); %s };\n' \
		"$1" "$clis/node_modules/.bin/claude" "$2" "${3:-}"
}
mkdir -p "$work/codex-home"
export STUB_KEY=none OPENAI_API_KEY=none ANTHROPIC_API_KEY=none
config <<CONF
running = 4;
pools = { light = { slots = 4; }; };
agents = {
$(codex good "$good")
$(qwen good "$good")
$(codex quota "$quota")
$(qwen auth "$auth")
$(codex boxed "$good" 'sandbox = "required";')
$(qwen boxed "$good" 'sandbox = "required";')
$(claude boxed "$all_apis" 'sandbox = "required";')
};
repos = ( { name = "shop"; url = "$work/shop.git"; base = "main"; } );
plugins = ( { name = "inbox"; sources = { folder = { interval = "1s"; path = "$work/tickets"; repo = "shop"; }; };
              pipelines = { ticket = { pool = "light"; timeout = "1h"; retries = 0; }; }; } );
CONF
daemon_start || finish broken
asked=(codex-good qwen-good codex-quota qwen-auth "${boxed[@]}")
for agent in "${asked[@]}"; do
	printf 'Agent: %s\n\n# Say hello with %s\n\nWrite AGENT.txt.\n' "$agent" "$agent" >"$work/t.tmp"
	mv "$work/t.tmp" "$work/tickets/$agent.md"
done
taken() { [ "$(drover list --json --limit 100 | jq '.jobs | length')" = ${#asked[@]} ]; }
check "all tickets are taken" until_true taken
id_of() { drover list --json --limit 100 | jq -r --arg a "$1" '.jobs[] | select(.agent == $a) | .id'; }
for agent in codex-good qwen-good "${boxed[@]}"; do
	check "$agent succeeds" until_true job_is "$(id_of $agent)" succeeded
	drover show --json "$(id_of $agent)" >"$work/$agent.json"
	branch=$(jq -r '.result.branch // .job.result.branch' "$work/$agent.json")
	check "$agent: the branch has the file and nothing else" equal "$(git -C "$work/shop.git" diff --name-only "main...$branch")" AGENT.txt
	check "$agent: its tokens are counted" [ "$(jq -r '[.. | .tokens_output? // empty] | first // 0' "$work/$agent.json")" -gt 0 ]
done
check "a usage limit delays, uses no attempt, and names the time" until_true job_is "$(id_of codex-quota)" delayed
drover show --json "$(id_of codex-quota)" >"$work/quota.json"
check "no failure is counted for it" equal "$(jq -r '[.. | .failures? // empty] | first' "$work/quota.json")" 0
check "its agent is paused" sh -c "'$BUILD/drover' --socket '$work/drover.sock' status --json | grep -q 'agent/codex-quota'"
check "a refused key is no success, whatever the CLI says" until_true job_is "$(id_of qwen-auth)" dead
check "and says so" sh -c "'$BUILD/drover' --socket '$work/drover.sock' show --json '$(id_of qwen-auth)' | grep -qi 'key'"
daemon_stop
finish
