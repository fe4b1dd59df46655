/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->option: the options of the source or pipeline, and those of its plugin
 * where it declares none of that name itself.
 */
#include "host/service.h"

static const char *host_option_string(struct drover_scope *, const char *);
static int64_t host_option_integer(struct drover_scope *, const char *);
static size_t host_option_count(struct drover_scope *, const char *);
static const char *host_option_item(struct drover_scope *, const char *, size_t);
static const struct options *host_option_owner(struct drover_scope *, const char *);

const struct drover_host_option host_option = {
	.size = sizeof host_option,
	.string = host_option_string,
	.integer = host_option_integer,
	.count = host_option_count,
	.item = host_option_item,
};

static const struct options *
host_option_owner(struct drover_scope *public, const char *key)
{
	struct scope *scope = scope_of(public);

	if (key == NULL)
		return NULL;
	if (scope->options != NULL && options_has(scope->options, key))
		return scope->options;
	return scope->plugin_options;
}

static const char *
host_option_string(struct drover_scope *public, const char *key)
{
	const struct options *options = host_option_owner(public, key);

	return options != NULL ? options_string(options, key) : NULL;
}

static int64_t
host_option_integer(struct drover_scope *public, const char *key)
{
	const struct options *options = host_option_owner(public, key);

	return options != NULL ? options_integer(options, key) : 0;
}

static size_t
host_option_count(struct drover_scope *public, const char *key)
{
	const struct options *options = host_option_owner(public, key);

	return options != NULL ? options_count(options, key) : 0;
}

static const char *
host_option_item(struct drover_scope *public, const char *key, size_t index)
{
	const struct options *options = host_option_owner(public, key);

	return options != NULL ? options_item(options, key, index) : NULL;
}
