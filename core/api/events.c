/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of all jobs as Server-Sent Events. The id of an event is that of
 * its row, so a client that names the last one it saw misses none.
 */
#include <stdlib.h>
#include <string.h>

#include "api/server.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"

#define EVENTS_PIECE 200

struct events {
	struct stream stream;
	uint64_t after;
	uint64_t job;                /* 0 for the events of all jobs */
	bool follow;
};

static void events_more(struct stream *, bool by_timer);
static void events_release(struct stream *);
static int events_begin(struct request *, int64_t *after, struct error *);
static int events_read_last(void *arg, const struct store_row *);

int
events_get(struct request *r, struct error *err)
{
	struct events *e;
	int64_t after;
	uint64_t job = 0;
	const char *which = request_query(r, "job", NULL);

	if (which != NULL && queue_find(r->api->core->queue, which, &job, err) != 0) {
		r->status = 404;
		return -1;
	}
	if (events_begin(r, &after, err) != 0)
		return -1;
	e = xcalloc(1, sizeof *e);
	e->stream.more = events_more;
	e->stream.release = events_release;
	e->after = (uint64_t)after;
	e->job = job;
	e->follow = request_query(r, "follow", "1")[0] != '0';
	stream_begin(&e->stream, r, "text/event-stream", e->follow ? API_KEEPALIVE_S : 0);
	return 0;
}

static void
events_more(struct stream *s, bool by_timer)
{
	struct events *e = (struct events *)s;
	struct buf out = BUF_INIT;
	struct error err;
	cJSON *list;
	const cJSON *event;
	int n;

	do {
		if ((list = queue_events(s->request->api->core->queue, e->after, EVENTS_PIECE,
			 &err)) == NULL) {
			stream_end(s);
			return;
		}
		json_hide(list);
		n = cJSON_GetArraySize(list);
		cJSON_ArrayForEach(event, list) {
			char *text;

			e->after = (uint64_t)json_int(event, "id", (int64_t)e->after);
			if (e->job != 0 && (uint64_t)json_int(event, "job", 0) != e->job)
				continue;
			text = json_print(event);
			buf_addf(&out, "id: %llu\nevent: %s\ndata: %s\n\n",
			    (unsigned long long)e->after, json_str(event, "event", "message"),
			    text);
			free(text);
		}
		cJSON_Delete(list);
	} while (n == EVENTS_PIECE && out.len == 0);
	if (out.len == 0 && by_timer)
		buf_adds(&out, ": still here\n\n");
	if (out.len > 0)
		stream_send(s, out.data, out.len);
	else if (!e->follow)
		stream_end(s);
	buf_free(&out);
}

static void
events_release(struct stream *s)
{
	free(s);
}

/*
 * Finds where to begin: after the event that the client says it has seen, else
 * with what happens from now on.
 */
static int
events_begin(struct request *r, int64_t *after, struct error *err)
{
	const char *last =
	    evhttp_find_header(evhttp_request_get_input_headers(r->http), "Last-Event-ID");

	if (last != NULL) {
		if (units_parse_int(last, 0, INT64_MAX, after) != 0)
			return error_set(err, DROVER_PERMANENT,
			    "Last-Event-ID must be the id of an event");
		return 0;
	}
	if (request_number(r, "after", 0, INT64_MAX, -1, after, err) != 0)
		return -1;
	if (*after == -1 &&
	    store_read(r->api->core->store, "SELECT coalesce(max(id), 0) FROM event", NULL, 0,
		events_read_last, after, err) == -1)
		return -1;
	return 0;
}

static int
events_read_last(void *arg, const struct store_row *row)
{
	*(int64_t *)arg = store_row_int(row, 0);
	return 0;
}
