/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source inbox.folder. A ticket is emitted while it still lies in the
 * folder. The cursor, which the daemon keeps in one transaction with the job,
 * contains the ticket's key and inode. The next poll(), which is asked for at
 * once, sees from the cursor that the job is kept and moves the ticket to
 * working/, under a name that ends in the key's fingerprint. settle() finds it
 * there. If the process is killed at any step, the next call does the same
 * again: before the transaction there is no job and the ticket is emitted anew,
 * after it the ticket is only moved.
 *
 * A ticket with the same name and text as one in working/ waits until that one
 * has ended, and then becomes a job of its own. A ticket that changes after it
 * was emitted is another ticket.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inbox.h"

/* A file that has changed within this many ms may still be being written. */
#define SETTLE_MS 1000
#define MOVE_MS 100    /* the shortest delay that queue->again() takes, in ms */
#define EMIT_MAX 500   /* tickets in one poll; the next poll follows at once */

/*
 * A file that was left in the folder. A later poll() compares it to see whether
 * it has changed.
 */
struct look {
	char *name;
	ino_t inode;
	off_t bytes;
	struct timespec changed;
	int64_t since;           /* monotonic ms */
	bool told;
};

struct looks {
	struct look *list;
	size_t len, room;
};

struct source {
	const char *path, *repo, *agent, *pool;
	struct looks looks;
};

struct poll {
	struct drover_scope *scope;
	struct source *source;
	struct folder folder;
	struct looks looks;
	char *text;              /* has room for TICKET_MAX bytes */
	char *cursor;            /* has room for DROVER_VALUE_MAX bytes */
	size_t cursor_len;
	int64_t wall, monotonic;
	int room;                /* jobs that may still be emitted */
	bool whole;              /* every file of the folder was examined */
	int64_t again;           /* ms until the next poll; 0 means the usual interval */
};

static int source_open(struct drover_scope *, void *, void **, struct drover_error *);
static int source_poll(struct drover_scope *, void *, const char *, struct drover_error *);
static int source_settle(struct drover_scope *, void *, const struct drover_settled *,
    struct drover_error *);
static void source_close(struct drover_scope *, void *);
static void looks_free(struct looks *);
static struct look *looks_note(struct poll *, const struct entry *);
static void looks_keep(struct poll *);
static void poll_tell(struct poll *, const struct entry *, const char *);
static void poll_note(struct poll *, uint64_t, const char *);
static int poll_move(struct poll *, uint64_t, const char *, struct drover_error *);
static bool poll_has_noted(const struct poll *, const char *);
static int poll_accepted(struct poll *, const char *, struct drover_error *);
static int poll_reject(struct poll *, const char *, const char *, struct drover_error *);
static bool poll_is_settled(struct poll *, const struct entry *);
static int poll_emit(struct poll *, const struct entry *, const struct ticket *, const char *,
    size_t, struct drover_error *);
static int poll_entry(struct poll *, const struct entry *, struct drover_error *);
static int poll_scan(struct poll *, struct drover_error *);

static const struct drover_option source_options[] = {
	{ "path", DROVER_PATH, DROVER_REQUIRED, NULL, "Folder that tickets are dropped into." },
	{ "repo", DROVER_STRING, 0, NULL, "Repository of tickets that do not name one." },
	{ "agent", DROVER_STRING, 0, NULL, "Agent of tickets that do not name one." },
	{ "pool", DROVER_STRING, 0, NULL, "Pool of tickets that do not name one." },
	{ NULL, 0, 0, NULL, NULL },
};

const struct drover_source inbox_folder = {
	.size = sizeof(struct drover_source),
	.name = "folder",
	.summary = "Turns the Markdown files of a folder into jobs.",
	.options = source_options,
	.interval_ms = 30000,
	.open = source_open,
	.poll = source_poll,
	.settle = source_settle,
	.close = source_close,
};

static int
source_open(struct drover_scope *scope, void *plugin, void **state, struct drover_error *err)
{
	const struct drover_host *host = scope->host;
	struct source *source = xcalloc(1, sizeof(*source));
	struct folder folder;

	source->path = host->option->string(scope, "path");
	source->repo = host->option->string(scope, "repo");
	source->agent = host->option->string(scope, "agent");
	source->pool = host->option->string(scope, "pool");
	if (folder_open(&folder, source->path, err) != 0)
		goto fail;
	folder_close(&folder);
	if (host->queue->watch(scope, source->path, err) != 0)
		goto fail;
	*state = source;
	return 0;
fail:
	free(source);
	return err->code;
}

static void
source_close(struct drover_scope *scope, void *state)
{
	struct source *source = state;

	looks_free(&source->looks);
	free(source);
}

static void
looks_free(struct looks *looks)
{
	while (looks->len > 0)
		free(looks->list[--looks->len].name);
	free(looks->list);
	*looks = (struct looks){ 0 };
}

/*
 * Remembers a file for the next poll(), together with what the last poll()
 * remembered about it.
 */
static struct look *
looks_note(struct poll *p, const struct entry *e)
{
	const struct looks *before = &p->source->looks;
	struct look *look;
	size_t i;

	p->looks.list = xgrow(p->looks.list, p->looks.len, &p->looks.room, sizeof(*look));
	look = &p->looks.list[p->looks.len++];
	*look = (struct look){ xstrdup(e->name), e->st.st_ino, e->st.st_size, e->st.st_mtim,
		p->monotonic, false };
	for (i = 0; i < before->len && strcmp(before->list[i].name, e->name) != 0;)
		i++;
	if (i < before->len && before->list[i].inode == look->inode &&
	    before->list[i].bytes == look->bytes &&
	    memcmp(&before->list[i].changed, &look->changed, sizeof(look->changed)) == 0) {
		look->since = before->list[i].since;
		look->told = before->list[i].told;
	}
	return look;
}

/*
 * Keeps what is remembered about files that this poll() did not examine.
 * Otherwise the next one would report them again.
 */
static void
looks_keep(struct poll *p)
{
	struct looks *before = &p->source->looks;
	struct entry e;
	size_t i, j;

	for (i = 0; i < before->len; i++) {
		for (j = 0;
		     j < p->looks.len && strcmp(p->looks.list[j].name, before->list[i].name) != 0;)
			j++;
		if (j < p->looks.len)
			continue;
		memset(&e, 0, sizeof(e));
		e.name = before->list[i].name;
		e.st.st_ino = before->list[i].inode;
		e.st.st_size = before->list[i].bytes;
		e.st.st_mtim = before->list[i].changed;
		looks_note(p, &e);
	}
}

/* Logs once why a file stays in the folder. */
static void
poll_tell(struct poll *p, const struct entry *e, const char *why)
{
	struct look *look = looks_note(p, e);
	char shown[DROVER_KEY_MAX];

	if (look->told)
		return;
	look->told = true;
	key_show(shown, sizeof(shown), e->name);
	plugin_log(p->scope, DROVER_NOTICE, "%s stays in the folder: %s", shown, why);
}

static void
poll_note(struct poll *p, uint64_t inode, const char *key)
{
	p->cursor_len += (size_t)snprintf(p->cursor + p->cursor_len,
	    DROVER_VALUE_MAX - p->cursor_len, "%" PRIu64 " %s\n", inode, key);
}

/*
 * Moves a ticket to working/. The cursor proves that its job is kept. A ticket
 * that is gone or has changed is left alone.
 */
static int
poll_move(struct poll *p, uint64_t inode, const char *key, struct drover_error *err)
{
	char name[DROVER_KEY_MAX], again[DROVER_KEY_MAX], hash[HASH_SIZE], target[256];
	enum folder_read got;
	struct stat st;
	size_t len;

	if (key_split(key, name, hash) != 0)
		return 0;
	got = folder_read(p->folder.root, name, p->text, &len, &st);
	if (got == FOLDER_BUSY || got == FOLDER_DENIED) {
		poll_note(p, inode, key);
		return 0;
	}
	if (got != FOLDER_READ || st.st_ino != (ino_t)inode ||
	    key_make(again, name, p->text, len) != 0 || strcmp(again, key) != 0)
		return 0;
	folder_name(target, name, hash, ".md");
	if (folder_move(p->folder.root, name, p->folder.working, target) == 0 || errno == ENOENT ||
	    errno == EEXIST)
		return 0;
	return plugin_fail(err, DROVER_CONFIG, "%s: %s: cannot be moved to working: %s",
	    p->folder.path, key, strerror(errno));
}

/* True if the ticket has a job already but could not be moved yet. */
static bool
poll_has_noted(const struct poll *p, const char *key)
{
	char line[DROVER_KEY_MAX + 2];

	snprintf(line, sizeof(line), " %s\n", key);
	return strstr(p->cursor, line) != NULL;
}

/*
 * Moves the tickets that the cursor names. It has one line "INODE KEY" for each
 * ticket that has a job but still lies in the folder.
 */
static int
poll_accepted(struct poll *p, const char *cursor, struct drover_error *err)
{
	char key[DROVER_KEY_MAX], *rest;
	const char *end;
	uint64_t inode;

	if (cursor == NULL || *cursor == '\0')
		return 0;
	for (; (end = strchr(cursor, '\n')) != NULL; cursor = end + 1) {
		inode = strtoull(cursor, &rest, 10);
		if (*rest != ' ' || rest > end || (size_t)(end - rest) > sizeof(key))
			continue;
		memcpy(key, rest + 1, (size_t)(end - rest - 1));
		key[end - rest - 1] = '\0';
		if (poll_move(p, inode, key, err) != 0)
			return err->code;
	}
	/*
	 * The moves must be on disk before a cursor is kept that no longer
	 * names these tickets. If one reappeared after a power failure, its
	 * work would be done twice.
	 */
	if (fsync(p->folder.working) != 0 || fsync(p->folder.root) != 0)
		return plugin_fail(err, DROVER_AGAIN, "%s: cannot be flushed: %s", p->folder.path,
		    strerror(errno));
	return 0;
}

static int
poll_reject(struct poll *p, const char *name, const char *why, struct drover_error *err)
{
	char shown[DROVER_KEY_MAX];

	if (report_rejected(&p->folder, name, why, err) != 0)
		return err->code;
	key_show(shown, sizeof(shown), name);
	plugin_log(p->scope, DROVER_WARN, "%s rejected: %s", shown, why);
	return 0;
}

/*
 * True if the file has not changed for a while. A file whose time lies ahead of
 * our clock counts as well, if it has looked the same for long enough.
 */
static bool
poll_is_settled(struct poll *p, const struct entry *e)
{
	int64_t changed = (int64_t)e->st.st_mtim.tv_sec * 1000 + e->st.st_mtim.tv_nsec / 1000000;

	if (p->wall - changed >= SETTLE_MS)
		return true;
	if (p->monotonic - looks_note(p, e)->since >= SETTLE_MS)
		return true;
	if (p->again == 0)
		p->again = SETTLE_MS;
	return false;
}

static int
poll_emit(struct poll *p, const struct entry *e, const struct ticket *ticket, const char *key,
    size_t len, struct drover_error *err)
{
	const struct source *source = p->source;
	struct drover_item item = {
		.size = sizeof(item),
		.priority = ticket->priority,
		.kind = INBOX_KIND,
		.key = key,
		.title = ticket->title,
		.repo = ticket->repo[0] != '\0' ? ticket->repo : source->repo,
		.agent = ticket->agent[0] != '\0' ? ticket->agent : source->agent,
		.pool = ticket->pool[0] != '\0' ? ticket->pool : source->pool,
		.payload = p->text,
		.payload_len = len,
	};
	char why[DROVER_ERROR_MAX + 64];
	int code;

	if (item.repo == NULL || *item.repo == '\0')
		return poll_reject(p, e->name,
		    "The ticket names no repository, and the source has no default. "
		    "Begin the file with a line \"Repo: NAME\".",
		    err);
	code = p->scope->host->queue->emit(p->scope, &item, err);
	if (code == DROVER_PERMANENT || code == DROVER_CONFIG) {
		snprintf(why, sizeof(why), "The daemon refused the ticket: %s", err->text);
		return poll_reject(p, e->name, why, err);
	}
	if (code != 0)
		return code;
	poll_note(p, e->st.st_ino, key);
	p->room--;
	p->again = MOVE_MS;
	plugin_log(p->scope, DROVER_INFO, "%s accepted", key);
	return 0;
}

static int
poll_entry(struct poll *p, const struct entry *listed, struct drover_error *err)
{
	char key[DROVER_KEY_MAX], name[DROVER_KEY_MAX], hash[HASH_SIZE], target[256],
	    why[DROVER_ERROR_MAX];
	struct entry now = *listed, *e = &now;
	struct ticket ticket;
	size_t len;

	if (!S_ISREG(e->st.st_mode) || e->st.st_nlink > 1) {
		poll_tell(p, e,
		    S_ISREG(e->st.st_mode) ? "it has a second name (a hard link)" :
					     "it is not a regular file");
		return 0;
	}
	if (!poll_is_settled(p, e))
		return 0;
	switch (folder_read(p->folder.root, e->name, p->text, &len, &e->st)) {
	case FOLDER_READ:
		break;
	case FOLDER_LARGE:
		snprintf(why, sizeof(why), "The file is larger than %zu bytes.", TICKET_MAX);
		return poll_reject(p, e->name, why, err);
	case FOLDER_DENIED:
		return poll_reject(p, e->name, "The daemon's user may not read the file.", err);
	case FOLDER_BUSY:
		poll_tell(p, e, "a process has it open for writing");
		return 0;
	case FOLDER_GONE:
	case FOLDER_ODD:
		return 0;
	}
	if (e->st.st_size != listed->st.st_size || e->st.st_ino != listed->st.st_ino ||
	    memcmp(&e->st.st_mtim, &listed->st.st_mtim, sizeof(e->st.st_mtim)) != 0)
		return 0;
	if (ticket_parse(p->scope, p->text, len, &ticket, why, sizeof(why)) != 0)
		return poll_reject(p, e->name, why, err);
	if (key_make(key, e->name, p->text, len) != 0 || key_split(key, name, hash) != 0)
		return poll_reject(p, e->name, "The file's name is too long.", err);
	if (poll_has_noted(p, key))
		return 0;
	folder_name(target, e->name, hash, ".md");
	if (folder_has(p->folder.working, target)) {
		poll_tell(p, e, "the same ticket is being worked on");
		return 0;
	}
	return poll_emit(p, e, &ticket, key, len, err);
}

static int
poll_scan(struct poll *p, struct drover_error *err)
{
	struct entry *list;
	size_t n, i;
	int code = 0;

	if ((p->room = p->scope->host->capacity->available(p->scope, INBOX_KIND, err)) < 0)
		return p->room;
	if (p->room == 0)
		return 0;
	if (p->room > EMIT_MAX)
		p->room = EMIT_MAX;
	if (folder_list(&p->folder, &list, &n, err) != 0)
		return err->code;
	for (i = 0; i < n && code == 0 && p->room > 0 &&
	     DROVER_VALUE_MAX - p->cursor_len > DROVER_KEY_MAX + 32;
	     i++)
		code = poll_entry(p, &list[i], err);
	p->whole = i == n && code == 0;
	folder_list_free(list, n);
	return code;
}

static int
source_poll(struct drover_scope *scope, void *state, const char *cursor, struct drover_error *err)
{
	struct poll p = { .scope = scope, .source = state };
	const struct drover_host *host = scope->host;
	int code;

	p.wall = host->time->now(scope);
	p.monotonic = host->time->monotonic(scope);
	p.text = xmalloc(TICKET_MAX);
	p.cursor = xmalloc(DROVER_VALUE_MAX);
	p.cursor[0] = '\0';
	if ((code = folder_open(&p.folder, p.source->path, err)) != 0)
		goto out;
	if ((code = poll_accepted(&p, cursor, err)) == 0)
		code = poll_scan(&p, err);
	if (code == 0 && strcmp(p.cursor, cursor != NULL ? cursor : "") != 0)
		code = host->queue->cursor(scope, p.cursor, err);
	if (code == 0 && p.again > 0)
		code = host->queue->again(scope, p.again, err);
	folder_close(&p.folder);
	if (!p.whole)
		looks_keep(&p);
	looks_free(&p.source->looks);
	p.source->looks = p.looks;
out:
	free(p.text);
	free(p.cursor);
	return code;
}

static int
source_settle(struct drover_scope *scope, void *state, const struct drover_settled *settled,
    struct drover_error *err)
{
	struct source *source = state;
	struct folder folder;
	int code;

	if ((code = folder_open(&folder, source->path, err)) != 0)
		return code;
	code = report_settled(&folder, settled, err);
	folder_close(&folder);
	return code;
}
