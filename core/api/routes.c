/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the API's routes, and the search for the route of a request. */
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/server.h"
#include "base/mem.h"

#define GET  EVHTTP_REQ_GET
#define POST EVHTTP_REQ_POST

/*
 * A literal segment comes before "*" of the same shape, because the first match
 * wins.
 */
const struct route api_routes[] = {
	{ GET, "/healthz", control_health, 503, "unavailable",
	    "200 while the loop turns and the store takes commits" },
	{ GET, "/readyz", control_ready, 503, "unavailable",
	    "200 while new jobs may start; 503 while starting, draining or stopping" },
	{ GET, "/metrics", metrics_get, 500, "internal", "Prometheus text" },

	{ GET, "/api/v1/state", symphony_state, 500, "internal",
	    "Symphony: what runs, what waits for another try, totals" },
	{ POST, "/api/v1/refresh", symphony_refresh, 409, "refused",
	    "Symphony: poll all sources now" },

	{ GET, "/api/v1/status", control_status, 500, "internal",
	    "mode, slots, counts, pools, warnings" },
	{ GET, "/api/v1/jobs", jobs_list, 422, "invalid",
	    "jobs, newest first; ?state= kind= repo= source= pool= before= limit= ids=" },
	{ POST, "/api/v1/jobs", jobs_submit, 422, "invalid",
	    "one job or an array of up to 1000; answers once they are on disk" },
	{ GET, "/api/v1/jobs/*", jobs_show, 404, "not_found",
	    "one job in full: attempts, events, result" },
	{ GET, "/api/v1/jobs/*/why", jobs_why, 404, "not_found",
	    "the gates in order, and the first closed one" },
	{ GET, "/api/v1/jobs/*/output", output_get, 404, "not_found",
	    "raw output of an attempt; ?attempt= offset= follow=1" },
	{ POST, "/api/v1/jobs/*/cancel", jobs_cancel, 409, "refused",
	    "cancels a job; a running one is told to stop and ends soon (202)" },
	{ POST, "/api/v1/jobs/*/retry", jobs_retry, 409, "refused",
	    "queues a dead, cancelled or delayed job again" },
	{ POST, "/api/v1/jobs/*/hold", jobs_hold, 409, "refused", "holds a job; {\"why\"}" },
	{ POST, "/api/v1/jobs/*/release", jobs_release, 409, "refused", "releases a held job" },
	{ POST, "/api/v1/jobs/*/priority", jobs_priority, 409, "refused",
	    "changes a job's priority; {\"priority\": -100 to 100}" },
	{ POST, "/api/v1/jobs/*/discard", jobs_discard, 409, "refused",
	    "discards a dead job: it becomes cancelled" },
	{ GET, "/api/v1/dead", jobs_dead, 422, "invalid", "dead jobs; ?kind= limit=" },
	{ POST, "/api/v1/dead/retry", jobs_retry_dead, 409, "refused",
	    "queues all dead jobs again, or those of {\"kind\"}" },

	{ GET, "/api/v1/pauses", control_pauses, 500, "internal",
	    "what is paused, until when, and why" },
	{ POST, "/api/v1/pause", control_pause, 422, "invalid",
	    "pauses the start of jobs; {\"what\", \"for_ms\", \"why\"}; without what: of all "
	    "jobs" },
	{ POST, "/api/v1/resume", control_resume, 422, "invalid",
	    "ends a pause; {\"what\"}; without what: the pause of all jobs" },
	{ POST, "/api/v1/drain", control_drain, 409, "refused",
	    "starts no new jobs; with {\"stop\": true} the daemon ends when none runs" },
	{ POST, "/api/v1/undrain", control_undrain, 409, "refused",
	    "ends a drain: jobs start again" },
	{ POST, "/api/v1/reload", control_reload, 422, "invalid",
	    "reads the configuration again and returns what changed" },

	{ GET, "/api/v1/leases", inventory_leases, 500, "internal", "worktrees and their owners" },
	{ POST, "/api/v1/leases/gc", inventory_tidy_leases, 409, "refused",
	    "cleans dirty worktrees, removes released ones, empties the trash" },
	{ GET, "/api/v1/leases/*", inventory_lease, 404, "not_found", "one lease" },
	{ POST, "/api/v1/leases/*/release", inventory_release_lease, 409, "conflict",
	    "gives back a lease whose owner is dead" },
	{ POST, "/api/v1/leases/*/break", inventory_break_lease, 409, "conflict",
	    "takes a lease away, with {\"force\": true} even from a live owner" },

	{ GET, "/api/v1/sources", inventory_sources, 500, "internal",
	    "sources, their last and next poll" },
	{ GET, "/api/v1/refusals", people_refusals, 422, "invalid",
	    "people who asked for work but may not start it; ?source= before= limit=" },
	{ GET, "/api/v1/memory", people_memory, 422, "invalid",
	    "what plugins remember; ?plugin= lists its subjects, and with subject= the entries of "
	    "one" },
	{ POST, "/api/v1/memory/forget", people_forget, 422, "invalid",
	    "forgets all that was said about a subject; {\"plugin\", \"subject\"}" },
	{ POST, "/api/v1/sources/*/poll", inventory_poll, 404, "not_found", "polls a source now" },
	{ GET, "/api/v1/plugins", inventory_plugins, 500, "internal", "plugins and their runners" },
	{ GET, "/api/v1/plugins/*", inventory_plugin, 404, "not_found",
	    "one plugin: what it exports, its options" },
	{ GET, "/api/v1/workers", inventory_workers, 500, "internal", "slots and what they run" },
	{ GET, "/api/v1/repos", inventory_repos, 500, "internal", "configured repositories" },
	{ GET, "/api/v1/agents", inventory_agents, 500, "internal", "configured agents" },
	{ GET, "/api/v1/config", inventory_config, 500, "internal",
	    "the configuration in force; of secrets only where they are kept" },
	{ GET, "/api/v1/events", events_get, 422, "invalid",
	    "Server-Sent Events; Last-Event-ID or ?after= resumes, ?job= filters, ?follow=0 ends "
	    "at the last" },
	{ POST, "/api/v1/calls", control_call, 422, "invalid",
	    "calls an operation and returns its reply; {\"operation\": \"plugin.name\", "
	    "\"request\": ...}" },

	{ POST, "/api/v1/secrets/check", control_secrets, 404, "not_found",
	    "checks credentials: of {\"plugins\": [...]}, or of all plugins and repos" },
	{ POST, "/api/v1/notify/*/test", control_notify_test, 404, "not_found",
	    "sends a test notice by this entry of notify, counted from 0" },

	{ GET, "/api/v1/*", symphony_issue, 404, "issue_not_found",
	    "Symphony: one job by id, trace or kind%2Fkey" },
};
const size_t api_routes_len = ARRAY_LEN(api_routes);

static const struct {
	enum evhttp_cmd_type method;
	const char *name;
} methods[] = {
	{ EVHTTP_REQ_GET, "GET" },
	{ EVHTTP_REQ_POST, "POST" },
	{ EVHTTP_REQ_HEAD, "HEAD" },
	{ EVHTTP_REQ_PUT, "PUT" },
	{ EVHTTP_REQ_DELETE, "DELETE" },
	{ EVHTTP_REQ_OPTIONS, "OPTIONS" },
	{ EVHTTP_REQ_TRACE, "TRACE" },
	{ EVHTTP_REQ_CONNECT, "CONNECT" },
	{ EVHTTP_REQ_PATCH, "PATCH" },
};

static bool route_matches(const char *pattern, const char *path, char args[][API_ARG_MAX]);
static bool route_decode_segment(const char *s, size_t len, char *out);

const struct route *
route_find(enum evhttp_cmd_type method, const char *path, char args[][API_ARG_MAX],
    unsigned *allowed)
{
	/* HEAD is GET without the body. */
	if (method == EVHTTP_REQ_HEAD)
		method = EVHTTP_REQ_GET;
	*allowed = 0;
	for (size_t i = 0; i < api_routes_len; i++) {
		const struct route *r = &api_routes[i];

		if (!route_matches(r->path, path, args))
			continue;
		if (r->method == method)
			return r;
		*allowed |= (unsigned)r->method;
		/*
		 * "*" must not answer for a path that has a route of its own.
		 */
		if (i + 1 < api_routes_len && strcmp(api_routes[i + 1].path, r->path) == 0)
			continue;
		return NULL;
	}
	return NULL;
}

const char *
route_method_name(enum evhttp_cmd_type method)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (methods[i].method == method)
			return methods[i].name;
	return "?";
}

void
api_document(struct buf *out)
{
	buf_adds(out, "| method | path | what |\n|---|---|---|\n");
	for (size_t i = 0; i < api_routes_len; i++)
		buf_addf(out, "| %s | `%s` | %s |\n", route_method_name(api_routes[i].method),
		    api_routes[i].path, api_routes[i].summary);
}

static bool
route_matches(const char *pattern, const char *path, char args[][API_ARG_MAX])
{
	int n = 0;

	while (*pattern != '\0' && *path != '\0') {
		size_t want, got;

		if (*pattern++ != '/' || *path++ != '/')
			return false;
		want = strcspn(pattern, "/");
		got = strcspn(path, "/");
		if (want == 1 && *pattern == '*') {
			if (n == API_ARGS_MAX || !route_decode_segment(path, got, args[n++]))
				return false;
		} else if (want != got || memcmp(pattern, path, want) != 0)
			return false;
		pattern += want;
		path += got;
	}
	return *pattern == *path;
}

static bool
route_decode_segment(const char *s, size_t len, char *out)
{
	char raw[3 * API_ARG_MAX], *decoded;
	size_t size;
	bool fits;

	if (len == 0 || len >= sizeof raw)
		return false;
	memcpy(raw, s, len);
	raw[len] = '\0';
	if ((decoded = evhttp_uridecode(raw, 0, &size)) == NULL)
		return false;
	if ((fits = size > 0 && size < API_ARG_MAX && strlen(decoded) == size))
		memcpy(out, decoded, size + 1);
	free(decoded);
	return fits;
}
