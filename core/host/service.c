/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks that every service makes on what a plugin hands in, before it does
 * anything else. A plugin's mistake is answered with PERMANENT and a plain
 * sentence, because the call would fail in the same way each time.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "host/service.h"

#define STRUCT_SIZE_MAX (1024 * 1024)
#define REF_MAX 255
#define MARKS_MAX 64

static int service_size(const void *, size_t, const char *, uint32_t *, struct error *);

int
service_role(const struct scope *scope, unsigned roles, const char *what, const char *where,
    struct error *err)
{
	if ((roles & (1u << scope->role)) != 0)
		return 0;
	return error_set(err, DROVER_PERMANENT, "%s is allowed only in %s", what, where);
}

int
service_text(const char *text, const char *what, size_t max, bool optional, struct error *err)
{
	size_t len;

	if (text == NULL || *text == '\0') {
		if (optional)
			return 0;
		return error_set(err, DROVER_PERMANENT, "%s is missing", what);
	}
	len = strnlen(text, max + 1);
	if (len > max)
		return error_set(err, DROVER_PERMANENT, "%s is longer than %zu bytes", what, max);
	if (!text_is_utf8(text, len))
		return error_set(err, DROVER_PERMANENT, "%s is not UTF-8", what);
	return 0;
}

int
service_line(const char *text, const char *what, size_t max, bool optional, struct error *err)
{
	if (service_text(text, what, max, optional, err) != 0)
		return -1;
	for (const char *p = text; p != NULL && *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return error_set(err, DROVER_PERMANENT, "%s contains a control character",
			    what);
	}
	return 0;
}

int
service_name(const char *name, const char *what, struct error *err)
{
	if (name == NULL || *name == '\0')
		return 0;
	if (strnlen(name, DROVER_NAME_MAX + 1) > DROVER_NAME_MAX || !text_is_name(name))
		return error_set(err, DROVER_PERMANENT,
		    "%s is not a name ([a-z0-9_-], at most %d bytes)", what, DROVER_NAME_MAX);
	return 0;
}

int
service_person(const struct drover_person *theirs, struct drover_person *ours, struct error *err)
{
	if (service_in(ours, sizeof *ours, theirs, SERVICE_LEAST(drover_person, marks),
		"drover_person", err) != 0 ||
	    service_line(ours->id, "id of a person", DROVER_KEY_MAX, false, err) != 0 ||
	    service_text(ours->name, "name of a person", DROVER_TITLE_MAX, true, err) != 0)
		return -1;
	for (size_t i = 0; ours->marks != NULL && ours->marks[i] != NULL; i++) {
		if (i >= MARKS_MAX)
			return error_set(err, DROVER_PERMANENT, "a person has more than %d marks",
			    MARKS_MAX);
		if (service_line(ours->marks[i], "mark of a person", DROVER_KEY_MAX, false, err) !=
		    0)
			return -1;
	}
	return 0;
}

/*
 * A ref may come from a ticket or a comment, so git must not be able to read it
 * as an option or a refspec.
 */
int
service_ref(const char *ref, struct error *err)
{
	if (service_line(ref, "ref", REF_MAX, true, err) != 0)
		return -1;
	if (ref != NULL &&
	    (*ref == '-' || strpbrk(ref, " :?*[\\^~") != NULL || strstr(ref, "..") != NULL))
		return error_set(err, DROVER_PERMANENT,
		    "ref \"%s\" does not name a branch, a tag or a commit", ref);
	return 0;
}

/*
 * Every struct of the ABI is a multiple of 8 bytes long. Any other size means
 * that .size was not set.
 */
static int
service_size(const void *theirs, size_t least, const char *what, uint32_t *size, struct error *err)
{
	if (theirs == NULL)
		return error_set(err, DROVER_PERMANENT, "struct %s is missing", what);
	memcpy(size, theirs, sizeof *size);
	if (*size < least || *size > STRUCT_SIZE_MAX || *size % 8 != 0)
		return error_set(err, DROVER_PERMANENT,
		    "struct %s says that its size is %u: set .size = sizeof(struct %s)", what,
		    *size, what);
	return 0;
}

int
service_in(void *ours, size_t ours_size, const void *theirs, size_t least, const char *what,
    struct error *err)
{
	uint32_t size;

	if (service_size(theirs, least, what, &size, err) != 0)
		return -1;
	memset(ours, 0, ours_size);
	memcpy(ours, theirs, size < ours_size ? size : ours_size);
	return 0;
}

int
service_out_check(const void *theirs, const char *what, struct error *err)
{
	uint32_t size;

	return service_size(theirs, 8, what, &size, err);
}

int
service_out(void *theirs, const void *ours, size_t ours_size, const char *what, struct error *err)
{
	uint32_t size;

	if (service_size(theirs, 8, what, &size, err) != 0)
		return -1;
	if (size > ours_size)
		size = (uint32_t)ours_size;
	memcpy((char *)theirs + sizeof size, (const char *)ours + sizeof size, size - sizeof size);
	return 0;
}

int64_t
service_write(char *out, size_t size, const char *data, size_t len)
{
	size_t cut;

	if (out == NULL || size == 0)
		return (int64_t)len;
	cut = text_fit(data, len, size - 1);
	if (cut > 0)
		memcpy(out, data, cut);
	out[cut] = '\0';
	return (int64_t)len;
}

uint64_t
service_id(struct scope *scope)
{
	return scope->link != NULL ? link_id(scope->link) : 0;
}

int
service_ask(struct scope *scope, struct message_out *request, int64_t *number, struct buf *data,
    struct error *err)
{
	struct message reply;
	const char *bytes;
	size_t len;

	if (scope->link == NULL) {
		error_set(err, DROVER_INTERNAL, "%s: the scope has no connection to the core",
		    message_name(request->type));
		message_out_free(request);
		return -1;
	}
	if (link_ask(scope->link, request, scope->deadline_ms, &reply, err) != 0)
		return -1;
	if (number != NULL)
		*number = message_i(&reply, "number");
	if (data != NULL) {
		bytes = message_b(&reply, "data", &len);
		buf_add(data, bytes, len);
	}
	message_free(&reply);
	return 0;
}

bool
scope_cancelled(const struct scope *scope)
{
	return scope->cancelled != NULL && *scope->cancelled != 0;
}

const struct config_repo *
scope_repo(struct scope *scope, const char *name, struct error *err)
{
	const struct config_repo *repo;

	if (service_name(name, "repo", err) != 0)
		return NULL;
	if ((name == NULL || *name == '\0') && scope->job != NULL)
		name = scope->job->repo;
	if (name == NULL || *name == '\0') {
		error_set(err, DROVER_CONFIG,
		    "no repo is named, neither by the call nor by the job");
		return NULL;
	}
	repo = scope->config != NULL ? config_repo(scope->config, name) : NULL;
	if (repo == NULL)
		error_set(err, DROVER_CONFIG, "no repo \"%s\" is configured: add it to repos",
		    name);
	return repo;
}
