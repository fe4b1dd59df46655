/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the client, drover. Data goes to out, messages go to
 * err, and the exit status says how it went.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_PARTIAL = 2,      /* some of several failed */
	CLI_USAGE = 3,
	CLI_NOT_FOUND = 4,
	CLI_REFUSED = 5,
	CLI_DOWN = 6,         /* no daemon at the socket */
	CLI_CONFLICT = 7,
};

/*
 * Every option of every command: identifier, letter or 0, name, argument or
 * NULL, help.
 */
#define CLI_OPTIONS(X) \
	X(CONFIG, 'c', "config", "FILE", \
	    "configuration to read (default: the user's, then the system's)") \
	X(SOCKET, 0, "socket", "PATH", \
	    "socket of the daemon (default: $DROVER_SOCKET, then the configuration)") \
	X(JSON, 0, "json", NULL, "print the daemon's JSON as it is") \
	X(HELP, 'h', "help", NULL, "print help and exit") \
	X(KEY, 'k', "key", "KEY", \
	    "key of the job: of one kind and key there is one job at a time") \
	X(PAYLOAD, 'p', "payload", "TEXT", \
	    "payload for the pipeline: a FILE, - for standard input, or the text itself") \
	X(REPO, 'r', "repo", "NAME", "repository; with run, the folder of a checkout") \
	X(AGENT, 'a', "agent", "NAME", "coding agent") \
	X(POOL, 0, "pool", "NAME", "pool") \
	X(PRIORITY, 0, "priority", "N", "from -100 to 100, higher first") \
	X(TITLE, 't', "title", "TEXT", "title for people") \
	X(SERIAL, 0, "serial", "KEY", "jobs of one serial key run one after the other") \
	X(AFTER, 0, "after", "JOB", "wait until that job has succeeded") \
	X(HOLD, 0, "hold", NULL, "hold the job from the start") \
	X(NEW, 0, "new", NULL, "fail with status 7 when a job with this key has not ended") \
	X(WAIT, 'w', "wait", NULL, "wait until the job has ended; the exit status says how") \
	X(STATE, 's', "state", "STATE", \
	    "queued, running, delayed, held, succeeded, dead or cancelled") \
	X(KIND, 0, "kind", "KIND", "kind of job, such as inbox.ticket") \
	X(SOURCE, 0, "source", "NAME", "source that emitted the job") \
	X(LIMIT, 'n', "limit", "N", "show at most N (default 50)") \
	X(BEFORE, 0, "before", "ID", "show only what is older than ID") \
	X(FOLLOW, 'f', "follow", NULL, "go on as more is written") \
	X(ATTEMPT, 0, "attempt", "N", "number of the attempt (default: the last)") \
	X(OFFSET, 0, "offset", "N", "begin at this byte") \
	X(WHY, 'm', "why", "TEXT", "reason, for people who look later") \
	X(FOR, 0, "for", "TIME", "end the pause after this time, such as 30m") \
	X(STOP, 0, "stop", NULL, "then stop the daemon") \
	X(ALL, 0, "all", NULL, "all dead jobs") \
	X(FORCE, 0, "force", NULL, "even if its owner is alive") \
	X(ORIGIN, 0, "origin", NULL, "say where each value comes from") \
	X(PARALLEL, 'j', "parallel", "N", "how many tickets to work on at once (default 3)") \
	X(BASE, 'b', "base", "REF", "branch to start from (default: the checkout's)") \
	X(TIMEOUT, 0, "timeout", "TIME", "longest time for one ticket, such as 50m") \
	X(RETRIES, 0, "retries", "N", "attempts after a failed one (default 1)") \
	X(KEEP, 0, "keep", NULL, "leave the private daemon running at the end") \
	X(CHECK, 0, "check", "COMMAND", \
	    "command that must pass before a change is pushed; may be given several times") \
	X(AGENT_COMMAND, 0, "agent-command", "COMMAND", \
	    "command of an agent that is not a preset; gets the prompt as {prompt} or on stdin") \
	X(AGENT_OUTPUT, 0, "agent-output", "FORM", \
	    "codex, stream-json, opencode or plain (default)") \
	X(DETACH, 'd', "detach", NULL, "submit and exit; run the command again to look") \
	X(AFTER_EVENT, 0, "after-event", "ID", "begin after this event")

enum cli_option {
#define X(id, letter, name, arg, help) OPT_##id,
	CLI_OPTIONS(X)
#undef X
	OPT_LEN
};
#define OPT(id) (UINT64_C(1) << OPT_##id)

#define CLI_REPEAT_MAX 16

struct client;

struct cli {
	FILE *out, *err;
	bool colour;
	int width;                          /* columns of the terminal; 0 without one */
	const struct command *command;
	const char *value[OPT_LEN];         /* NULL when not given; "" for flags */
	const char *checks[CLI_REPEAT_MAX]; /* every --check */
	int checks_len;
	char **args;                        /* the arguments; NULL-terminated */
	int args_len;
	char *socket;                       /* filled by cli_socket() */
	struct client *client;
};

struct command {
	const char *name;                   /* one or two words */
	const char *args;                   /* for the usage line */
	int least, most;                    /* number of arguments; most may be -1: any */
	uint64_t options;
	int (*run)(struct cli *);
	const char *summary;
};

/* commands.c */
/* Runs the program with these streams and returns its exit status. */
int cli_main(int argc, char **argv, FILE *out, FILE *err);
extern const struct command cli_commands[];
extern const size_t cli_commands_len;

/* parse.c */
/*
 * Fills command, value and args, and sets *help when help was asked for.
 * Returns CLI_OK, or CLI_USAGE after saying why.
 */
int cli_parse(struct cli *, int argc, char **argv, bool *help);
void cli_help(struct cli *);                       /* of command; when that is NULL, of all */
/* Prints the message and how the command is used; returns CLI_USAGE. */
int cli_usage(struct cli *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * Reads the number of an option, or takes fallback. Returns CLI_OK, or
 * CLI_USAGE after saying that it is not in [min, max].
 */
int cli_number(struct cli *, enum cli_option, int64_t min, int64_t max, int64_t fallback,
    int64_t *);
/*
 * Splits a command line like a shell: words, '...', "..." and \x. NULL when a
 * quote is open. Free it with free_strings().
 */
char **cli_words(const char *text);

/* talk.c */
/* Prints "drover: ..." to err; untrusted text is made safe. */
void cli_say(struct cli *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * Says what was done, if status is CLI_OK and --json was not given. Returns
 * status.
 */
int cli_done(struct cli *, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int cli_fail(struct cli *, const struct error *);  /* says it; returns CLI_FAILED */
void cli_print(struct cli *, const char *untrusted); /* a line to out, made safe */
/* Prints "name  text", and nothing when text is NULL or "". */
void cli_field(struct cli *, const char *name, const char *untrusted);
int cli_json(struct cli *, const cJSON *);         /* to out; returns CLI_OK */
/*
 * Shows an answer that came with CLI_OK, with --json as JSON, else by print().
 * Deletes answer, which may be NULL after a failure, and returns status.
 */
int cli_show(struct cli *, int status, cJSON *answer,
    void (*print)(struct cli *, const cJSON *answer));
const char *cli_state_colour(const char *state);   /* "" for most states */
/* Formats a time as "3m 2s ago", "in 5m", or "-" for 0. Returns out. */
char *cli_when(int64_t wall_ms, char *out, size_t size);

/* table.c */
struct table;
struct table_column {
	const char *title;
	bool right;                         /* for numbers */
	bool gives;                         /* may be shortened to fit the terminal */
};
struct table *table_new(const struct table_column *, int columns);
/* Adds the next cell; NULL and "" become "-". Untrusted text is made safe. */
void table_add(struct table *, const char *text);
void table_add_int(struct table *, int64_t);
void table_colour(struct table *, const char *colour); /* of the cell added last */
int table_rows(const struct table *);
void table_print(struct table *, FILE *, int width, bool colour, bool titles);
void table_free(struct table *);
int text_width(const char *utf8);

/* rows.c */
#define ROWS_COLUMNS_MAX 8
struct rows_column {
	struct table_column head;
	const char *key;                   /* the member of a row to show; NULL ends the list */
	void (*add)(struct table *, const cJSON *row, const char *key); /* adds the cell */
};
/*
 * Prints a line for each of rows, with at most ROWS_COLUMNS_MAX columns, under
 * titles unless the first title is "". When there are no rows, it says none,
 * or nothing if none is NULL.
 */
void rows_print(struct cli *, const struct rows_column *, const cJSON *rows, const char *none);
/* Adds a text or a number as it is, and an array as words. */
void rows_text(struct table *, const cJSON *row, const char *key);
void rows_number(struct table *, const cJSON *row, const char *key);
void rows_some(struct table *, const cJSON *row, const char *key); /* an empty cell for 0 */
void rows_when(struct table *, const cJSON *row, const char *key); /* wall ms, from now */
void rows_span(struct table *, const cJSON *row, const char *key); /* ms */
void rows_ok(struct table *, const cJSON *row, const char *key);   /* bool: ok, failed */

/* client.c */
/*
 * Sends a request. Returns CLI_OK with *answer (answer may be NULL; the caller
 * deletes), or an exit status after saying why. cli_post() deletes body.
 */
int cli_get(struct cli *, cJSON **answer, const char *path, ...)
    __attribute__((format(printf, 3, 4)));
int cli_post(struct cli *, cJSON *body, cJSON **answer, const char *path, ...)
    __attribute__((format(printf, 4, 5)));
/*
 * Like cli_get(), for a long answer: its pieces go to fn, which ends it by a
 * value other than 0.
 */
int cli_stream(struct cli *, int (*fn)(void *arg, const char *data, size_t len), void *arg,
    const char *path, ...) __attribute__((format(printf, 4, 5)));
/*
 * Sends a request without saying anything, for callers that go on after a
 * failure. Returns the HTTP status, or 0 with err when no daemon answers.
 */
int client_ask(struct cli *, const char *method, const char *path, const cJSON *body,
    cJSON **answer, struct error *);
/* True when a daemon answers at the socket. */
bool client_alive(struct cli *);
int cli_socket(struct cli *);                      /* fills socket; CLI_OK or an exit status */
void cli_close(struct cli *);
/* Percent-encodes text for a path or a query; the caller frees. */
char *cli_encode(const char *);
int cli_exit_of(int status, const char *code);     /* of an HTTP status and error code */

/* programs.c */
/*
 * Runs argv with an empty standard input and collects what it prints; quiet
 * drops its standard error. Returns its exit status, or -1 when it did not run
 * or a signal ended it.
 */
int cli_capture(const char *const *argv, bool quiet, struct buf *out);
char *cli_droverd(void);                           /* the daemon's executable; the caller frees */

/* One file for each group of commands. */
int cmd_submit(struct cli *);
int cmd_list(struct cli *);
int cmd_show(struct cli *);
int cmd_why(struct cli *);
int cmd_act(struct cli *); /* cancel, retry, hold, release, dead discard: by the command's name */
int cmd_priority(struct cli *);
int cmd_dead_list(struct cli *);
int cmd_dead_retry(struct cli *);
int cmd_logs(struct cli *);
int cmd_events(struct cli *);
int cmd_status(struct cli *);
int cmd_pause(struct cli *);
int cmd_resume(struct cli *);
int cmd_drain(struct cli *);
int cmd_undrain(struct cli *);
int cmd_reload(struct cli *);
int cmd_call(struct cli *);
int cmd_notify_test(struct cli *);
int cmd_secret_check(struct cli *);
int cmd_lease_list(struct cli *);
int cmd_lease_show(struct cli *);
int cmd_lease_act(struct cli *); /* release, break: by the command's name */
int cmd_lease_gc(struct cli *);
int cmd_source_list(struct cli *);
int cmd_source_poll(struct cli *);
int cmd_plugin_list(struct cli *);
int cmd_plugin_info(struct cli *);
int cmd_plugin_check(struct cli *);
int cmd_plugin_new(struct cli *);
int cmd_repo_list(struct cli *);
int cmd_agent_list(struct cli *);
int cmd_worker_list(struct cli *);
int cmd_source_refused(struct cli *);
int cmd_memory_list(struct cli *);
int cmd_memory_show(struct cli *);
int cmd_memory_forget(struct cli *);
int cmd_config_check(struct cli *);
int cmd_config_show(struct cli *);
int cmd_config_diff(struct cli *);
int cmd_config_example(struct cli *);
int cmd_version(struct cli *);
int cmd_completion(struct cli *);
int cmd_help(struct cli *);
int cmd_prompt_list(struct cli *);
int cmd_prompt_show(struct cli *);
struct config;
/* Says each fault that needs plugins to be seen; returns their number. */
int prompts_check_plugins(struct cli *, const struct config *);
int cmd_run(struct cli *);

#endif
