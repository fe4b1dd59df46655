/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line. cli_main() parses it once: the options before the command,
 * the command, then its options and arguments. The tables of options and
 * commands say what is allowed, and the help is made from them.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/cli.h"

#define EVERYWHERE (OPT(CONFIG) | OPT(SOCKET) | OPT(JSON) | OPT(HELP))

static const struct {
	char letter;
	const char *name, *arg, *help;
} options[] = {
#define X(id, letter, name, arg, help) [OPT_##id] = { letter, name, arg, help },
	CLI_OPTIONS(X)
#undef X
};
_Static_assert(OPT_LEN <= 64, "a command's options are a mask of 64 bits");

static int parse_options(struct cli *, int argc, char **argv, uint64_t allowed, bool *help);
static const struct command *find_command(char **words, int n, int *taken);
static bool is_group(const char *word);
static bool is_negative(const char *word);
static void print_option(FILE *, int option);

int
cli_parse(struct cli *cli, int argc, char **argv, bool *help)
{
	int rest, taken = 0;

	cli->args = xcalloc((size_t)argc + 1, sizeof *cli->args);
	if ((rest = parse_options(cli, argc, argv, EVERYWHERE, help)) == -1)
		return CLI_USAGE;
	if (rest == argc) {
		if (!*help)
			return cli_usage(cli, "a command is needed; `drover help` lists them");
		return CLI_OK;
	}
	if ((cli->command = find_command(argv + rest, argc - rest, &taken)) == NULL)
		return cli_usage(cli,
		    is_group(argv[rest]) ?
			"`%s` needs one of its commands; `drover help %s` lists them" :
			"there is no command `%s`; `drover help` lists them",
		    argv[rest], argv[rest]);
	/* getopt takes the last word of the command for the program's name. */
	rest += taken - 1;
	argc -= rest;
	argv += rest;
	if ((rest = parse_options(cli, argc, argv, EVERYWHERE | cli->command->options, help)) == -1)
		return CLI_USAGE;
	for (; rest < argc; rest++)
		cli->args[cli->args_len++] = argv[rest];
	if (*help)
		return CLI_OK;
	if (cli->args_len < cli->command->least)
		return cli_usage(cli, "%s: %s is missing", cli->command->name, cli->command->args);
	if (cli->command->most != -1 && cli->args_len > cli->command->most)
		return cli_usage(cli, "%s: `%s` is one argument too many", cli->command->name,
		    cli->args[cli->command->most]);
	return CLI_OK;
}

void
cli_help(struct cli *cli)
{
	const struct command *c = cli->command;

	if (c == NULL) {
		fputs(
		    "drover runs coding agents in parallel, each job in a worktree of its own.\n\n"
		    "usage: drover [-c FILE | --socket PATH] COMMAND [OPTION...] [ARGUMENT...]\n\n",
		    cli->out);
		for (size_t i = 0; i < cli_commands_len; i++)
			fprintf(cli->out, "  %-15s %s\n", cli_commands[i].name,
			    cli_commands[i].summary);
		fputs("\nA JOB is a number, the start of a trace id, or KIND/KEY.\n"
		    "`drover COMMAND --help` tells more; the manual is drover(1).\n", cli->out);
		return;
	}
	fprintf(cli->out, "usage: drover %s%s%s%s\n\n%s\n\n", c->name,
	    c->options != 0 ? " [OPTION...]" : "", *c->args != '\0' ? " " : "", c->args,
	    c->summary);
	for (int i = 0; i < OPT_LEN; i++)
		if ((c->options & (UINT64_C(1) << i)) != 0)
			print_option(cli->out, i);
	for (int i = 0; i < OPT_LEN; i++)
		if ((EVERYWHERE & (UINT64_C(1) << i)) != 0)
			print_option(cli->out, i);
}

int
cli_usage(struct cli *cli, const char *format, ...)
{
	va_list ap;
	char *text;

	va_start(ap, format);
	text = xvasprintf(format, ap);
	va_end(ap);
	cli_say(cli, "%s", text);
	free(text);
	if (cli->command != NULL)
		fprintf(cli->err, "usage: drover %s%s%s%s\n", cli->command->name,
		    cli->command->options != 0 ? " [OPTION...]" : "",
		    *cli->command->args != '\0' ? " " : "", cli->command->args);
	return CLI_USAGE;
}

int
cli_number(struct cli *cli, enum cli_option option, int64_t min, int64_t max, int64_t fallback,
    int64_t *value)
{
	*value = fallback;
	if (cli->value[option] == NULL || units_parse_int(cli->value[option], min, max, value) == 0)
		return CLI_OK;
	return cli_usage(cli, "--%s: a number from %lld to %lld is needed", options[option].name,
	    (long long)min, (long long)max);
}

char **
cli_words(const char *text)
{
	char **words = xcalloc(1, sizeof *words);
	size_t n = 0;

	for (;;) {
		struct buf word = BUF_INIT;
		char quote = '\0';

		text += strspn(text, " \t\n");
		if (*text == '\0')
			return words;
		for (; *text != '\0' && (quote != '\0' || strchr(" \t\n", *text) == NULL); text++) {
			if (*text == quote)
				quote = '\0';
			else if (quote == '\0' && (*text == '\'' || *text == '"'))
				quote = *text;
			else if (*text == '\\' && quote != '\'' && text[1] != '\0')
				buf_addc(&word, *++text);
			else
				buf_addc(&word, *text);
		}
		words = xreallocarray(words, n + 2, sizeof *words);
		words[n++] = buf_take(&word);
		words[n] = NULL;
		if (quote != '\0') {
			free_strings(words);
			return NULL;
		}
	}
}

/*
 * Parses options. Returns the index of the first word that it left, or -1 after
 * saying what is wrong.
 */
static int
parse_options(struct cli *cli, int argc, char **argv, uint64_t allowed, bool *help)
{
	struct option longs[OPT_LEN + 1] = { 0 };
	char shorts[2 * OPT_LEN + 3];
	size_t n = 0, s = 0;
	int c;

	/*
	 * Before the command: stop at it. After it: get the arguments in their
	 * order, too, with negative numbers among them.
	 */
	shorts[s++] = cli->command == NULL ? '+' : '-';
	shorts[s++] = ':';
	for (int i = 0; i < OPT_LEN; i++) {
		if ((allowed & (UINT64_C(1) << i)) == 0)
			continue;
		longs[n++] = (struct option){ options[i].name,
			options[i].arg != NULL ? required_argument : no_argument, NULL, 256 + i };
		if (options[i].letter == 0)
			continue;
		shorts[s++] = options[i].letter;
		if (options[i].arg != NULL)
			shorts[s++] = ':';
	}
	shorts[s] = '\0';
	opterr = 0;
	/* With 0, but not with 1, glibc forgets the earlier argv. */
	optind = 0;
	for (;;) {
		int option;

		if (cli->command != NULL && optind > 0 && optind < argc &&
		    is_negative(argv[optind])) {
			cli->args[cli->args_len++] = argv[optind++];
			continue;
		}
		if ((c = getopt_long(argc, argv, shorts, longs, NULL)) == -1)
			break;
		if (c == 1) {
			cli->args[cli->args_len++] = optarg;
			continue;
		}
		option = c - 256;

		if (c == ':' || c == '?') {
			cli_usage(cli,
			    c == ':' ? "option `%s` needs an argument" :
				       "unknown option `%s`",
			    argv[optind - 1]);
			return -1;
		}
		for (int i = 0; c < 256 && i < OPT_LEN; i++)
			if (options[i].letter == c)
				option = i;
		cli->value[option] = optarg != NULL ? optarg : "";
		if (option == OPT_CHECK) {
			if (cli->checks_len == CLI_REPEAT_MAX) {
				cli_usage(cli, "--check: at most %d times", CLI_REPEAT_MAX);
				return -1;
			}
			cli->checks[cli->checks_len++] = optarg;
		}
		*help |= option == OPT_HELP;
	}
	return optind;
}

static bool
is_negative(const char *word)
{
	size_t len = strlen(word);

	return word[0] == '-' && len > 1 && strspn(word + 1, "0123456789") == len - 1;
}

static const struct command *
find_command(char **words, int n, int *taken)
{
	for (size_t i = 0; i < cli_commands_len; i++) {
		const char *name = cli_commands[i].name, *space = strchr(name, ' ');
		size_t first = space != NULL ? (size_t)(space - name) : strlen(name);

		if (strlen(words[0]) != first || strncmp(words[0], name, first) != 0)
			continue;
		if (space == NULL || (n > 1 && strcmp(words[1], space + 1) == 0)) {
			*taken = space == NULL ? 1 : 2;
			return &cli_commands[i];
		}
	}
	return NULL;
}

static bool
is_group(const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < cli_commands_len; i++)
		if (strncmp(cli_commands[i].name, word, len) == 0 &&
		    cli_commands[i].name[len] == ' ')
			return true;
	return false;
}

static void
print_option(FILE *out, int option)
{
	char left[64], letter[8] = "    ";

	if (options[option].letter != 0)
		snprintf(letter, sizeof letter, "-%c, ", options[option].letter);
	snprintf(left, sizeof left, "%s--%s%s%s", letter, options[option].name,
	    options[option].arg != NULL ? " " : "",
	    options[option].arg != NULL ? options[option].arg : "");
	fprintf(out, "  %-26s %s\n", left, options[option].help);
}
