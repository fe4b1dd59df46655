/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request asks the core before it is sent, and tells the core after. The
 * core keeps limits, pauses and breakers for the requests of all processes.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "host/http/http.h"
#include "host/service.h"

#define HTTP_RESERVE_MS 5000ll

/*
 * A request that waited until the very end would have no time left for its
 * answer, and its failure would count against the server.
 */
int64_t
http_patience(const struct http_call *call)
{
	int64_t left = call->until - clock_mono(), reserve = left / 4;

	if (reserve > HTTP_RESERVE_MS)
		reserve = HTTP_RESERVE_MS;
	if (reserve > call->timeout_ms)
		reserve = call->timeout_ms;
	return left > 0 ? left - reserve : 0;
}

int64_t
http_take(const struct http_call *call, struct error *err)
{
	int64_t wait = 0;
	struct message_out out;
	cJSON *limits, *one;
	char *text;

	if (call->scope->link == NULL)
		return 0;
	limits = cJSON_CreateArray();
	for (uint64_t i = 0; i < call->r.limits_len; i++) {
		one = cJSON_CreateObject();
		json_add_str(one, "name", call->r.limits[i].name);
		json_add_int(one, "count", call->r.limits[i].count);
		json_add_int(one, "per_ms", call->r.limits[i].per_ms);
		json_add_int(one, "burst", call->r.limits[i].burst);
		cJSON_AddItemToArray(limits, one);
	}
	text = json_print(limits);
	cJSON_Delete(limits);
	message_begin(&out, MESSAGE_HTTP_ASK, service_id(call->scope));
	message_put_s(&out, call->origin);
	message_put_s(&out, call->credential);
	message_put_s(&out, text);
	message_put_u(&out, (call->r.flags & DROVER_HTTP_CRITICAL) != 0);
	message_put_i(&out, http_patience(call));
	free(text);
	return service_ask(call->scope, &out, &wait, NULL, err) == 0 ? wait : -1;
}

/*
 * A failure here is ignored: the core will learn the same from the next
 * request.
 */
void
http_tell(const struct http_call *call, const struct drover_http_verdict *v)
{
	struct error ignored = { 0 };
	struct buf rates = BUF_INIT;
	struct message_out out;

	if (call->scope->link == NULL)
		return;
	message_begin(&out, MESSAGE_HTTP_TELL, service_id(call->scope));
	message_put_s(&out, call->origin);
	message_put_s(&out, call->credential);
	message_put_i(&out, v->code);
	message_put_s(&out, v->limit);
	message_put_i(&out, v->code == DROVER_QUOTA ? v->retry_after_ms : 0);
	message_put_u(&out, 1);
	message_put_u(&out, call->not_modified);
	for (uint64_t i = 0; i < call->r.limits_len; i++)
		buf_addf(&rates, "%s\n", call->r.limits[i].name);
	message_put_s(&out, buf_str(&rates));
	buf_free(&rates);
	message_put_s(&out, v->text);
	(void)service_ask(call->scope, &out, NULL, NULL, &ignored);
}
