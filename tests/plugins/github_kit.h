/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the plugin github share: the plugin opened on a fake host,
 * and GitHub's objects as text.
 */
#ifndef GITHUB_KIT_H
#define GITHUB_KIT_H

#include "fake_host.h"

#define KIT_NOW INT64_C(1795255200000) /* 2026-11-21T10:00:00Z */
#define KIT_REPO "/repos/acme/web"

extern struct fake *kit;
extern const struct drover_plugin *kit_plugin;
extern void *kit_state;              /* the plugin's */
extern struct drover_error kit_err;

/*
 * Fixtures: a token of the login drover-bot, the repo "web" at acme/web,
 * members are trusted.
 */
void kit_setup(void);
void kit_teardown(void);

const struct drover_source *kit_source(const char *name);
const struct drover_pipeline *kit_pipeline(const char *name);
const struct drover_operation *kit_operation(const char *name);
/* Formatted text that lives until the teardown. */
const char *kit_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/*
 * A comment of a conversation, or (path != NULL) at a line of a diff. time:
 * "10:00:00" of that day. extra: more members, or "".
 */
const char *kit_comment(const char *id, int number, const char *login, const char *association,
    const char *time, const char *body, const char *path, const char *extra);
/* An open pull request of the repository itself. */
const char *kit_pull(int number, const char *login, const char *branch, const char *time,
    const char *body);
/* Serves empty lists for what is not queued. */
void kit_quiet(void);
/* Runs a pipeline's job with this payload. */
int kit_run(const struct drover_pipeline *, const char *payload);

#endif
