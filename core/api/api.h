/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The face to programs: HTTP/JSON on a Unix socket, for `drover`, dashboards,
 * scrapers and scripts. doc/api.md describes it.
 */
#ifndef API_API_H
#define API_API_H

#include "base/buf.h"
#include "base/error.h"

struct api;
struct config;
struct daemon;

/*
 * Listens on daemon->config->socket (0660, peers checked by their credentials).
 * A live listener there is DROVER_CONFIG.
 */
int api_open(struct daemon *, struct api **, struct error *);
/*
 * Listens for webhooks where a new configuration says. -1: it cannot, and all
 * stays as it was.
 */
int api_configure(struct api *, const struct config *, struct error *);
/* Where webhooks are taken, NULL: nowhere. Borrowed. */
const char *api_hooks_address(const struct api *);
/*
 * Something was committed: open streams look for news. The daemon calls it
 * after each commit. NULL is fine.
 */
void api_wake(struct api *);
/*
 * Cuts all connections and removes the socket; answers still owed by
 * daemon_defer or daemon_call are dropped. NULL is fine.
 */
void api_close(struct api *);

/* Writes the routes as Markdown (doc/api.md holds it and a test compares). */
void api_document(struct buf *out);

#endif
