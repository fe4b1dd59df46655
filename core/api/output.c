/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output of an attempt as it was printed: STATE/jobs/ID/ATTEMPT.log from an
 * offset, and what is appended while the attempt runs. A client whose
 * connection broke asks again from the offset that it has reached.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/server.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"

#define PIECE_MAX (64 * 1024)

struct output {
	struct stream stream;
	uint64_t job;
	uint32_t attempt;            /* 0 for the first one to begin */
	bool follow;
	int fd;                      /* fd of the log; -1 while there is none */
	int64_t offset;
	int notify;                  /* inotify on the log's folder; -1 until it is needed */
	struct event *changed;
	char piece[PIECE_MAX];
};

static void output_more(struct stream *, bool by_timer);
static void output_release(struct stream *);
static bool output_open(struct output *);
static bool output_lives(struct output *);
static void output_watch(struct output *);
static void output_on_changed(evutil_socket_t, short, void *arg);

int
output_get(struct request *r, struct error *err)
{
	struct output *o;
	struct job_standing now;
	int64_t attempt, offset;
	uint64_t id;

	if (request_job(r, &id, err) != 0)
		return -1;
	r->status = 422;
	if (request_number(r, "attempt", 0, UINT32_MAX, 0, &attempt, err) != 0 ||
	    request_number(r, "offset", 0, INT64_MAX, 0, &offset, err) != 0)
		return -1;
	r->status = 0;
	o = xcalloc(1, sizeof *o);
	o->stream.more = output_more;
	o->stream.release = output_release;
	o->job = id;
	o->attempt = (uint32_t)attempt;
	o->offset = offset;
	o->follow = request_query(r, "follow", "0")[0] == '1';
	o->fd = o->notify = -1;
	o->stream.request = r;
	if (queue_state(r->api->core->queue, id, &now, NULL) != 0)
		now.attempt = 0;
	if (o->attempt == 0)
		o->attempt = now.attempt;
	/* An attempt that has printed nothing has no file. */
	if (!o->follow && !output_open(o) &&
	    (errno != ENOENT || o->attempt == 0 || o->attempt > now.attempt)) {
		free(o);
		return error_set(err, DROVER_PERMANENT,
		    "job %llu has no output of attempt %lld yet", (unsigned long long)id,
		    (long long)attempt);
	}
	stream_begin(&o->stream, r, "application/octet-stream", o->follow ? API_KEEPALIVE_S : 0);
	return 0;
}

static void
output_more(struct stream *s, bool by_timer)
{
	struct output *o = (struct output *)s;
	ssize_t n = 0;
	bool lives = o->follow && output_lives(o);

	/*
	 * The attempt's state was read before its output: what it prints in
	 * between is read now or the next time.
	 */
	if (o->fd != -1 || output_open(o)) {
		do
			n = pread(o->fd, o->piece, sizeof o->piece, o->offset);
		while (n == -1 && errno == EINTR);
	}
	if (n > 0) {
		o->offset += n;
		stream_send(s, o->piece, (size_t)n);
		return;
	}
	if (lives)
		output_watch(o);
	else
		stream_end(s);
}

static void
output_release(struct stream *s)
{
	struct output *o = (struct output *)s;

	if (o->changed != NULL)
		event_free(o->changed);
	if (o->notify != -1)
		close(o->notify);
	if (o->fd != -1)
		close(o->fd);
	free(o);
}

/*
 * Opens the log. False with errno set, to ENOENT when nothing was printed yet.
 */
static bool
output_open(struct output *o)
{
	char path[PATH_MAX];
	struct stat st;

	if (o->attempt == 0)
		return false;
	snprintf(path, sizeof path, "%s/jobs/%llu/%u.log",
	    o->stream.request->api->core->config->state_dir, (unsigned long long)o->job,
	    o->attempt);
	if ((o->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) == -1)
		return false;
	if (fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode))
		return true;
	close(o->fd);
	o->fd = -1;
	errno = EINVAL;
	return false;
}

/*
 * Whether more output may come: the attempt runs, or the job has yet to begin
 * its first.
 */
static bool
output_lives(struct output *o)
{
	uint32_t attempt = o->attempt;
	struct job_standing now;

	if (queue_state(o->stream.request->api->core->queue, o->job, &now, NULL) != 0)
		return false;
	if (attempt == 0)
		o->attempt = now.attempt;
	if (now.state == JOB_RUNNING)
		return o->attempt == now.attempt;
	return attempt == 0 && !state_is_final(now.state);
}

static void
output_watch(struct output *o)
{
	char path[PATH_MAX];

	if (o->notify != -1)
		return;
	snprintf(path, sizeof path, "%s/jobs/%llu",
	    o->stream.request->api->core->config->state_dir, (unsigned long long)o->job);
	if (path_mkdirs(path, 0750, NULL) != 0)
		return;
	if ((o->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) == -1)
		return;
	if (inotify_add_watch(o->notify, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) ==
	    -1) {
		close(o->notify);
		o->notify = -1;
		return;
	}
	o->changed = event_new(o->stream.request->api->core->base, o->notify, EV_READ | EV_PERSIST,
	    output_on_changed, o);
	MUST(o->changed != NULL && event_add(o->changed, NULL) == 0);
	/*
	 * Output from before the watch was set causes no event, so look once
	 * now.
	 */
	event_active(o->changed, EV_READ, 0);
}

static void
output_on_changed(evutil_socket_t fd, short what, void *arg)
{
	struct output *o = arg;
	char events[4096];

	while (read(fd, events, sizeof events) > 0)
		;
	stream_wake(&o->stream);
}
