/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every command in one table, from which parsing, help, completion and the list
 * in the manual follow.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"

#define NONE 0

const struct command cli_commands[] = {
	{ "run", "TICKET.md...", 1, -1,
	    OPT(REPO) | OPT(AGENT) | OPT(PARALLEL) | OPT(BASE) | OPT(TIMEOUT) | OPT(RETRIES) |
		OPT(KEEP) | OPT(CHECK) | OPT(AGENT_COMMAND) | OPT(AGENT_OUTPUT) | OPT(DETACH),
	    cmd_run, "work on ticket files, each in a worktree of its own" },
	{ "submit", "KIND", 1, 1,
	    OPT(KEY) | OPT(PAYLOAD) | OPT(REPO) | OPT(AGENT) | OPT(POOL) | OPT(PRIORITY) |
		OPT(TITLE) | OPT(SERIAL) | OPT(AFTER) | OPT(HOLD) | OPT(NEW) | OPT(WAIT),
	    cmd_submit, "queue a job and print its number" },
	{ "list", "", 0, 0,
	    OPT(STATE) | OPT(KIND) | OPT(REPO) | OPT(SOURCE) | OPT(POOL) | OPT(LIMIT) | OPT(BEFORE),
	    cmd_list, "list jobs, newest first" },
	{ "show", "JOB", 1, 1, NONE, cmd_show, "show one job whole: attempts, events, result" },
	{ "why", "JOB", 1, 1, NONE, cmd_why, "say why a job does not run" },
	{ "logs", "JOB", 1, 1, OPT(FOLLOW) | OPT(ATTEMPT) | OPT(OFFSET), cmd_logs,
	    "print the output of an attempt" },
	{ "cancel", "JOB...", 1, -1, NONE, cmd_act, "cancel jobs" },
	{ "retry", "JOB...", 1, -1, NONE, cmd_act, "queue dead, cancelled or delayed jobs again" },
	{ "hold", "JOB...", 1, -1, OPT(WHY), cmd_act, "hold jobs until they are released" },
	{ "release", "JOB...", 1, -1, NONE, cmd_act, "release held jobs" },
	{ "priority", "JOB N", 2, 2, NONE, cmd_priority, "change a job's priority" },
	{ "pause", "[WHAT]", 0, 1, OPT(FOR) | OPT(WHY), cmd_pause,
	    "start no new jobs, or none of pool/, kind/, repo/, agent/NAME" },
	{ "resume", "[WHAT]", 0, 1, NONE, cmd_resume, "end a pause" },
	{ "drain", "", 0, 0, OPT(STOP), cmd_drain,
	    "start no new jobs; running jobs go on to their end" },
	{ "undrain", "", 0, 0, NONE, cmd_undrain, "end a drain" },
	{ "reload", "", 0, 0, NONE, cmd_reload,
	    "apply the configuration file; running jobs are untouched" },
	{ "dead list", "", 0, 0, OPT(KIND) | OPT(LIMIT) | OPT(BEFORE), cmd_dead_list,
	    "list jobs that failed for good" },
	{ "dead retry", "[JOB...]", 0, -1, OPT(KIND) | OPT(ALL), cmd_dead_retry,
	    "queue dead jobs again: some, a kind, or --all" },
	{ "dead discard", "JOB...", 1, -1, NONE, cmd_act,
	    "discard dead jobs: they become cancelled" },
	{ "lease list", "", 0, 0, NONE, cmd_lease_list, "list worktrees and who holds them" },
	{ "lease show", "LEASE", 1, 1, NONE, cmd_lease_show, "show one lease" },
	{ "lease release", "LEASE", 1, 1, NONE, cmd_lease_act,
	    "give back a lease whose owner is dead" },
	{ "lease break", "LEASE", 1, 1, OPT(FORCE), cmd_lease_act,
	    "take a lease away; unsaved work is kept in a wip ref" },
	{ "lease gc", "", 0, 0, NONE, cmd_lease_gc, "tidy worktrees now" },
	{ "source list", "", 0, 0, NONE, cmd_source_list,
	    "list sources with their last and next poll" },
	{ "source poll", "[SOURCE...]", 0, -1, NONE, cmd_source_poll, "poll sources now" },
	{ "source refused", "[SOURCE]", 0, 1, OPT(LIMIT) | OPT(BEFORE), cmd_source_refused,
	    "list who asked for work but may not start it" },
	{ "memory list", "[PLUGIN]", 0, 1, OPT(LIMIT), cmd_memory_list,
	    "list subjects that plugins remember something about" },
	{ "memory show", "PLUGIN SUBJECT", 2, 2, NONE, cmd_memory_show,
	    "show what goes into prompts about a subject" },
	{ "memory forget", "PLUGIN SUBJECT", 2, 2, NONE, cmd_memory_forget,
	    "forget all that was said about a subject" },
	{ "plugin list", "", 0, 0, NONE, cmd_plugin_list, "list plugins and their state" },
	{ "plugin info", "NAME", 1, 1, NONE, cmd_plugin_info,
	    "show what a plugin offers, and its options" },
	{ "plugin check", "FILE.so", 1, 1, NONE, cmd_plugin_check,
	    "load a plugin as the daemon would, and say what it is" },
	{ "plugin new", "NAME", 1, 1, NONE, cmd_plugin_new,
	    "make a folder with a plugin to start from" },
	{ "repo list", "", 0, 0, NONE, cmd_repo_list, "list configured repositories" },
	{ "agent list", "", 0, 0, NONE, cmd_agent_list, "list configured coding agents" },
	{ "worker list", "", 0, 0, NONE, cmd_worker_list, "list slots and what they run" },
	{ "status", "", 0, 0, NONE, cmd_status, "show the state of the daemon" },
	{ "call", "OPERATION [JSON]", 1, 2, NONE, cmd_call,
	    "call an operation of a plugin; - reads JSON from stdin" },
	{ "secret check", "[PLUGIN...]", 0, -1, NONE, cmd_secret_check,
	    "check the credentials of plugins and the tokens of repos" },
	{ "notify test", "[INDEX]", 0, 1, NONE, cmd_notify_test,
	    "send a test by an entry of notify, counted from 0" },
	{ "events", "", 0, 0, OPT(FOLLOW) | OPT(AFTER_EVENT), cmd_events,
	    "print what happens to jobs, one JSON object a line" },
	{ "config check", "", 0, 0, NONE, cmd_config_check,
	    "read the configuration and say what is wrong" },
	{ "config show", "", 0, 0, OPT(ORIGIN), cmd_config_show,
	    "show the configuration with its defaults" },
	{ "config diff", "", 0, 0, NONE, cmd_config_diff, "show what a reload would change" },
	{ "config example", "", 0, 0, NONE, cmd_config_example,
	    "print a commented configuration with every key" },
	{ "prompt list", "", 0, 0, OPT(REPO) | OPT(SOURCE), cmd_prompt_list,
	    "list prompts and the file that each comes from" },
	{ "prompt show", "NAME", 1, 1, OPT(REPO) | OPT(SOURCE), cmd_prompt_show,
	    "print a prompt as it is in its file" },
	{ "completion", "SHELL", 1, 1, NONE, cmd_completion,
	    "print the completion script for bash, zsh or fish" },
	{ "version", "", 0, 0, NONE, cmd_version,
	    "print the versions of the program and the plugin ABI" },
	{ "help", "[COMMAND...]", 0, 2, NONE, cmd_help, "explain a command" },
};
const size_t cli_commands_len = ARRAY_LEN(cli_commands);

static int terminal_width(FILE *);

int
cli_main(int argc, char **argv, FILE *out, FILE *err)
{
	struct cli cli = { .out = out, .err = err };
	const char *no_colour = getenv("NO_COLOR");
	bool help = false;
	int status;

	cli.width = terminal_width(out);
	cli.colour = cli.width > 0 && (no_colour == NULL || *no_colour == '\0');
	if ((status = cli_parse(&cli, argc, argv, &help)) == CLI_OK) {
		if (help || cli.command == NULL)
			cli_help(&cli);
		else
			status = cli.command->run(&cli);
	}
	cli_close(&cli);
	free(cli.args);
	return status;
}

/* 0 when it is not a terminal: lines are not cut then. */
static int
terminal_width(FILE *f)
{
	struct winsize size;
	int fd = fileno(f);

	if (fd == -1 || !isatty(fd))
		return 0;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 ? size.ws_col : 80;
}
