/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a write as an effect: begin before it, done after it. If it is not known
 * how an earlier try ended, the thing is looked for before it is written again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/once.h"
#include "common/text.h"

int
once_do(struct drover_scope *scope, const struct once *once, const char *key, void *arg, char *made,
    size_t size, struct drover_error *err)
{
	const struct drover_host_effect *effect = scope->host->effect;
	int state, code = 0;
	char name[DROVER_KEY_MAX];

	made[0] = '\0';
	if (key == NULL || *key == '\0')
		return once->make(arg, made, size, err);
	if ((size_t)snprintf(name, sizeof(name), "%s/%s", once->what, key) >= sizeof(name))
		snprintf(name, sizeof(name), "%s/%016" PRIx64, once->what,
		    text_hash(0, key, strlen(key)));
	if ((state = effect->begin(scope, name, made, size, err)) < 0 ||
	    state == DROVER_EFFECT_DONE)
		return state < 0 ? state : 0;
	made[0] = '\0';
	if (state == DROVER_EFFECT_UNSURE && once->find != NULL)
		code = once->find(arg, made, size, err);
	if (code == 0 && made[0] == '\0')
		code = once->make(arg, made, size, err);
	return code != 0 ? code : effect->done(scope, name, made, err);
}
