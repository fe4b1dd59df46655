/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came from people: items whose author may not start work, and what
 * plugins remember of what was said.
 */
#include <string.h>

#include "api/server.h"
#include "base/json.h"
#include "base/mem.h"

static const char *people_query(const struct request *, const char *name);

/* A parameter of the query; NULL when it is missing or empty. */
static const char *
people_query(const struct request *r, const char *name)
{
	const char *value = request_query(r, name, NULL);

	return value != NULL && *value != '\0' ? value : NULL;
}

int
people_refusals(struct request *r, struct error *err)
{
	int64_t before, limit;
	cJSON *list, *answer;

	if (request_number(r, "before", 0, INT64_MAX, 0, &before, err) != 0 ||
	    request_number(r, "limit", 1, API_LIST_MAX, 50, &limit, err) != 0 ||
	    store_refusal_list(r->api->core->store, people_query(r, "source"), before, (int)limit,
		&list, err) != 0)
		return -1;
	answer = cJSON_CreateObject();
	if (cJSON_GetArraySize(list) == (int)limit)
		json_add_int(answer, "before",
		    json_int(cJSON_GetArrayItem(list, (int)limit - 1), "id", 0));
	cJSON_AddItemToObject(answer, "refusals", list);
	reply_json(r, 200, answer);
	return 0;
}

int
people_memory(struct request *r, struct error *err)
{
	const char *plugin = people_query(r, "plugin"), *subject = people_query(r, "subject");
	struct store *store = r->api->core->store;
	int64_t limit, dropped;
	cJSON *list, *answer;

	if (request_number(r, "limit", 1, API_LIST_MAX, API_LIST_MAX, &limit, err) != 0)
		return -1;
	if (subject != NULL && plugin == NULL)
		return error_set(err, DROVER_PERMANENT,
		    "subject= needs plugin= as well");
	if (subject == NULL) {
		if (store_memory_subjects(store, plugin, (int)limit, &list, err) != 0)
			return -1;
		answer = cJSON_CreateObject();
		cJSON_AddItemToObject(answer, "subjects", list);
	} else {
		if (store_memory_entries(store, plugin, subject, &list, &dropped, err) != 0)
			return -1;
		if (cJSON_GetArraySize(list) == 0) {
			cJSON_Delete(list);
			r->status = 404;
			return error_set(err, DROVER_PERMANENT,
			    "plugin %.64s remembers nothing about %.200s", plugin, subject);
		}
		answer = cJSON_CreateObject();
		json_add_str(answer, "plugin", plugin);
		json_add_str(answer, "subject", subject);
		json_add_int(answer, "dropped", dropped);
		cJSON_AddItemToObject(answer, "entries", list);
	}
	reply_json(r, 200, answer);
	return 0;
}

int
people_forget(struct request *r, struct error *err)
{
	const char *plugin = json_str(r->body, "plugin", ""),
		   *subject = json_str(r->body, "subject", "");
	cJSON *answer;
	int n;

	if (*plugin == '\0' || *subject == '\0')
		return error_set(err, DROVER_PERMANENT,
		    "plugin and subject must be given, both as strings");
	if ((n = store_memory_forget(r->api->core->store, plugin, subject, err)) < 0)
		return -1;
	if (n == 0) {
		r->status = 404;
		return error_set(err, DROVER_PERMANENT,
		    "plugin %.64s remembers nothing about %.200s", plugin, subject);
	}
	answer = cJSON_CreateObject();
	json_add_int(answer, "forgotten", n);
	return reply_committed(r, 200, answer);
}
