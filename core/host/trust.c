/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->trust: applies the core's rule about authors before the core does, so
 * that a prompt quotes only people who may ask for work.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "config/authors.h"
#include "host/service.h"

static int host_trust_allows(struct drover_scope *, const char *, const struct drover_person *,
    struct drover_error *);
static const char *host_trust_author(struct drover_scope *, const char *, size_t);
static const char *host_trust_own_source(const struct scope *);
static const char *const *host_trust_authors(struct scope *, const char *source,
    const char *const **own, struct error *);

const struct drover_host_trust host_trust = {
	.size = sizeof host_trust,
	.allows = host_trust_allows,
	.author = host_trust_author,
};

/*
 * The source that the scope works for, without the plugin's name; NULL when it
 * works for none of this plugin.
 */
static const char *
host_trust_own_source(const struct scope *scope)
{
	const char *full =
	    scope->role == SCOPE_JOB && scope->job != NULL ? scope->job->source : scope->log.source;
	size_t len = scope->log.plugin != NULL ? strlen(scope->log.plugin) : 0;

	if (full == NULL || len == 0 || strncmp(full, scope->log.plugin, len) != 0 ||
	    full[len] != '.')
		return NULL;
	return full + len + 1;
}

static const char *const *
host_trust_authors(struct scope *scope, const char *source, const char *const **own,
    struct error *err)
{
	const char *plugin = scope->log.plugin != NULL ? scope->log.plugin : "?";
	char full[2 * DROVER_NAME_MAX + 2];

	if (service_name(source, "source", err) != 0)
		return NULL;
	if ((source == NULL || *source == '\0') &&
	    (source = host_trust_own_source(scope)) == NULL) {
		error_set(err, DROVER_PERMANENT,
		    "no source is named, and none of plugin %s emitted this job: name one",
		    plugin);
		return NULL;
	}
	for (int i = 0; i < scope->sources_len; i++) {
		if (strcmp(scope->sources[i].name, source) != 0)
			continue;
		if (scope->sources[i].authors == NULL) {
			error_set(err, DROVER_PERMANENT, "source %s.%s has no authors", plugin,
			    source);
			return NULL;
		}
		(void)snprintf(full, sizeof full, "%s.%s", plugin, source);
		*own = scope->sources[i].authors;
		return authors_of(scope->config, full, *own);
	}
	error_set(err, DROVER_PERMANENT, "plugin %s has no source %s", plugin, source);
	return NULL;
}

static int
host_trust_allows(struct drover_scope *public, const char *source,
    const struct drover_person *given, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	const char *const *authors, *const *own;
	struct drover_person person;
	struct error err = { 0 };

	if ((authors = host_trust_authors(scope, source, &own, &err)) == NULL ||
	    service_person(given, &person, &err) != 0)
		return scope_fail(out, &err);
	return authors_allow(authors, own, &person, NULL);
}

static const char *
host_trust_author(struct drover_scope *public, const char *source, size_t index)
{
	const char *const *own,
	    *const *authors = host_trust_authors(scope_of(public), source, &own, NULL);

	for (; authors != NULL && *authors != NULL; authors++)
		if (index-- == 0)
			return *authors;
	return NULL;
}
