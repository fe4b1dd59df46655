/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the plugin inbox share: tickets, their keys, the folder
 * they lie in, and reports about them.
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
#define HASH_SIZE 17 /* 16 hexadecimal digits and a NUL */


/*
 * The parts of a ticket. A part that the head does not name is "". body points
 * into the parsed text.
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
 * Reads a ticket. Returns 0, or -1 with one sentence for its author in why. A
 * text that the Markdown parser refuses is logged, unless scope is NULL.
 */
int ticket_parse(struct drover_scope *, const char *text, size_t len, struct ticket *, char *why,
    size_t size);
/* Writes the prompt for the agent. The caller frees it. */
char *ticket_prompt(const struct ticket *, const struct drover_job *);


/*
 * Makes a job's key: the file's name with special characters as %XX, then "@"
 * and a fingerprint of name and text. The name can be read back. Returns 0, or
 * -1 if the name is too long for a key.
 */
int key_make(char key[DROVER_KEY_MAX], const char *name, const char *text, size_t len);
/* Returns 0, or -1 if key_make() cannot have made this key. */
int key_split(const char *key, char name[DROVER_KEY_MAX], char hash[HASH_SIZE]);
/*
 * Writes the name as key_make() does, for people and logs. A long name is cut.
 */
void key_show(char *out, size_t size, const char *name);


/*
 * The watched folder and the four folders below it, open during one callback.
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

/*
 * Opens the folder and makes the folders below it that are missing. Returns 0
 * or DROVER_CONFIG.
 */
int folder_open(struct folder *, const char *path, struct drover_error *);
void folder_close(struct folder *);
/*
 * Lists the files *.md of the folder, oldest first. Free the list with
 * folder_list_free().
 */
int folder_list(const struct folder *, struct entry **, size_t *, struct drover_error *);
void folder_list_free(struct entry *, size_t);
/*
 * Reads a regular file into text, which has room for TICKET_MAX bytes.
 * FOLDER_BUSY means that a process has it open for writing. st may be NULL.
 */
enum folder_read folder_read(int dir, const char *name, char *text, size_t *len, struct stat *st);
/*
 * Makes a file name: name without ".md", shortened if it is long, then "." and
 * tag unless tag is NULL, then suffix.
 */
void folder_name(char out[256], const char *name, const char *tag, const char *suffix);
bool folder_has(int dir, const char *name);
/*
 * Moves a file and never replaces one. Returns 0, or -1 with errno: EEXIST if
 * target exists.
 */
int folder_move(int from, const char *name, int to, const char *target);
/*
 * Writes a file completely or not at all, replacing a regular file. Returns 0,
 * or -1 with errno.
 */
int folder_write(int dir, const char *name, const char *text, size_t len);


/* Moves a file to rejected/ and writes a report there that says why. */
int report_rejected(const struct folder *, const char *name, const char *why,
    struct drover_error *);
/*
 * Moves a job's ticket to done/ or failed/ and writes a report there. Doing it
 * twice has the effect of doing it once.
 */
int report_settled(const struct folder *, const struct drover_settled *, struct drover_error *);


extern const struct drover_source inbox_folder;

#endif
