/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that are kept with their ETag, one file each: STATE/http/PLUGIN/ and
 * the SHA-256 of the request and its credential. The first line of a file is
 * the digest of the rest; a file that does not match it is removed. When the
 * cache is full, what was used longest ago goes first.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "host/http/http.h"

#define CACHE_MAGIC "drover http 1 "
#define CACHE_BODY_MAX (4u * 1024 * 1024)
#define CACHE_FILE_MAX (CACHE_BODY_MAX + 1024 * 1024)
#define CACHE_ETAG_MAX 1024          /* servers refuse long headers */
#define CACHE_SWEEP 16               /* writes between two checks of the total size */
#define CACHE_STALE_MS (60 * 60 * 1000ll)

struct http_cache_file {
	char name[DIGEST_HEX];
	int64_t used_at, size;       /* used_at in seconds */
};

static bool http_cache_on(const struct http_call *);
static char *http_cache_dir(const struct http_call *);
static char *http_cache_path(const struct http_call *);
static const char *http_cache_etag(const struct http_answer *);
static int http_cache_parse(const char *, size_t, struct http_kept *);
static int http_cache_order(const void *, const void *);
static void http_cache_sweep(const char *dir, int64_t max);

static bool
http_cache_on(const struct http_call *call)
{
	const struct config *config = call->scope->config;

	return (call->r.flags & DROVER_HTTP_CACHED) != 0 && strcmp(call->r.method, "GET") == 0 &&
	    config != NULL && config->state_dir != NULL && config->http_cache_max > 0 &&
	    call->scope->log.plugin != NULL;
}

static char *
http_cache_dir(const struct http_call *call)
{
	return xasprintf("%s/http/%s", call->scope->config->state_dir, call->scope->log.plugin);
}

/* The answer to a URL depends on the account and on the accepted format. */
static char *
http_cache_path(const struct http_call *call)
{
	const char *accept = "";
	char hex[DIGEST_HEX], *key, *path, *dir = http_cache_dir(call);

	for (uint64_t i = 0; i < call->r.headers_len; i++)
		if (strcasecmp(call->r.headers[i].key, "Accept") == 0)
			accept = call->r.headers[i].value;
	key = xasprintf("%s\n%s\n%s\n%s", call->r.method, call->url, call->credential, accept);
	digest_sha256(key, strlen(key), hex);
	path = path_join(dir, hex);
	free(dir);
	free(key);
	return path;
}

/* The ETag of an answer; NULL if it cannot be sent back in a header. */
static const char *
http_cache_etag(const struct http_answer *answer)
{
	const char *etag = http_header(answer, "etag");

	if (etag == NULL || *etag == '\0' || strlen(etag) > CACHE_ETAG_MAX)
		return NULL;
	for (const char *p = etag; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return NULL;
	return etag;
}

static int
http_cache_parse(const char *data, size_t len, struct http_kept *kept)
{
	const size_t magic = sizeof CACHE_MAGIC - 1, first = magic + DIGEST_HEX;
	unsigned long long headers, body;
	char hex[DIGEST_HEX];
	int n = 0;

	if (len <= first || memcmp(data, CACHE_MAGIC, magic) != 0 || data[first - 1] != '\n')
		return -1;
	digest_sha256(data + first, len - first, hex);
	if (memcmp(data + magic, hex, DIGEST_HEX - 1) != 0 ||
	    sscanf(data + first, "%llu %llu%n", &headers, &body, &n) != 2 ||
	    data[first + (size_t)n] != '\n')
		return -1;
	data += first + (size_t)n + 1;
	len -= first + (size_t)n + 1;
	if (headers == 0 || headers > len || body != len - headers || data[headers - 1] != '\0')
		return -1;
	buf_add(&kept->answer.headers, data, headers);
	buf_add(&kept->answer.body, data + headers, body);
	kept->answer.status = 200;
	return (kept->etag = http_cache_etag(&kept->answer)) != NULL ? 0 : -1;
}

bool
http_cache_get(const struct http_call *call, struct http_kept *kept)
{
	struct buf data = BUF_INIT;
	char *path;
	bool found = false;

	memset(kept, 0, sizeof *kept);
	if (!http_cache_on(call))
		return false;
	path = http_cache_path(call);
	if (path_read(path, CACHE_FILE_MAX, &data, NULL) == 0 && data.len > 0) {
		found = http_cache_parse(data.data, data.len, kept) == 0;
		if (found)
			(void)utimensat(AT_FDCWD, path, NULL, 0);
		else
			(void)unlink(path);
	}
	if (!found)
		http_cache_free(kept);
	buf_free(&data);
	free(path);
	return found;
}

void
http_cache_free(struct http_kept *kept)
{
	buf_free(&kept->answer.headers);
	buf_free(&kept->answer.body);
	kept->etag = NULL;
}

void
http_cache_apply(struct http_kept *kept, struct http_answer *answer)
{
	const char *p = kept->answer.headers.data, *end = p + kept->answer.headers.len, *value;
	struct buf headers = BUF_INIT;

	buf_add(&headers, answer->headers.data, answer->headers.len);
	for (; p < end; p = value + strlen(value) + 1) {
		value = p + strlen(p) + 1;
		if (http_header(answer, p) == NULL)
			buf_add(&headers, p, (size_t)(value + strlen(value) + 1 - p));
	}
	buf_free(&answer->headers);
	buf_free(&answer->body);
	answer->headers = headers;
	answer->body = kept->answer.body;
	answer->status = kept->answer.status;
	kept->answer.body = (struct buf)BUF_INIT;
}

static int
http_cache_order(const void *a, const void *b)
{
	const struct http_cache_file *x = a, *y = b;

	return x->used_at < y->used_at ? -1 : x->used_at > y->used_at;
}

/* Shrinks the cache to nine tenths of max, so that the next writes need not. */
static void
http_cache_sweep(const char *dir, int64_t max)
{
	DIR *d = opendir(dir);
	struct http_cache_file *files = NULL;
	size_t n = 0, cap = 0;
	int64_t total = 0, now = clock_wall();
	struct dirent *e;
	struct stat st;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (strlen(e->d_name) != DIGEST_HEX - 1) {
			if ((int64_t)st.st_mtime * 1000 < now - CACHE_STALE_MS)
				(void)unlinkat(dirfd(d), e->d_name, 0);
			continue;
		}
		files = xgrow(files, n + 1, &cap, sizeof *files);
		text_copy(files[n].name, sizeof files[n].name, e->d_name);
		files[n].used_at = st.st_mtime;
		files[n].size = st.st_size;
		total += files[n++].size;
	}
	if (total > max) {
		qsort(files, n, sizeof *files, http_cache_order);
		for (size_t i = 0; i < n && total > max / 10 * 9; i++) {
			if (unlinkat(dirfd(d), files[i].name, 0) == 0)
				total -= files[i].size;
		}
	}
	free(files);
	if (d != NULL)
		closedir(d);
}

void
http_cache_put(const struct http_call *call)
{
	const struct http_answer *answer = &call->http->answer;
	char hex[DIGEST_HEX], random[17], *path, *dir, *temporary;
	struct buf rest = BUF_INIT, first = BUF_INIT;
	int fd;

	if (!http_cache_on(call) || answer->status != 200 || answer->body.len > CACHE_BODY_MAX ||
	    http_cache_etag(answer) == NULL)
		return;
	buf_addf(&rest, "%zu %zu\n", answer->headers.len, answer->body.len);
	buf_add(&rest, answer->headers.data, answer->headers.len);
	buf_add(&rest, answer->body.data, answer->body.len);
	digest_sha256(rest.data, rest.len, hex);
	buf_addf(&first, CACHE_MAGIC "%s\n", hex);
	dir = http_cache_dir(call);
	path = http_cache_path(call);
	temporary = xasprintf("%s/.%s", dir, text_random_hex(random, 8));
	/*
	 * There is no fsync(): after a crash, a partial file does not match its
	 * first line.
	 */
	if (path_mkdirs(dir, 0700, NULL) == 0 &&
	    (fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)) !=
		-1) {
		bool whole = path_write_all(fd, first.data, first.len) == 0 &&
		    path_write_all(fd, rest.data, rest.len) == 0;

		if (close(fd) != 0 || !whole || rename(temporary, path) != 0)
			(void)unlink(temporary);
		if (call->http->writes++ % CACHE_SWEEP == 0)
			http_cache_sweep(dir, call->scope->config->http_cache_max);
	}
	buf_free(&first);
	buf_free(&rest);
	free(temporary);
	free(path);
	free(dir);
}
