/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks what a plugin declares about itself, before any of its callbacks is
 * called. The sizes of minor version 0 stand here and nowhere else: each is the
 * end of the last member that version 1.0 had.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/authors.h"
#include "load/loader.h"

#define DESCRIPTOR_EXPORTS_MAX 256
#define DESCRIPTOR_OPTIONS_MAX 256
#define DESCRIPTOR_RETRIES_MAX 100
/* 10 years in ms, as in a configuration: it can be added to a time. */
#define DESCRIPTOR_DURATION_MAX (INT64_C(3650) * 24 * 60 * 60 * 1000)
#define DESCRIPTOR_END(type, last) \
	((uint32_t)(offsetof(struct type, last) + sizeof(((struct type *)NULL)->last)))

/*
 * Sources, pipelines and operations are checked by the same code. This says
 * where each of the three structs keeps what all of them have.
 */
struct descriptor_kind {
	const char *what;            /* "source" */
	const char *callback;        /* name of the callback that it must have */
	uint32_t size_0;
	size_t name_at, callback_at;
	size_t options_at;           /* 0 if it has no options */
};

static const struct descriptor_kind descriptor_source = {
	"source",
	"poll",
	DESCRIPTOR_END(drover_source, close),
	offsetof(struct drover_source, name),
	offsetof(struct drover_source, poll),
	offsetof(struct drover_source, options),
};
static const struct descriptor_kind descriptor_pipeline = {
	"pipeline",
	"run",
	DESCRIPTOR_END(drover_pipeline, run),
	offsetof(struct drover_pipeline, name),
	offsetof(struct drover_pipeline, run),
	offsetof(struct drover_pipeline, options),
};
static const struct descriptor_kind descriptor_operation = {
	"operation",
	"call",
	DESCRIPTOR_END(drover_operation, call),
	offsetof(struct drover_operation, name),
	offsetof(struct drover_operation, call),
	0,
};

static int descriptor_check_header(const struct drover_plugin *, const char *name, struct error *);
static int descriptor_check_options(const struct drover_option *, const char *owner,
    struct error *);
static const void *descriptor_check_member(const void *one, size_t at);
static int descriptor_check_one(const struct descriptor_kind *, const void *const *list, int index,
    const char *plugin, struct error *);
static int descriptor_check_list(const struct descriptor_kind *, const void *const *list,
    const char *plugin, struct error *);
static int descriptor_check_duration(const char *what, const char *plugin, const char *name,
    const char *member, int64_t ms, struct error *);
static int descriptor_check_numbers(const struct drover_plugin *, struct error *);
static int descriptor_check_prompt(const struct drover_prompt *, const char *owner, struct error *);
static int descriptor_check_prompts(const struct drover_plugin *, struct error *);

static int
descriptor_check_header(const struct drover_plugin *plugin, const char *name, struct error *err)
{
	if (plugin->magic != DROVER_PLUGIN_MAGIC)
		return error_set(err, DROVER_CONFIG,
		    "plugin %s: its descriptor does not begin with DROVER_PLUGIN_HEADER (magic "
		    "%#x)",
		    name, (unsigned)plugin->magic);
	if (plugin->major != DROVER_ABI_MAJOR)
		return error_set(err, DROVER_CONFIG,
		    "plugin %s speaks ABI %u, this drover speaks %d: install the plugin's release "
		    "for this drover",
		    name, plugin->major, DROVER_ABI_MAJOR);
	if (plugin->size < DESCRIPTOR_END(drover_plugin, close))
		return error_set(err, DROVER_CONFIG,
		    "plugin %s: its descriptor has %u bytes, ABI 1.0 has %u: build it anew with "
		    "drover's header",
		    name, (unsigned)plugin->size, (unsigned)DESCRIPTOR_END(drover_plugin, close));
	if (plugin->needs_minor > DROVER_ABI_MINOR)
		return error_set(err, DROVER_CONFIG,
		    "plugin %s needs ABI %d.%u, this is %d.%d: install a newer drover", name,
		    DROVER_ABI_MAJOR, plugin->needs_minor, DROVER_ABI_MAJOR, DROVER_ABI_MINOR);
	if (plugin->name == NULL || strcmp(plugin->name, name) != 0)
		return error_set(err, DROVER_CONFIG,
		    "plugin %s calls itself \"%.64s\": file and plugin must have one name", name,
		    plugin->name != NULL ? plugin->name : "");
	if (!text_is_name(plugin->name))
		return error_set(err, DROVER_CONFIG,
		    "plugin \"%.64s\": names have a-z, 0-9, - and _ only, %d at most", plugin->name,
		    DROVER_NAME_MAX);
	if (plugin->version == NULL || plugin->version[0] == '\0')
		return error_set(err, DROVER_CONFIG, "plugin %s declares no version", name);
	return 0;
}

static int
descriptor_check_options(const struct drover_option *table, const char *owner, struct error *err)
{
	for (int i = 0; table != NULL && table[i].key != NULL; i++) {
		const struct drover_option *option = &table[i];

		if (i >= DESCRIPTOR_OPTIONS_MAX)
			return error_set(err, DROVER_CONFIG,
			    "%s has more than %d options: does the table end with a NULL key?",
			    owner, DESCRIPTOR_OPTIONS_MAX);
		if (!text_is_name(option->key))
			return error_set(err, DROVER_CONFIG,
			    "%s: an option is called \"%.64s\": names have a-z, 0-9, - and _ only",
			    owner, option->key);
		if (option->type < DROVER_STRING || option->type > DROVER_LIST)
			return error_set(err, DROVER_CONFIG,
			    "%s: option %s has type %d, which ABI %d.%d does not know", owner,
			    option->key, option->type, DROVER_ABI_MAJOR, DROVER_ABI_MINOR);
		if ((option->flags & ~(DROVER_REQUIRED | DROVER_SECRET)) != 0)
			return error_set(err, DROVER_CONFIG,
			    "%s: option %s has flags %#x, which ABI %d.%d does not know", owner,
			    option->key, (unsigned)option->flags, DROVER_ABI_MAJOR,
			    DROVER_ABI_MINOR);
		if ((option->flags & DROVER_SECRET) != 0 && option->type != DROVER_STRING)
			return error_set(err, DROVER_CONFIG,
			    "%s: option %s is a secret and must be a string", owner, option->key);
		for (int j = 0; j < i; j++) {
			if (strcmp(table[j].key, option->key) == 0)
				return error_set(err, DROVER_CONFIG, "%s declares option %s twice",
				    owner, option->key);
		}
	}
	return 0;
}

/*
 * Reads a pointer member, of data or code, without knowing the struct's type.
 */
static const void *
descriptor_check_member(const void *one, size_t at)
{
	const void *member;

	memcpy(&member, (const char *)one + at, sizeof member);
	return member;
}

static int
descriptor_check_one(const struct descriptor_kind *kind, const void *const *list, int index,
    const char *plugin, struct error *err)
{
	const void *one = list[index];
	char owner[2 * DROVER_NAME_MAX + 32];
	const char *name;
	uint32_t size;

	memcpy(&size, one, sizeof size);
	if (size < kind->size_0)
		return error_set(err, DROVER_CONFIG,
		    "plugin %s: %s number %d has %u bytes, ABI 1.0 has %u: is .size set?", plugin,
		    kind->what, index + 1, (unsigned)size, (unsigned)kind->size_0);
	name = descriptor_check_member(one, kind->name_at);
	if (name == NULL || !text_is_name(name) || strchr(name, '_') != NULL)
		return error_set(err, DROVER_CONFIG,
		    "plugin %s: %s number %d is called \"%.64s\": names have a-z, 0-9 and - only",
		    plugin, kind->what, index + 1, name != NULL ? name : "");
	(void)snprintf(owner, sizeof owner, "%s %s.%s", kind->what, plugin, name);
	if (descriptor_check_member(one, kind->callback_at) == NULL)
		return error_set(err, DROVER_CONFIG, "%s has no %s()", owner, kind->callback);
	for (int i = 0; i < index; i++) {
		if (strcmp(name, descriptor_check_member(list[i], kind->name_at)) == 0)
			return error_set(err, DROVER_CONFIG, "%s is declared twice", owner);
	}
	return kind->options_at == 0 ?
	    0 :
	    descriptor_check_options(descriptor_check_member(one, kind->options_at), owner, err);
}

static int
descriptor_check_list(const struct descriptor_kind *kind, const void *const *list,
    const char *plugin, struct error *err)
{
	for (int i = 0; list != NULL && list[i] != NULL; i++) {
		if (i >= DESCRIPTOR_EXPORTS_MAX)
			return error_set(err, DROVER_CONFIG,
			    "plugin %s has more than %d %ss: does the list end with NULL?", plugin,
			    DESCRIPTOR_EXPORTS_MAX, kind->what);
		if (descriptor_check_one(kind, list, i, plugin, err) == -1)
			return -1;
	}
	return 0;
}

/*
 * Checks the marks that may start work unless `authors` is configured. A plugin
 * cannot declare "*": only a configuration may let everyone start work.
 */
static int
descriptor_check_authors(const struct drover_source *source, const char *plugin, struct error *err)
{
	const char *what = NULL;
	char owner[2 * DROVER_NAME_MAX + 32];
	size_t i;

	(void)snprintf(owner, sizeof owner, "source %s.%s", plugin, source->name);
	for (i = 0; source->options != NULL && source->options[i].key != NULL; i++)
		if (strcmp(source->options[i].key, "authors") == 0)
			return error_set(err, DROVER_CONFIG,
			    "%s declares the option authors: that key is drover's own", owner);
	if (source->size < DESCRIPTOR_END(drover_source, authors) || source->authors == NULL)
		return 0;
	for (i = 0; what == NULL && source->authors[i] != NULL; i++) {
		if (i == DESCRIPTOR_OPTIONS_MAX)
			return error_set(err, DROVER_CONFIG,
			    "%s has more than %d authors: does the list end with NULL?", owner,
			    DESCRIPTOR_OPTIONS_MAX);
		what = strcmp(source->authors[i], AUTHORS_ANYBODY) == 0 ?
		    "\"*\", which only a configuration may say" :
		    authors_fault(source->authors[i]);
	}
	return what == NULL ?
	    0 :
	    error_set(err, DROVER_CONFIG, "%s: its list of authors contains %s", owner, what);
}

static int
descriptor_check_duration(const char *what, const char *plugin, const char *name,
    const char *member, int64_t ms, struct error *err)
{
	if (ms >= 0 && ms <= DESCRIPTOR_DURATION_MAX)
		return 0;
	return error_set(err, DROVER_CONFIG,
	    "%s %s.%s has %s %" PRId64 ": 0 to %" PRId64 " (10 years) are allowed", what, plugin,
	    name, member, ms, DESCRIPTOR_DURATION_MAX);
}

static int
descriptor_check_numbers(const struct drover_plugin *plugin, struct error *err)
{
	for (int i = 0; plugin->sources != NULL && plugin->sources[i] != NULL; i++) {
		if (descriptor_check_duration("source", plugin->name, plugin->sources[i]->name,
			"interval_ms", plugin->sources[i]->interval_ms, err) == -1)
			return -1;
		if (descriptor_check_authors(plugin->sources[i], plugin->name, err) == -1)
			return -1;
	}
	for (int i = 0; plugin->operations != NULL && plugin->operations[i] != NULL; i++) {
		if ((plugin->operations[i]->flags & ~DROVER_OPERATION_CREDENTIAL) != 0)
			return error_set(err, DROVER_CONFIG,
			    "operation %s.%s has flags %#x, which ABI %d.%d does not know",
			    plugin->name, plugin->operations[i]->name,
			    (unsigned)plugin->operations[i]->flags, DROVER_ABI_MAJOR,
			    DROVER_ABI_MINOR);
		if (descriptor_check_duration("operation", plugin->name,
			plugin->operations[i]->name, "timeout_ms",
			plugin->operations[i]->timeout_ms, err) == -1)
			return -1;
	}
	for (int i = 0; plugin->pipelines != NULL && plugin->pipelines[i] != NULL; i++) {
		const struct drover_pipeline *pipeline = plugin->pipelines[i];

		if (pipeline->retries < 0 || pipeline->retries > DESCRIPTOR_RETRIES_MAX)
			return error_set(err, DROVER_CONFIG,
			    "pipeline %s.%s wants %d retries: 0 to %d are allowed", plugin->name,
			    pipeline->name, pipeline->retries, DESCRIPTOR_RETRIES_MAX);
		if (descriptor_check_duration("pipeline", plugin->name, pipeline->name,
			"timeout_ms", pipeline->timeout_ms, err) == -1 ||
		    descriptor_check_duration("pipeline", plugin->name, pipeline->name,
			"silence_ms", pipeline->silence_ms, err) == -1)
			return -1;
	}
	return 0;
}

static int
descriptor_check_prompt(const struct drover_prompt *prompt, const char *owner, struct error *err)
{
	if (prompt->size < DESCRIPTOR_END(drover_prompt, variables))
		return error_set(err, DROVER_CONFIG,
		    "%s: a prompt has %u bytes, ABI 1.1 has %u: is .size set?", owner,
		    (unsigned)prompt->size, (unsigned)DESCRIPTOR_END(drover_prompt, variables));
	if (prompt->name == NULL || !text_is_name(prompt->name) ||
	    strchr(prompt->name, '_') != NULL)
		return error_set(err, DROVER_CONFIG,
		    "%s: a prompt is called \"%.64s\": names have a-z, 0-9 and - only", owner,
		    prompt->name != NULL ? prompt->name : "");
	for (int i = 0; prompt->variables != NULL && prompt->variables[i] != NULL; i++) {
		if (i >= DESCRIPTOR_OPTIONS_MAX)
			return error_set(err, DROVER_CONFIG,
			    "%s: prompt %s has more than %d variables: does the list end with "
			    "NULL?",
			    owner, prompt->name, DESCRIPTOR_OPTIONS_MAX);
		if (!text_is_name(prompt->variables[i]))
			return error_set(err, DROVER_CONFIG,
			    "%s: prompt %s has a variable \"%.64s\": names have a-z, 0-9, - and _ "
			    "only",
			    owner, prompt->name, prompt->variables[i]);
	}
	return 0;
}

/*
 * Pipelines have prompts since 1.1. The struct of one that was built with an
 * older header ends before that member.
 */
static int
descriptor_check_prompts(const struct drover_plugin *plugin, struct error *err)
{
	char owner[2 * DROVER_NAME_MAX + 32];

	for (int i = 0; plugin->pipelines != NULL && plugin->pipelines[i] != NULL; i++) {
		const struct drover_pipeline *pipeline = plugin->pipelines[i];

		if (pipeline->size < DESCRIPTOR_END(drover_pipeline, prompts) ||
		    pipeline->prompts == NULL)
			continue;
		(void)snprintf(owner, sizeof owner, "pipeline %s.%s", plugin->name, pipeline->name);
		for (int j = 0; pipeline->prompts[j] != NULL; j++) {
			if (j >= DESCRIPTOR_EXPORTS_MAX)
				return error_set(err, DROVER_CONFIG,
				    "%s has more than %d prompts: does the list end with NULL?",
				    owner, DESCRIPTOR_EXPORTS_MAX);
			if (descriptor_check_prompt(pipeline->prompts[j], owner, err) == -1)
				return -1;
		}
	}
	return 0;
}

int
descriptor_check(const struct drover_plugin *plugin, const char *name, struct error *err)
{
	char owner[DROVER_NAME_MAX + 16];

	if (descriptor_check_header(plugin, name, err) == -1)
		return -1;
	(void)snprintf(owner, sizeof owner, "plugin %s", plugin->name);
	if (descriptor_check_options(plugin->options, owner, err) == -1 ||
	    descriptor_check_list(&descriptor_source, (const void *const *)plugin->sources,
		plugin->name, err) == -1 ||
	    descriptor_check_list(&descriptor_pipeline, (const void *const *)plugin->pipelines,
		plugin->name, err) == -1 ||
	    descriptor_check_list(&descriptor_operation, (const void *const *)plugin->operations,
		plugin->name, err) == -1)
		return -1;
	return descriptor_check_numbers(plugin, err) == -1 ? -1 :
							     descriptor_check_prompts(plugin, err);
}
