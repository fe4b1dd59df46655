/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to call the common coding agents, so that `drover run` needs no
 * configuration. They run without asking for permission, because each has a
 * tree of its own.
 */
#include <string.h>

#include "base/mem.h"
#include "cli/run.h"

static const struct run_preset presets[] = {
	{ "claude", PROMPT_STDIN, "stream-json",
	    { "claude", "-p", "--output-format", "stream-json", "--verbose",
		"--dangerously-skip-permissions" },
	    { "claude", "-p", "--output-format", "stream-json", "--verbose", "--permission-mode",
		"plan" },
	    { "~/.claude", "~/.claude.json" },
	    { "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_OAUTH_TOKEN" } },
	{ "codex", PROMPT_STDIN, "codex",
	    { "codex", "exec", "--json", "--dangerously-bypass-approvals-and-sandbox", "-" },
	    { "codex", "exec", "--json", "--sandbox", "read-only", "-" },
	    { "~/.codex" },
	    { "OPENAI_API_KEY", "OPENAI_BASE_URL", "CODEX_HOME", "CODEX_API_KEY" } },
	{ "opencode", PROMPT_ARGUMENT, "opencode",
	    { "opencode", "run", "--format", "json", "{prompt}" },
	    { "opencode", "run", "--agent", "plan", "--format", "json", "{prompt}" },
	    { "~/.config/opencode", "~/.local/share/opencode" },
	    { "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENCODE_CONFIG",
		"OPENCODE_CONFIG_CONTENT" } },
	{ "qwen", PROMPT_ARGUMENT, "stream-json",
	    { "qwen", "--yolo", "--output-format", "stream-json", "-p", "{prompt}" },
	    { "qwen", "--approval-mode", "plan", "--output-format", "stream-json", "-p",
		"{prompt}" },
	    { "~/.qwen" },
	    { "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "DASHSCOPE_API_KEY" } },
};

const struct run_preset *
run_preset(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(presets); i++)
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i];
	return NULL;
}

void
run_presets_list(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(presets); i++)
		buf_addf(out, "%s%s", i > 0 ? ", " : "", presets[i].name);
}
