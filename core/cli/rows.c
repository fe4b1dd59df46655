/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints lists from the daemon's answers. Each command has a table that says
 * which member of a row a column shows, and which function adds its cell.
 */
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/cli.h"

void
rows_print(struct cli *cli, const struct rows_column *columns, const cJSON *rows, const char *none)
{
	struct table_column heads[ROWS_COLUMNS_MAX];
	struct table *t;
	const cJSON *row;
	int n = 0;

	for (; n < ROWS_COLUMNS_MAX && columns[n].key != NULL; n++)
		heads[n] = columns[n].head;
	t = table_new(heads, n);
	cJSON_ArrayForEach(row, rows)
		for (int i = 0; i < n; i++)
			columns[i].add(t, row, columns[i].key);
	if (table_rows(t) > 0)
		table_print(t, cli->out, cli->width, cli->colour, *heads[0].title != '\0');
	else if (none != NULL)
		cli_say(cli, "%s", none);
	table_free(t);
}

void
rows_text(struct table *t, const cJSON *row, const char *key)
{
	const cJSON *value = json_get(row, key), *word;
	struct buf words = BUF_INIT;

	cJSON_ArrayForEach(word, value)
		if (cJSON_IsString(word))
			buf_addf(&words, "%s%s", words.len > 0 ? " " : "", word->valuestring);
	if (cJSON_IsNumber(value))
		table_add_int(t, json_int(row, key, 0));
	else
		table_add(t, words.len > 0 ? buf_str(&words) : json_str(row, key, ""));
	buf_free(&words);
}

void
rows_number(struct table *t, const cJSON *row, const char *key)
{
	table_add_int(t, json_int(row, key, 0));
}

void
rows_some(struct table *t, const cJSON *row, const char *key)
{
	if (json_int(row, key, 0) > 0)
		table_add_int(t, json_int(row, key, 0));
	else
		table_add(t, NULL);
}

void
rows_when(struct table *t, const cJSON *row, const char *key)
{
	char text[64];

	table_add(t, cli_when(json_int(row, key, 0), text, sizeof text));
}

void
rows_span(struct table *t, const cJSON *row, const char *key)
{
	char text[64];

	table_add(t, units_format_duration(json_int(row, key, 0), text, sizeof text));
}

void
rows_ok(struct table *t, const cJSON *row, const char *key)
{
	table_add(t, json_bool(row, key, false) ? "ok" : "failed");
}
