/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atlassian's document format: turns what people write in Jira Cloud into
 * Markdown for a prompt, and drover's own Markdown into a document. Data Center
 * has wiki markup instead, which is read as it is, and written from the same
 * document.
 */
#ifndef JIRA_ADF_H
#define JIRA_ADF_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "common/text.h"
#include "common/web.h"

/* depth of nodes; what lies deeper is left out, and the text says so */
#define ADF_DEPTH_MAX 64
#define ADF_READ_MAX 49152          /* bytes of Markdown that one document becomes */
#define ADF_WRITE_MAX 30000 /* bytes of Markdown; Jira refuses comments over 32,767 characters */

/*
 * Appends the document, or the string of wiki markup, as Markdown without
 * hidden characters. Returns false if it was cut.
 */
bool adf_read(const cJSON *document, struct text_buf *out);
/* Makes a document of at most ADF_WRITE_MAX bytes of Markdown. */
cJSON *adf_write(struct drover_scope *, const char *markdown);
/*
 * Turns a document that adf_write() made into wiki markup. No text in it
 * becomes markup, a mention or a macro.
 */
void wiki_write(const cJSON *document, struct text_buf *out);

#endif
