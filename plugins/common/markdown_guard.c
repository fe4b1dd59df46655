/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two guards. Some of the parser's work grows with the square of the text and
 * allocates nothing; it is estimated from the text. All other work that takes
 * long allocates much memory, and the arena has a limit.
 */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/markdown_guard.h"
#include "common/mem.h"

#define LEN_MAX        (256 * 1024)
#define DEPTH_MAX      100                /* depth of quotes and lists */
#define PIPES_MAX      1000               /* bytes of one line */
#define WORK_MAX       (48 * 1024 * 1024) /* steps of about a nanosecond each */
#define BLOCK_STEPS    3                  /* steps to look at one open block at a new line */
#define ARENA_LEAST    ((size_t)1024 * 1024)
#define ARENA_PER_BYTE 400
#define CHUNK_BYTES    ((size_t)64 * 1024)
#define ALIGN          16

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used;
	_Alignas(ALIGN) unsigned char data[];
};

/* A text while its lines are counted. */
struct shape {
	uint64_t work;
	size_t open; /* quotes and lists that may be open */
	/* the following count since the last empty line */
	uint64_t lines, bytes, links, signs, scans;
};

static bool is_rule(const char *, size_t);
static size_t sign_length(const char *, size_t);
static bool line_nests(struct shape *, const char *, size_t);
static bool line_counts(struct shape *, const char *, size_t);
static void paragraph_counts(struct shape *, bool);
static void *mem_calloc(size_t, size_t);
static void *mem_realloc(void *, size_t);
static void mem_free(void *);

/*
 * The arena of the open text, which is global because cmark-gfm gives its
 * allocators no argument.
 */
static struct arena *arena_now;
cmark_mem guard_mem = { mem_calloc, mem_realloc, mem_free };

/*
 * True if the rest of a line makes it a rule across the page: "* * *", of any
 * length.
 */
static bool
is_rule(const char *line, size_t len)
{
	size_t i;

	for (i = 1; i < len; i++)
		if (line[i] != line[0] && line[i] != ' ' && line[i] != '\t')
			return false;
	return line[0] != '+';
}

/* The length of the sign that begins a quote or an item of a list, or 0. */
static size_t
sign_length(const char *line, size_t len)
{
	size_t n = 0;

	if (line[0] == '>')
		return 1;
	while (n < len && isdigit((unsigned char)line[n]))
		n++;
	if (n == len || strchr(n > 0 ? ".)" : "-+*", line[n]) == NULL ||
	    (n + 1 < len && line[n + 1] != ' ' && line[n + 1] != '\t') ||
	    (n == 0 && is_rule(line, len)))
		return 0;
	return n + 1;
}

/*
 * Counts the work of one line. Each line, even an empty one, makes the parser
 * look at all open quotes and lists. Returns false if these are too many.
 */
static bool
line_nests(struct shape *s, const char *line, size_t len)
{
	size_t columns = 0, signs = 0, i = 0, n;

	for (;; i += n) {
		for (; i < len && (line[i] == ' ' || line[i] == '\t'); i++)
			columns += line[i] == '\t' ? 4 : 1;
		if (i == len || signs > DEPTH_MAX || (n = sign_length(line + i, len - i)) == 0)
			break;
		signs++;
		n += i + n < len && line[i + n] == ' ';
	}
	if (signs > 0)
		s->open = columns / 2 + signs;
	else if (i < len && s->open > columns / 2)
		s->open = columns / 2;
	s->work += BLOCK_STEPS * s->open;
	return s->open <= DEPTH_MAX;
}

static bool
line_counts(struct shape *s, const char *line, size_t len)
{
	size_t i, pipes = 0, others = 0;
	bool table = false;

	for (i = 0; i < len; i++) {
		bool inside = i > 0 && isalnum((unsigned char)line[i - 1]) && i + 1 < len &&
		    isalnum((unsigned char)line[i + 1]);

		pipes += line[i] == '|';
		others += strchr("|:- \t>", line[i]) == NULL;
		table = table || line[i] == '|' || line[i] == ':';
		s->scans += line[i] == '<' && i + 1 < len && strchr("?!", line[i + 1]) != NULL;
		s->signs += strchr("*~", line[i]) != NULL || (line[i] == '_' && !inside) ||
		    (line[i] == '!' && i + 1 < len && line[i + 1] == '[');
		s->links += line[i] == ']';
	}
	s->lines++;
	s->bytes += len;
	/*
	 * For each line that may be the head of a table, the parser reads all
	 * lines before it anew.
	 */
	if (others == 0 && table)
		s->work += s->lines * s->bytes / 2;
	return pipes <= PIPES_MAX;
}

/*
 * Counts the work of a paragraph. At each link the parser goes over all open
 * signs, and it looks for the end of "<?" and "<!" to the end of the paragraph.
 */
static void
paragraph_counts(struct shape *s, bool linked)
{
	s->work += (linked ? 2 * s->links * s->signs : 0) + s->scans * s->bytes;
	s->lines = s->bytes = s->links = s->signs = s->scans = 0;
}

bool
guard_fits(const struct markdown *m)
{
	bool linked = strstr(m->text, "](") != NULL || strstr(m->text, "]:") != NULL;
	struct shape s = { .work = 0 };
	size_t i, len;

	for (i = 0; i < m->lines_len && s.work <= WORK_MAX; i++) {
		const char *line = m->text + m->lines[i];

		len = strcspn(line, "\r\n");
		if (!line_nests(&s, line, len) || !line_counts(&s, line, len))
			return false;
		if (strspn(line, " \t") == len)
			paragraph_counts(&s, linked);
	}
	paragraph_counts(&s, linked);
	return s.work <= WORK_MAX && m->len <= LEN_MAX;
}

/* Allocates a piece. Its size stands before it. */
static void *
mem_calloc(size_t n, size_t size)
{
	struct arena *a = arena_now;
	size_t want = (n * size + 2 * ALIGN - 1) / ALIGN * ALIGN, room;
	struct arena_chunk *chunk = a->chunks;
	unsigned char *p;

	if (a->bounded && (a->bytes += want) > a->max)
		longjmp(a->full, 1);
	if (chunk == NULL || chunk->size - chunk->used < want) {
		room = want > CHUNK_BYTES ? want : CHUNK_BYTES;
		chunk = xcalloc(1, sizeof(*chunk) + room);
		chunk->size = room;
		chunk->next = a->chunks;
		a->chunks = chunk;
	}
	p = chunk->data + chunk->used;
	chunk->used += want;
	memcpy(p, &want, sizeof(want));
	return p + ALIGN;
}

static void *
mem_realloc(void *old, size_t size)
{
	size_t had = 0;
	void *p;

	if (old == NULL)
		return mem_calloc(1, size);
	memcpy(&had, (unsigned char *)old - ALIGN, sizeof(had));
	if (size <= had - ALIGN)
		return old;
	p = mem_calloc(1, size);
	memcpy(p, old, had - ALIGN);
	return p;
}

static void
mem_free(void *p)
{
}

struct arena *
arena_new(size_t len)
{
	assert(arena_now == NULL);
	arena_now = xcalloc(1, sizeof(*arena_now));
	arena_now->bounded = true;
	arena_now->max = ARENA_LEAST + len * ARENA_PER_BYTE;
	return arena_now;
}

void
arena_free(struct arena *a)
{
	struct arena_chunk *chunk;

	while ((chunk = a->chunks) != NULL) {
		a->chunks = chunk->next;
		free(chunk);
	}
	free(a);
	arena_now = NULL;
}
