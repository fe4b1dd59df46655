/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the pictures that people attached to a ticket into files for the
 * agent. The first bytes tell what a file is; its name is not trusted, and
 * never becomes a path. If a picture cannot be loaded, the prompt says so, and
 * the work goes on.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jira/fix.h"

static int image_fetch(struct fix *, const cJSON *, const char *, struct web_answer *,
    struct drover_error *);
static int image_write(const char *, const char *, size_t);
static int image_take(struct fix *, const cJSON *, int, struct drover_error *);

const char *
image_kind(const char *data, size_t len)
{
	static const struct {
		const char *kind, *magic;
		size_t len;
	} kinds[] = { { "png", "\x89PNG\r\n\x1a\n", 8 }, { "jpg", "\xff\xd8\xff", 3 },
		{ "gif", "GIF87a", 6 }, { "gif", "GIF89a", 6 } };
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (len > kinds[i].len && memcmp(data, kinds[i].magic, kinds[i].len) == 0)
			return kinds[i].kind;
	return len > 12 && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WEBP", 4) == 0 ?
	    "webp" :
	    NULL;
}

/*
 * Cloud redirects unless it is asked not to. Data Center names a URL, which the
 * host refuses if it is on another origin.
 */
static int
image_fetch(struct fix *f, const cJSON *attachment, const char *id, struct web_answer *answer,
    struct drover_error *err)
{
	struct web_ask ask = { .accept = "image/*, */*;q=0.5",
		.max = FIX_IMAGE_MAX,
		.flags = DROVER_HTTP_CRITICAL };
	char path[1024];

	if (f->jira.server)
		snprintf(path, sizeof(path), "%s", json_text(attachment, "content"));
	else
		snprintf(path, sizeof(path), "%s/attachment/content/%s?redirect=false", f->jira.api,
		    id);
	ask.path = path;
	return web_send(&f->jira.web, &ask, answer, err);
}

static int
image_write(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t n;

	if (fd < 0)
		return -1;
	for (; len > 0; data += n, len -= (size_t)n)
		if ((n = write(fd, data, len)) < 0)
			break;
	return close(fd) == 0 && len == 0 ? 0 : -1;
}

/*
 * Returns 1 if the picture was taken, 0 if it was not, or a class that ends the
 * attempt.
 */
static int
image_take(struct fix *f, const cJSON *attachment, int number, struct drover_error *err)
{
	const char *name = json_text(attachment, "filename"), *kind;
	char id[JIRA_ID_MAX], path[DROVER_PATH_MAX + 32], shown[128];
	struct web_answer answer;
	int code;

	text_line(shown, sizeof(shown), name);
	json_id(attachment, "id", id, sizeof(id));
	if (!jira_is_key(id))
		return 0;
	if ((code = image_fetch(f, attachment, id, &answer, err)) != 0) {
		if (code != DROVER_PERMANENT && code != DROVER_AGAIN && code != DROVER_CONFIG)
			return code;
		plugin_log(f->scope, DROVER_WARN, "image %s: %s", id, err->text);
		text_addf(&f->images, "- \"%s\" could not be loaded\n", shown);
		return 0;
	}
	kind = answer.status == 200 ?
	    image_kind(answer.body != NULL ? answer.body : "", answer.body_len) :
	    NULL;
	snprintf(path, sizeof(path), "%s/images/%d.%s", f->scratch, number,
	    kind != NULL ? kind : "");
	if (kind == NULL || image_write(path, answer.body, answer.body_len) != 0) {
		text_addf(&f->images, "- \"%s\" could not be loaded\n", shown);
		plugin_log(f->scope, DROVER_WARN, "image %s: status %d, %s", id, answer.status,
		    kind == NULL ? "not a png, jpeg, gif or webp" : strerror(errno));
	} else
		text_addf(&f->images, "- %s (\"%s\")\n", path, shown);
	web_answer_free(&answer);
	return kind != NULL;
}

int
fix_images(struct fix *f, struct drover_error *err)
{
	const cJSON *attachment;
	char folder[DROVER_PATH_MAX + 16];
	int taken = 0, code;

	snprintf(folder, sizeof(folder), "%s/images", f->scratch);
	cJSON_ArrayForEach(attachment, json_at(f->issue, "fields.attachment")) {
		if (strncmp(json_text(attachment, "mimeType"), "image/", 6) != 0 ||
		    json_number(attachment, "size") > FIX_IMAGE_MAX)
			continue;
		if (taken == FIX_IMAGES) {
			text_addf(&f->images, "- and more, which were left out\n");
			break;
		}
		if ((code = person_allowed(&f->jira, NULL, json_get(attachment, "author"),
			 f->p.project, err)) < 0)
			return code;
		if (code == 0)
			continue;
		if (mkdir(folder, 0700) != 0 && errno != EEXIST)
			return plugin_fail(err, DROVER_INTERNAL, "%s: %s", folder, strerror(errno));
		if ((code = image_take(f, attachment, taken + 1, err)) < 0)
			return code;
		taken += code;
	}
	return 0;
}
