/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encodes log lines and writes them. A value is masked before it is escaped and
 * cut after it is masked, so that neither escaping nor cutting can hide a
 * secret from the search. Lines that cannot be written are counted; once a line
 * can be written again, one more line says how many were lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mask.h"
#include "base/mem.h"
#include "base/secrets.h"
#include "base/text.h"

#define VALUE_MAX 16384 /* bytes of one escaped value */
#define FIELDS_MAX 64
/* How long in ms the first line may wait for a full pipe. */
#define STALLED_MS 100

/* A process has one log, as it has one stderr. */
static struct {
	int fd;               /* -1 means stderr */
	char *path;
	enum drover_level least;
	/*
	 * Type of the file: S_IFREG, S_IFIFO, S_IFSOCK, ...; 0 until it has
	 * been looked up.
	 */
	mode_t type;
	bool torn;            /* only a part of the last line was written */
	uint64_t lost;
	int64_t second;
	char stamp[32];       /* the text of that second, up to the milliseconds */
	struct buf line;
	const struct mask *mask; /* held while a line is made */
} sink = { .fd = -1, .least = DROVER_INFO };

/*
 * Guards sink, because with --in-process the core, the runners and the jobs are
 * threads that log. Only `least` is read without it.
 */
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const level_names[] = {
	[DROVER_DEBUG] = "debug",
	[DROVER_INFO] = "info",
	[DROVER_NOTICE] = "notice",
	[DROVER_WARN] = "warn",
	[DROVER_ERR] = "error",
};

/*
 * Names that a line and its scope use themselves. A plugin's field with such a
 * name is renamed, so that it cannot pass for one of them.
 */
static const char *const reserved[] = { "ts", "level", "msg", "part", "plugin", "source", "job",
	"kind", "key", "trace", "attempt", "worker" };

static void log_acquire(void);
static void log_release(void);
static int log_open_file(const char *, struct error *);
static void log_add_time(struct buf *);
static void log_add_value(struct buf *, const char *);
static void log_add_string(struct buf *, const char *, const char *);
static void log_add_number(struct buf *, const char *, uint64_t);
static void log_add_field(struct buf *, const struct drover_field *);
static ssize_t log_write_quietly(int, const char *, size_t);
static ssize_t log_write_once(const char *, size_t);
static void log_send_line(const struct buf *);
static const char *log_level_name(int level);

static void
log_acquire(void)
{
	MUST(pthread_mutex_lock(&sink_lock) == 0);
}

static void
log_release(void)
{
	MUST(pthread_mutex_unlock(&sink_lock) == 0);
}

static int
log_open_file(const char *path, struct error *err)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0640);

	if (fd == -1)
		error_errno(err, DROVER_CONFIG, "%s: cannot open the log", path);
	return fd;
}

int
log_open(const char *path, enum drover_level least, struct error *err)
{
	static bool forks;
	int fd = -1;

	/* A fork must not inherit the lock of a thread that it lacks. */
	secrets_prepare();
	if (!forks)
		MUST(pthread_atfork(log_acquire, log_release, log_release) == 0);
	forks = true;
	if (path != NULL && (fd = log_open_file(path, err)) == -1)
		return -1;
	log_close();
	log_acquire();
	sink.fd = fd;
	sink.path = xstrdup(path);
	sink.least = least;
	log_release();
	return 0;
}

int
log_reopen(struct error *err)
{
	int fd;

	if (sink.path == NULL)
		return 0;
	if ((fd = log_open_file(sink.path, err)) == -1)
		return -1;
	log_acquire();
	close(sink.fd);
	sink.fd = fd;
	sink.type = 0;
	sink.torn = false;
	log_release();
	return 0;
}

int
log_fd(void)
{
	return sink.fd;
}

void
log_set_level(enum drover_level least)
{
	sink.least = least;
}

static const char *
log_level_name(int level)
{
	return level < 0 || level >= (int)ARRAY_LEN(level_names) ? level_names[DROVER_ERR] :
								   level_names[level];
}

void
log_close(void)
{
	log_acquire();
	if (sink.fd != -1)
		close(sink.fd);
	sink.fd = -1;
	sink.type = 0;
	sink.torn = false;
	free(sink.path);
	sink.path = NULL;
	buf_free(&sink.line);
	log_release();
}

static void
log_add_time(struct buf *out)
{
	int64_t now = clock_wall(), second = now / 1000;
	unsigned int ms = (unsigned int)(now % 1000);
	char *p;

	if (second != sink.second || sink.stamp[0] == '\0') {
		clock_format(second * 1000, sink.stamp, sizeof sink.stamp);
		sink.second = second;
	}
	p = sink.stamp + 20;
	p[0] = (char)('0' + ms / 100);
	p[1] = (char)('0' + ms / 10 % 10);
	p[2] = (char)('0' + ms % 10);
	buf_add(out, "{\"ts\":\"", 7);
	buf_add(out, sink.stamp, 24);
	buf_addc(out, '"');
}

static void
log_add_value(struct buf *out, const char *s)
{
	size_t begin = out->len, len = strlen(s), from, hit, hit_len, room, part;

	buf_addc(out, '"');
	for (from = 0; from < len; from = hit + hit_len) {
		hit = mask_find(sink.mask, s, len, from, &hit_len);
		room = VALUE_MAX > out->len - begin ? VALUE_MAX - (out->len - begin) : 0;
		part = text_fit(s + from, hit - from, room);
		text_escape(out, s + from, part);
		if (part < hit - from) {
			buf_add(out, "...", 3);
			break;
		}
		if (hit < len)
			buf_add(out, "***", 3);
	}
	buf_addc(out, '"');
}

static void
log_add_string(struct buf *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	buf_addc(out, ',');
	buf_addc(out, '"');
	buf_adds(out, key);
	buf_add(out, "\":", 2);
	log_add_value(out, value);
}

static void
log_add_number(struct buf *out, const char *key, uint64_t value)
{
	char digits[20];
	size_t n = sizeof digits;

	if (value == 0)
		return;
	buf_addc(out, ',');
	buf_addc(out, '"');
	buf_adds(out, key);
	buf_add(out, "\":", 2);
	for (; value > 0; value /= 10)
		digits[--n] = (char)('0' + value % 10);
	buf_add(out, digits + n, sizeof digits - n);
}

static void
log_add_field(struct buf *out, const struct drover_field *field)
{
	const char *key = field->key == NULL ? "field" : field->key;
	size_t i;

	for (i = 0; i < ARRAY_LEN(reserved) && strcmp(key, reserved[i]) != 0; i++)
		;
	buf_add(out, ",\"", 2);
	if (i < ARRAY_LEN(reserved))
		buf_adds(out, "field_");
	text_escape(out, key, text_fit(key, strlen(key), DROVER_KEY_MAX));
	buf_add(out, "\":", 2);
	log_add_value(out, field->value == NULL ? "" : field->value);
}

/*
 * Writes to a pipe without raising SIGPIPE. SIGPIPE would hit the whole
 * process, so it is blocked in this thread and removed if this write caused it.
 */
static ssize_t
log_write_quietly(int fd, const char *p, size_t len)
{
	struct timespec none = { 0, 0 };
	sigset_t pipe_only, pending, before;
	ssize_t n;
	int saved;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
	n = write(fd, p, len);
	saved = errno;
	if (n == -1 && saved == EPIPE && !sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&pipe_only, NULL, &none) == -1 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return n;
}

static ssize_t
log_write_once(const char *p, size_t len)
{
	int fd = sink.fd == -1 ? STDERR_FILENO : sink.fd;
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	struct stat st;
	ssize_t n;

	if (sink.type == 0)
		sink.type = fstat(fd, &st) == 0 ? st.st_mode & S_IFMT : S_IFREG;
	if ((sink.type == S_IFIFO || sink.type == S_IFSOCK) &&
	    poll(&pfd, 1, sink.lost > 0 ? 0 : STALLED_MS) != 1)
		return -1;
	do {
		if (sink.type == S_IFSOCK)
			n = send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		else if (sink.type == S_IFIFO)
			n = log_write_quietly(fd, p, len);
		else
			n = write(fd, p, len);
	} while (n == -1 && errno == EINTR);
	return n;
}

static void
log_send_line(const struct buf *line)
{
	char told[160];
	ssize_t n;
	int len;

	if (sink.lost > 0 || sink.torn) {
		len = snprintf(told, sizeof told,
		    "%s%.*s\",\"level\":\"warn\",\"msg\":\"lines of the log were "
		    "lost\",\"lost\":\"%llu\"}\n",
		    sink.torn ? "\n" : "", 31, line->data, (unsigned long long)sink.lost);
		if (log_write_once(told, (size_t)len) != len) {
			sink.lost++;
			return;
		}
		sink.lost = 0;
		sink.torn = false;
	}
	n = log_write_once(line->data, line->len);
	if (n == (ssize_t)line->len)
		return;
	sink.lost++;
	sink.torn = n > 0;
}

void
log_line(const struct log_scope *scope, enum drover_level level, const char *message,
    const struct drover_field *fields, size_t n)
{
	static const struct log_scope nowhere;
	struct buf *out = &sink.line;
	int saved = errno;
	size_t i;

	if (level < sink.least)
		return;
	if (scope == NULL)
		scope = &nowhere;
	log_acquire();
	sink.mask = secrets_hold();
	buf_clear(out);
	log_add_time(out);
	buf_add(out, ",\"level\":\"", 10);
	buf_adds(out, log_level_name((int)level));
	buf_add(out, "\",\"msg\":", 8);
	log_add_value(out, message == NULL ? "" : message);
	log_add_string(out, "part", scope->part);
	log_add_string(out, "plugin", scope->plugin);
	log_add_string(out, "source", scope->source);
	log_add_number(out, "job", scope->job);
	log_add_string(out, "kind", scope->kind);
	log_add_string(out, "key", scope->key);
	log_add_string(out, "trace", scope->trace);
	log_add_number(out, "attempt", scope->attempt);
	log_add_string(out, "worker", scope->worker);
	for (i = 0; i < n && i < FIELDS_MAX; i++)
		log_add_field(out, &fields[i]);
	secrets_release();
	buf_add(out, "}\n", 2);
	log_send_line(out);
	log_release();
	errno = saved;
}

void
log_printf(const struct log_scope *scope, enum drover_level level, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_vprintf(scope, level, format, ap);
	va_end(ap);
}

void
log_vprintf(const struct log_scope *scope, enum drover_level level, const char *format, va_list ap)
{
	char small[1024], *large = NULL;
	va_list again;
	int n;

	if (level < sink.least)
		return;
	va_copy(again, ap);
	n = vsnprintf(small, sizeof small, format, ap);
	if (n >= (int)sizeof small)
		large = xvasprintf(format, again);
	va_end(again);
	log_line(scope, level, large != NULL ? large : n < 0 ? format : small, NULL, 0);
	free_wiped(large);
}
