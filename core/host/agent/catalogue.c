/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue of vendors' error texts. Its patterns come from a data file and
 * are tried in the file's order, with limits, because the text they are matched
 * against is not trusted. The first match gives the class of the error, and the
 * time of its reset if the text names one.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include <stdlib.h>
#include <string.h>

#include <libconfig.h>
#include <pcre2.h>

#include "base/mem.h"
#include "base/path.h"
#include "host/agent/agent.h"
#include "host/agent/reset.h"

#define CATALOGUE_MAGIC 0xca7a1063u
#define CATALOGUE_FILE "agent-errors.conf"
#define FILE_MAX (256 * 1024)
#define TEXT_MAX 16384
#define WORD_MAX 128
#define MATCH_LIMIT 200000
#define DEPTH_LIMIT 1000
#define HEAP_LIMIT_KIB 1024

struct catalogue_entry {
	pcre2_code *code;
	int class;
	enum reset reset;
	/* numbers of the groups; 0 when the pattern has no such group */
	uint32_t reset_group, zone_group;
	char **examples;
	int examples_len;
	unsigned int line;
};

struct catalogue {
	uint32_t magic;
	char *path;
	struct catalogue_entry *entries;
	int len;
	pcre2_match_context *limits;
};

static int catalogue_read(struct catalogue *, config_t *, struct error *);
static int catalogue_entry_read(const struct catalogue *, struct catalogue_entry *,
    const config_setting_t *, struct error *);
static int catalogue_entry_compile(const struct catalogue *, struct catalogue_entry *,
    const char *pattern, struct error *);
static int catalogue_entry_examples(const struct catalogue *, struct catalogue_entry *,
    const config_setting_t *, struct error *);
static uint32_t catalogue_entry_group(const struct catalogue_entry *, const char *name);
static int catalogue_find(const struct catalogue *, const char *text, size_t len, uint32_t options,
    int64_t now, int64_t *until);
static bool catalogue_entry_match(const struct catalogue *, const struct catalogue_entry *,
    const char *text, size_t len, uint32_t options, int64_t now, int64_t *until);
static bool catalogue_copy_group(pcre2_match_data *, uint32_t group, char *out, size_t size);
static int catalogue_error_at(const struct catalogue *, unsigned int line, struct error *,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

struct catalogue *
catalogue_load(const char *path, struct error *err)
{
	struct catalogue *c;
	struct buf text = BUF_INIT;
	config_t config;
	int rc = -1;

	OBJ_NEW(c, CATALOGUE_MAGIC);
	c->path = path != NULL ? xstrdup(path) : path_data(CATALOGUE_FILE);
	c->limits = pcre2_match_context_create(NULL);
	MUST(c->limits != NULL);
	pcre2_set_match_limit(c->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(c->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(c->limits, HEAP_LIMIT_KIB);
	config_init(&config);
	if (path_read(c->path, FILE_MAX, &text, err) != 0)
		goto done;
	if (config_read_string(&config, buf_str(&text)) != CONFIG_TRUE) {
		catalogue_error_at(c, (unsigned int)config_error_line(&config), err, "%s",
		    config_error_text(&config));
		goto done;
	}
	rc = catalogue_read(c, &config, err);
done:
	config_destroy(&config);
	buf_free(&text);
	if (rc == 0)
		return c;
	catalogue_free(c);
	return NULL;
}

void
catalogue_free(struct catalogue *c)
{
	int i, j;

	if (c == NULL)
		return;
	OBJ_CHECK(c, CATALOGUE_MAGIC);
	for (i = 0; i < c->len; i++) {
		pcre2_code_free(c->entries[i].code);
		for (j = 0; j < c->entries[i].examples_len; j++)
			free(c->entries[i].examples[j]);
		free(c->entries[i].examples);
	}
	free(c->entries);
	free(c->path);
	pcre2_match_context_free(c->limits);
	OBJ_FREE(c);
}

int
catalogue_match(const struct catalogue *c, const char *text, size_t len, int64_t now,
    int64_t *until)
{
	int i = catalogue_find(c, text, len, 0, now, until);

	return i < 0 ? 0 : c->entries[i].class;
}

int
catalogue_match_start(const struct catalogue *c, const char *text, size_t len, int64_t now,
    int64_t *until)
{
	int i = catalogue_find(c, text, len, PCRE2_ANCHORED, now, until);

	return i < 0 ? 0 : c->entries[i].class;
}

int
catalogue_verify(const struct catalogue *c, int64_t now, struct error *err)
{
	const struct catalogue_entry *e;
	int64_t until;
	int i, j, found;

	for (i = 0; i < c->len; i++) {
		e = &c->entries[i];
		for (j = 0; j < e->examples_len; j++) {
			found = catalogue_find(c, e->examples[j], strlen(e->examples[j]), 0, now,
			    &until);
			if (found < 0)
				return catalogue_error_at(c, e->line, err,
				    "no entry matches the example \"%.200s\"", e->examples[j]);
			if (found != i)
				return catalogue_error_at(c, e->line, err,
				    "the example \"%.200s\" is matched first by the entry of line "
				    "%u",
				    e->examples[j], c->entries[found].line);
			if ((e->reset != RESET_NONE) != (until != 0))
				return catalogue_error_at(c, e->line, err,
				    "the entry's reset does not fit the example \"%.200s\"",
				    e->examples[j]);
		}
	}
	return 0;
}

static int
catalogue_read(struct catalogue *c, config_t *config, struct error *err)
{
	const config_setting_t *list = config_lookup(config, "errors");
	int i, n = list != NULL ? config_setting_length(list) : 0;

	if (list == NULL || !config_setting_is_list(list) || n == 0)
		return catalogue_error_at(c, 1, err, "the file has no list \"errors\"");
	c->entries = xcalloc((size_t)n, sizeof *c->entries);
	for (i = 0; i < n; i++) {
		c->len++;
		if (catalogue_entry_read(c, &c->entries[i],
			config_setting_get_elem(list, (unsigned int)i), err) != 0)
			return -1;
	}
	return 0;
}

static int
catalogue_entry_read(const struct catalogue *c, struct catalogue_entry *e,
    const config_setting_t *group, struct error *err)
{
	const char *agent, *pattern, *class, *reset = "none";
	int kind;

	e->line = config_setting_source_line(group);
	if (!config_setting_is_group(group) ||
	    config_setting_lookup_string(group, "agent", &agent) != CONFIG_TRUE ||
	    config_setting_lookup_string(group, "pattern", &pattern) != CONFIG_TRUE ||
	    config_setting_lookup_string(group, "class", &class) != CONFIG_TRUE)
		return catalogue_error_at(c, e->line, err,
		    "an entry needs agent, pattern, class and example");
	e->class = error_class_parse(class);
	if (e->class != DROVER_QUOTA && e->class != DROVER_AUTH && e->class != DROVER_CONFIG &&
	    e->class != DROVER_AGAIN)
		return catalogue_error_at(c, e->line, err,
		    "class \"%.32s\" must be quota, auth, config or again", class);
	config_setting_lookup_string(group, "reset", &reset);
	kind = reset_kind(reset);
	if (kind < 0)
		return catalogue_error_at(c, e->line, err,
		    "reset \"%.32s\" must be none, clock, relative, epoch or iso", reset);
	e->reset = (enum reset)kind;
	if (catalogue_entry_compile(c, e, pattern, err) != 0)
		return -1;
	return catalogue_entry_examples(c, e, config_setting_get_member(group, "example"), err);
}

static int
catalogue_entry_compile(const struct catalogue *c, struct catalogue_entry *e, const char *pattern,
    struct error *err)
{
	PCRE2_UCHAR text[128];
	PCRE2_SIZE at;
	int number;

	e->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	    PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_UTF |
		PCRE2_NEVER_BACKSLASH_C,
	    &number, &at, NULL);
	if (e->code == NULL) {
		pcre2_get_error_message(number, text, sizeof text);
		return catalogue_error_at(c, e->line, err, "pattern: %s at character %zu",
		    (const char *)text, (size_t)at);
	}
	e->reset_group = catalogue_entry_group(e, "reset");
	e->zone_group = catalogue_entry_group(e, "zone");
	if ((e->reset != RESET_NONE) != (e->reset_group != 0))
		return catalogue_error_at(c, e->line, err,
		    "a pattern must have a group (?<reset>...) if reset says how to read it, and "
		    "only then");
	return 0;
}

static int
catalogue_entry_examples(const struct catalogue *c, struct catalogue_entry *e,
    const config_setting_t *example, struct error *err)
{
	int i, n;
	const char *text;

	if (example == NULL)
		return catalogue_error_at(c, e->line, err,
		    "an entry needs agent, pattern, class and example");
	n = config_setting_type(example) == CONFIG_TYPE_STRING ? 1 : config_setting_length(example);
	e->examples = xcalloc((size_t)n + 1, sizeof *e->examples);
	for (i = 0; i < n; i++) {
		text = config_setting_type(example) == CONFIG_TYPE_STRING ?
		    config_setting_get_string(example) :
		    config_setting_get_string_elem(example, i);
		if (text == NULL)
			return catalogue_error_at(c, e->line, err,
			    "example must be a string or a list of strings");
		e->examples[e->examples_len++] = xstrdup(text);
	}
	return n > 0 ? 0 : catalogue_error_at(c, e->line, err, "example is empty");
}

static uint32_t
catalogue_entry_group(const struct catalogue_entry *e, const char *name)
{
	int number = pcre2_substring_number_from_name(e->code, (PCRE2_SPTR)name);

	return number > 0 ? (uint32_t)number : 0;
}

/*
 * Index of the first entry that matches, or -1. Of a long text only the last
 * TEXT_MAX bytes are searched, or the first if the match is anchored.
 */
static int
catalogue_find(const struct catalogue *c, const char *text, size_t len, uint32_t options,
    int64_t now, int64_t *until)
{
	int i;

	OBJ_CHECK(c, CATALOGUE_MAGIC);
	*until = 0;
	if (len > TEXT_MAX && (options & PCRE2_ANCHORED) == 0)
		text += len - TEXT_MAX;
	if (len > TEXT_MAX)
		len = TEXT_MAX;
	for (i = 0; i < c->len; i++) {
		if (catalogue_entry_match(c, &c->entries[i], text, len, options, now, until))
			return i;
	}
	return -1;
}

static bool
catalogue_entry_match(const struct catalogue *c, const struct catalogue_entry *e, const char *text,
    size_t len, uint32_t options, int64_t now, int64_t *until)
{
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(e->code, NULL);
	char reset[WORD_MAX], zone[WORD_MAX];
	bool found;

	MUST(data != NULL);
	found = pcre2_match(e->code, (PCRE2_SPTR)text, len, 0, options | PCRE2_NO_JIT, data,
		    c->limits) > 0;
	if (found && catalogue_copy_group(data, e->reset_group, reset, sizeof reset))
		*until = reset_time(e->reset, reset,
		    catalogue_copy_group(data, e->zone_group, zone, sizeof zone) ? zone : NULL,
		    now);
	pcre2_match_data_free(data);
	return found;
}

static bool
catalogue_copy_group(pcre2_match_data *data, uint32_t group, char *out, size_t size)
{
	PCRE2_SIZE room = size;

	return group != 0 &&
	    pcre2_substring_copy_bynumber(data, group, (PCRE2_UCHAR *)out, &room) == 0;
}

static int
catalogue_error_at(const struct catalogue *c, unsigned int line, struct error *err,
    const char *format, ...)
{
	char *text;
	va_list ap;

	va_start(ap, format);
	text = xvasprintf(format, ap);
	va_end(ap);
	error_set(err, DROVER_CONFIG, "%s:%u: %s", c->path, line, text);
	free(text);
	return -1;
}
