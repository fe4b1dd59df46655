/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the inbox plugin share: tickets, their keys, the folder
 * they lie in, and reports on them.
 */
#ifndef INBOX_H
#define INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <drover/plugin.h>

#include "common/mem.h"
#include "common/text.h"

#define INBOX_KIND "inbox.ticket"
#define TICKET_MAX ((size_t)DROVER_PAYLOAD_MAX)
#define HASH_SIZE 17 /* 16 hexadecimal digits and NUL */

/* ---- ticket.c ---- */

/*
 * A ticket's parts. "" where the head does not name one. body points into the
 * parsed text.
 */
struct ticket {
	char title[256];
	char repo[DROVER_NAME_MAX];
	char agent[DROVER_NAME_MAX];
	char pool[DROVER_NAME_MAX];
	int32_t priority;
	const char *body;
	size_t body_len;
};

/*
 * -1 with one sentence for the author in why. A text that is no Markdown is
 * logged, unless scope is NULL.
 */
int ticket_parse(struct drover_scope *, const char *text, size_t len, struct ticket *, char *why,
    size_t size);
/* What the agent is told. The caller frees. */
char *ticket_prompt(const struct ticket *, const struct drover_job *);

/* ---- key.c ---- */

/*
 * A job's key: the file's name, with what is not plain text as %XX, "@", and a
 * fingerprint of name and text. The name can be read back. -1: the name is too
 * long for a key.
 */
int key_make(char key[DROVER_KEY_MAX], const char *name, const char *text, size_t len);
/* -1: not a key of ours. */
int key_split(const char *key, char name[DROVER_KEY_MAX], char hash[HASH_SIZE]);
/* The name as key_make writes it, for people and logs; cut when it is long. */
void key_show(char *out, size_t size, const char *name);

/* ---- folder.c ---- */

/*
 * The watched folder and the four below it, open for the length of one
 * callback.
 */
struct folder {
	const char *path;
	int root, working, done, failed, rejected;
};

/* A file that may be a ticket. */
struct entry {
	char *name;
	struct stat st;
};

enum folder_read { FOLDER_READ, FOLDER_GONE, FOLDER_BUSY, FOLDER_LARGE, FOLDER_ODD, FOLDER_DENIED };

/* Opens, and makes what is missing below path. Fails with CONFIG. */
int folder_open(struct folder *, const char *path, struct drover_error *);
void folder_close(struct folder *);
/*
 * What is called *.md in the folder, oldest first; free with folder_list_free.
 */
int folder_list(const struct folder *, struct entry **, size_t *, struct drover_error *);
void folder_list_free(struct entry *, size_t);
/*
 * Reads a regular file; text holds TICKET_MAX bytes. BUSY: somebody has it open
 * for writing. st may be NULL.
 */
enum folder_read folder_read(int dir, const char *name, char *text, size_t *len, struct stat *st);
/*
 * name without ".md", shortened when it is long, then "." tag when there is
 * one, then suffix.
 */
void folder_name(char out[256], const char *name, const char *tag, const char *suffix);
bool folder_has(int dir, const char *name);
/* Never replaces. -1 with errno; EEXIST: target is there. */
int folder_move(int from, const char *name, int to, const char *target);
/* Writes name whole or not at all; replaces a regular file. -1 with errno. */
int folder_write(int dir, const char *name, const char *text, size_t len);

/* ---- report.c ---- */

/* Moves a file to rejected/ with a report that says why. */
int report_rejected(const struct folder *, const char *name, const char *why,
    struct drover_error *);
/*
 * Moves a job's ticket to done/ or failed/ with a report. Doing it twice is
 * doing it once.
 */
int report_settled(const struct folder *, const struct drover_settled *, struct drover_error *);

/* ---- source.c ---- */

extern const struct drover_source inbox_folder;

#endif
