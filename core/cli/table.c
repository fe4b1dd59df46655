/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aligned columns. On a terminal the columns that give are shortened until a
 * row fits; in a pipe nothing is cut.
 */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"

#define CELL_MAX 512
#define GIVES_LEAST 8
#define GAP 2
#define COLUMNS_MAX 16

struct cell {
	char *text;
	const char *colour;
};

struct table {
	const struct table_column *columns;
	int columns_len;
	struct cell *cells;
	size_t cells_len, cells_cap;
};

static void table_fit(const struct table *, int *widths, int width);
static void cell_print(FILE *, const char *text, const char *colour, int width, bool right,
    bool last);
static size_t table_cut_text(const char *text, int width);

struct table *
table_new(const struct table_column *columns, int columns_len)
{
	struct table *t = xcalloc(1, sizeof *t);

	MUST(columns_len > 0 && columns_len <= COLUMNS_MAX);
	t->columns = columns;
	t->columns_len = columns_len;
	return t;
}

void
table_add(struct table *t, const char *text)
{
	struct buf safe = BUF_INIT;

	if (text == NULL || *text == '\0')
		text = "-";
	text_show(&safe, text, strlen(text), CELL_MAX);
	t->cells = xgrow(t->cells, t->cells_len + 1, &t->cells_cap, sizeof *t->cells);
	t->cells[t->cells_len++] = (struct cell){ buf_take(&safe), "" };
}

void
table_add_int(struct table *t, int64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)value);
	table_add(t, text);
}

void
table_colour(struct table *t, const char *colour)
{
	MUST(t->cells_len > 0);
	t->cells[t->cells_len - 1].colour = colour;
}

int
table_rows(const struct table *t)
{
	return (int)(t->cells_len / (size_t)t->columns_len);
}

void
table_print(struct table *t, FILE *f, int width, bool colour, bool titles)
{
	int widths[COLUMNS_MAX] = { 0 };

	for (int c = 0; c < t->columns_len; c++)
		widths[c] = titles ? text_width(t->columns[c].title) : 0;
	for (size_t i = 0; i < t->cells_len; i++) {
		int *w = &widths[i % (size_t)t->columns_len], need = text_width(t->cells[i].text);

		*w = need > *w ? need : *w;
	}
	if (width > 0)
		table_fit(t, widths, width);
	for (int c = 0; titles && c < t->columns_len; c++)
		cell_print(f, t->columns[c].title, colour ? "\033[2m" : "", widths[c],
		    t->columns[c].right, c == t->columns_len - 1);
	for (size_t i = 0; i < t->cells_len; i++) {
		int c = (int)(i % (size_t)t->columns_len);

		cell_print(f, t->cells[i].text, colour ? t->cells[i].colour : "", widths[c],
		    t->columns[c].right, c == t->columns_len - 1);
	}
}

void
table_free(struct table *t)
{
	for (size_t i = 0; i < t->cells_len; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}

/* Columns on a terminal; a byte outside any character counts as one. */
int
text_width(const char *text)
{
	mbstate_t state = { 0 };
	int width = 0;

	while (*text != '\0') {
		wchar_t wc;
		size_t n = mbrtowc(&wc, text, strlen(text), &state);
		int w;

		if (n == 0 || n > strlen(text)) {
			state = (mbstate_t){ 0 };
			n = 1;
			w = 1;
		} else if ((w = wcwidth(wc)) < 0)
			w = 1;
		width += w;
		text += n;
	}
	return width;
}

static void
table_fit(const struct table *t, int *widths, int width)
{
	int total = (t->columns_len - 1) * GAP;

	for (int c = 0; c < t->columns_len; c++)
		total += widths[c];
	/*
	 * Narrows the widest column that may give, by one at a time, so that
	 * all that give end up alike.
	 */
	while (total > width) {
		int widest = -1;

		for (int c = 0; c < t->columns_len; c++)
			if (t->columns[c].gives && widths[c] > GIVES_LEAST &&
			    (widest == -1 || widths[c] > widths[widest]))
				widest = c;
		if (widest == -1)
			return;
		widths[widest]--;
		total--;
	}
}

static void
cell_print(FILE *f, const char *text, const char *colour, int width, bool right, bool last)
{
	int own = text_width(text);
	size_t len = strlen(text);
	const char *dots = "";

	if (own > width) {
		dots = width > 3 ? "..." : "";
		len = table_cut_text(text, width - (int)strlen(dots));
		own = width;
	}
	if (right)
		fprintf(f, "%*s", width - own, "");
	fprintf(f, "%s%.*s%s%s", colour, (int)len, text, dots, *colour != '\0' ? "\033[0m" : "");
	if (last)
		fputc('\n', f);
	else
		fprintf(f, "%*s", (right ? 0 : width - own) + GAP, "");
}

/* Bytes of text that fit into width columns. */
static size_t
table_cut_text(const char *text, int width)
{
	size_t len = 0, n;
	uint32_t cp;
	char one[8];

	while (text[len] != '\0') {
		/* No character goes on behind the NUL at the end. */
		if ((n = text_decode(text + len, 4, &cp)) == 0)
			n = 1;
		memcpy(one, text + len, n);
		one[n] = '\0';
		if ((width -= text_width(one)) < 0)
			break;
		len += n;
	}
	return len;
}
