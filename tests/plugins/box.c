/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of tickets for tests: see box.h. */
#define _GNU_SOURCE
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "box.h"

static int box_remove(const char *, const struct stat *, int, struct FTW *);

void
box_open(struct box *b, const char *repo)
{
	const char *tmp = getenv("TMPDIR");

	memset(b, 0, sizeof(*b));
	snprintf(b->path, sizeof(b->path), "%s/drover-inbox-XXXXXX", tmp != NULL ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(b->path));
	b->fake = fake_new();
	b->fake->wall = 1800000000000;
	b->fake->monotonic = 5000;
	fake_option(b->fake, "path", b->path);
	if (repo == NULL || *repo != '\0')
		fake_option(b->fake, "repo", repo != NULL ? repo : "web");
	b->source = fake_load("inbox")->sources[0];
	ck_assert_int_eq(b->source->open(&b->fake->scope, NULL, &b->state, &b->err), 0);
	ck_assert_str_eq(b->fake->watched, b->path);
}

static int
box_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

void
box_close(struct box *b)
{
	b->source->close(&b->fake->scope, b->state);
	ck_assert_int_eq(nftw(b->path, box_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
	fake_free(b->fake);
}

void
box_put(struct box *b, const char *name, const char *text, size_t len, int64_t age_ms)
{
	int64_t at = b->fake->wall - age_ms;
	struct timespec times[2] = { { at / 1000, at % 1000 * 1000000 },
		{ at / 1000, at % 1000 * 1000000 } };
	char path[1024];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", b->path, name);
	ck_assert_int_ne(fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), -1);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	ck_assert_int_eq(futimens(fd, times), 0);
	close(fd);
}

void
box_ticket(struct box *b, const char *name, const char *text)
{
	box_put(b, name, text, strlen(text), 60000);
}

int
box_has(struct box *b, const char *dir, const char *name)
{
	char path[1024];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s/%s", b->path, dir, name);
	return lstat(path, &st) == 0;
}

int
box_count(struct box *b, const char *dir)
{
	char path[512];
	struct dirent *d;
	int n = 0;
	DIR *open;

	snprintf(path, sizeof(path), "%s/%s", b->path, dir);
	ck_assert_ptr_nonnull(open = opendir(path));
	while ((d = readdir(open)) != NULL)
		n += d->d_name[0] != '.';
	closedir(open);
	return n;
}

char *
box_read(struct box *b, const char *dir, const char *name)
{
	char path[1024], *text = calloc(1, 2 * DROVER_PAYLOAD_MAX);
	size_t len;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s/%s", b->path, dir, name);
	ck_assert_msg((in = fopen(path, "re")) != NULL, "%s is missing", path);
	len = fread(text, 1, 2 * DROVER_PAYLOAD_MAX - 1, in);
	text[len] = '\0';
	fclose(in);
	return text;
}

int
box_says(struct box *b, const char *dir, const char *name, const char *text)
{
	char *all = box_read(b, dir, name);
	int says = strstr(all, text) != NULL;

	if (!says)
		fprintf(stderr, "%s/%s does not say \"%s\":\n%s", dir, name, text, all);
	free(all);
	return says;
}

int
box_poll(struct box *b)
{
	return fake_poll(b->fake, b->source, b->state, &b->err);
}
