/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What drover says to people. Any of it may contain untrusted text, which is
 * made safe here and nowhere else.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/cli.h"

#define LINE_MAX_BYTES 4096

static void print_safe(FILE *, const char *text);
static void talk_say(struct cli *, const char *format, va_list)
    __attribute__((format(printf, 2, 0)));

static void
talk_say(struct cli *cli, const char *format, va_list ap)
{
	char *text = xvasprintf(format, ap);

	fputs("drover: ", cli->err);
	print_safe(cli->err, text);
	fputc('\n', cli->err);
	free(text);
}

void
cli_say(struct cli *cli, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	talk_say(cli, format, ap);
	va_end(ap);
}

int
cli_done(struct cli *cli, int status, const char *format, ...)
{
	va_list ap;

	if (status == CLI_OK && cli->value[OPT_JSON] == NULL) {
		va_start(ap, format);
		talk_say(cli, format, ap);
		va_end(ap);
	}
	return status;
}

int
cli_fail(struct cli *cli, const struct error *err)
{
	cli_say(cli, "%s", err->text);
	return CLI_FAILED;
}

void
cli_print(struct cli *cli, const char *untrusted)
{
	print_safe(cli->out, untrusted);
	fputc('\n', cli->out);
}

void
cli_field(struct cli *cli, const char *name, const char *untrusted)
{
	if (untrusted == NULL || *untrusted == '\0')
		return;
	fprintf(cli->out, "%-13s ", name);
	cli_print(cli, untrusted);
}

int
cli_json(struct cli *cli, const cJSON *json)
{
	char *text = json_print(json);

	fprintf(cli->out, "%s\n", text);
	free(text);
	return CLI_OK;
}

int
cli_show(struct cli *cli, int status, cJSON *answer, void (*print)(struct cli *, const cJSON *))
{
	if (status == CLI_OK && cli->value[OPT_JSON] != NULL)
		cli_json(cli, answer);
	else if (status == CLI_OK)
		print(cli, answer);
	cJSON_Delete(answer);
	return status;
}

const char *
cli_state_colour(const char *state)
{
	static const struct {
		const char *state, *colour;
	} colours[] = {
		{ "running", "\033[36m" },
		{ "succeeded", "\033[32m" },
		{ "dead", "\033[31m" },
		{ "held", "\033[33m" },
		{ "delayed", "\033[33m" },
		{ "cancelled", "\033[2m" },
	};

	for (size_t i = 0; i < ARRAY_LEN(colours); i++)
		if (strcmp(colours[i].state, state) == 0)
			return colours[i].colour;
	return "";
}

char *
cli_when(int64_t wall_ms, char *out, size_t size)
{
	char span[64];
	int64_t ago = clock_wall() - wall_ms;

	if (wall_ms <= 0) {
		snprintf(out, size, "-");
		return out;
	}
	/* Seconds are fine enough, and milliseconds only flicker. */
	units_format_duration((ago < 0 ? -ago : ago) / 1000 * 1000, span, sizeof span);
	if (ago < 0)
		snprintf(out, size, "%s%s", ago > -1000 ? "now" : "in ", ago > -1000 ? "" : span);
	else
		snprintf(out, size, "%s ago", ago < 1000 ? "0s" : span);
	return out;
}

static void
print_safe(FILE *f, const char *text)
{
	struct buf safe = BUF_INIT;

	text_show(&safe, text, strlen(text), LINE_MAX_BYTES);
	fputs(buf_str(&safe), f);
	buf_free(&safe);
}
