/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trust gate as a pure function of a list and a person. Bots and drover's
 * own account start no work whatever is configured, since two programs that
 * answer each other would never stop.
 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "config/authors.h"

static bool authors_name(const char *entry, const char *const *own, const struct drover_person *);

const char *
authors_fault(const char *entry)
{
	size_t len = strlen(entry);

	if (len == 0)
		return "an empty entry";
	if (len > DROVER_KEY_MAX)
		return "an entry of more than 256 bytes";
	if (!text_is_utf8(entry, len))
		return "an entry that is not UTF-8";
	for (const char *p = entry; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return "an entry with a control character";
	if (entry[0] == ' ' || entry[len - 1] == ' ')
		return "an entry that begins or ends with a blank";
	if (len > 1 && strchr(entry, '*') != NULL)
		return "a pattern: \"*\" stands for everyone and stands alone";
	return NULL;
}

const char *const *
authors_of(const struct config *config, const char *source, const char *const *defaults)
{
	const struct config_source *configured = config_source(config, source);

	if (defaults == NULL || configured == NULL || configured->authors == NULL)
		return defaults;
	return (const char *const *)configured->authors;
}

static bool
authors_name(const char *entry, const char *const *own, const struct drover_person *person)
{
	bool mark = false;

	if (strcmp(entry, AUTHORS_ANYBODY) == 0)
		return true;
	for (; own != NULL && *own != NULL; own++)
		mark = mark || strcasecmp(entry, *own) == 0;
	if (!mark && strcasecmp(entry, person->id) == 0)
		return true;
	for (size_t i = 0; person->marks != NULL && person->marks[i] != NULL; i++)
		if (strcmp(entry, person->marks[i]) == 0)
			return true;
	return false;
}

int
authors_allow(const char *const *authors, const char *const *own,
    const struct drover_person *person, const char **why)
{
	const char *reason = "not among the authors of this source";
	int allowed = 0;

	if (person != NULL && (person->flags & DROVER_PERSON_SELF) != 0)
		reason = "drover's own account starts no work";
	else if (person != NULL && (person->flags & DROVER_PERSON_BOT) != 0)
		reason = "a program starts no work";
	else if (authors == NULL)
		allowed = 1;
	else if (person == NULL || person->id == NULL || person->id[0] == '\0')
		reason = "the plugin does not say who asks";
	else
		for (; !allowed && *authors != NULL; authors++)
			allowed = authors_name(*authors, own, person);
	if (!allowed && why != NULL)
		*why = reason;
	return allowed;
}
