/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atlassian's document format: what people write in Jira Cloud, as Markdown for
 * a prompt, and Markdown of drover's own as a document. Data Center has wiki
 * markup instead: it is read as it is, and written from the same document.
 */
#ifndef JIRA_ADF_H
#define JIRA_ADF_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "common/text.h"
#include "common/web.h"

#define ADF_DEPTH_MAX 64            /* of nodes; what lies deeper is left out, and that is said */
#define ADF_READ_MAX 49152          /* bytes of Markdown that one document becomes */
#define ADF_WRITE_MAX 30000 /* bytes of Markdown; Jira refuses a comment over 32,767 characters */

/*
 * Appends the document, or the string of wiki markup, as Markdown without
 * hidden characters. false: it was cut.
 */
bool adf_read(const cJSON *document, struct text_buf *out);
/* Markdown as a document; at most ADF_WRITE_MAX bytes of it. */
cJSON *adf_write(struct drover_scope *, const char *markdown);
/*
 * A document that adf_write made, as wiki markup in which nothing of its text
 * is markup, a mention or a macro.
 */
void wiki_write(const cJSON *document, struct text_buf *out);

#endif
