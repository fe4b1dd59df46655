/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon consists of: sources, plugins, workers, repos, agents,
 * configuration and leases.
 */
#include <stdlib.h>
#include <string.h>

#include "api/server.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/units.h"

static int inventory_reply_list(struct request *, const char *name, cJSON *list);
static int inventory_config_list(struct request *, const char *name);
static int inventory_lease_id(struct request *, uint64_t *id, struct error *);

int
inventory_sources(struct request *r, struct error *err)
{
	return inventory_reply_list(r, "sources", r->api->verbs->sources(r->api->daemon));
}

int
inventory_poll(struct request *r, struct error *err)
{
	if (r->api->verbs->poll(r->api->daemon, r->args[0], err) != 0)
		return -1;
	reply_json(r, 202, cJSON_CreateObject());
	return 0;
}

int
inventory_plugins(struct request *r, struct error *err)
{
	return inventory_reply_list(r, "plugins", r->api->verbs->plugins(r->api->daemon));
}

int
inventory_plugin(struct request *r, struct error *err)
{
	cJSON *list = r->api->verbs->plugins(r->api->daemon), *one;
	int i = 0;

	cJSON_ArrayForEach(one, list) {
		if (strcmp(json_str(one, "name", ""), r->args[0]) == 0) {
			one = cJSON_DetachItemFromArray(list, i);
			cJSON_Delete(list);
			reply_json(r, 200, one);
			return 0;
		}
		i++;
	}
	cJSON_Delete(list);
	return error_set(err, DROVER_PERMANENT, "no plugin of this name is configured");
}

int
inventory_workers(struct request *r, struct error *err)
{
	return inventory_reply_list(r, "workers", r->api->verbs->workers(r->api->daemon));
}

int
inventory_repos(struct request *r, struct error *err)
{
	return inventory_config_list(r, "repos");
}

int
inventory_agents(struct request *r, struct error *err)
{
	return inventory_config_list(r, "agents");
}

int
inventory_config(struct request *r, struct error *err)
{
	reply_json(r, 200, config_to_json(r->api->core->config));
	return 0;
}

int
inventory_leases(struct request *r, struct error *err)
{
	return inventory_reply_list(r, "leases", leases_list(r->api->core->leases));
}

int
inventory_lease(struct request *r, struct error *err)
{
	uint64_t id;
	cJSON *lease;

	if (inventory_lease_id(r, &id, err) != 0)
		return -1;
	if ((lease = leases_show(r->api->core->leases, id)) == NULL) {
		r->status = 404;
		return error_set(err, DROVER_PERMANENT, "there is no lease %llu",
		    (unsigned long long)id);
	}
	reply_json(r, 200, lease);
	return 0;
}

/*
 * An operator may release only a lease whose owner is gone. A live attempt
 * releases its leases itself, with its epoch.
 */
int
inventory_release_lease(struct request *r, struct error *err)
{
	uint64_t id;

	if (inventory_lease_id(r, &id, err) != 0 ||
	    leases_break(r->api->core->leases, id, false, err) != 0)
		return -1;
	return reply_committed(r, 200, cJSON_CreateObject());
}

int
inventory_break_lease(struct request *r, struct error *err)
{
	uint64_t id;

	if (inventory_lease_id(r, &id, err) != 0 ||
	    leases_break(r->api->core->leases, id, json_bool(r->body, "force", false), err) != 0)
		return -1;
	return reply_committed(r, 200, cJSON_CreateObject());
}

int
inventory_tidy_leases(struct request *r, struct error *err)
{
	r->api->verbs->tidy(r->api->daemon);
	return reply_committed(r, 202, cJSON_CreateObject());
}

static int
inventory_reply_list(struct request *r, const char *name, cJSON *list)
{
	cJSON *answer = cJSON_CreateObject();

	cJSON_AddItemToObject(answer, name, list != NULL ? list : cJSON_CreateArray());
	reply_json(r, 200, answer);
	return 0;
}

static int
inventory_config_list(struct request *r, const char *name)
{
	cJSON *config = config_to_json(r->api->core->config), *answer = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(answer, name),
	      *from = cJSON_GetObjectItemCaseSensitive(config, name), *one;

	/*
	 * What the file keeps by name becomes a list, too; each element gets
	 * its name as a member.
	 */
	while (from != NULL && (one = cJSON_DetachItemFromArray(from, 0)) != NULL) {
		if (one->string != NULL && json_get(one, "name") == NULL)
			json_add_str(one, "name", one->string);
		cJSON_AddItemToArray(list, one);
	}
	cJSON_Delete(config);
	reply_json(r, 200, answer);
	return 0;
}

static int
inventory_lease_id(struct request *r, uint64_t *id, struct error *err)
{
	int64_t number;
	cJSON *lease;

	if (units_parse_int(r->args[0], 1, INT64_MAX, &number) != 0) {
		r->status = 404;
		return error_set(err, DROVER_PERMANENT,
		    "a lease is named by its number, such as 7");
	}
	*id = (uint64_t)number;
	if ((lease = leases_show(r->api->core->leases, *id)) == NULL) {
		r->status = 404;
		return error_set(err, DROVER_PERMANENT, "there is no lease %llu",
		    (unsigned long long)*id);
	}
	cJSON_Delete(lease);
	return 0;
}
