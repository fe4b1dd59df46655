/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of services that plugins are given, assembled from all groups of
 * core/host.
 */
#include "run/services.h"

const struct drover_host plugin_services = {
	.size = sizeof plugin_services,
	.major = DROVER_ABI_MAJOR,
	.minor = DROVER_ABI_MINOR,
	.log = &host_log,
	.option = &host_option,
	.capacity = &host_capacity,
	.queue = &host_queue,
	.lease = &host_lease,
	.exec = &host_exec,
	.agent = &host_agent,
	.http = &host_http,
	.git = &host_git,
	.kv = &host_kv,
	.secret = &host_secret,
	.effect = &host_effect,
	.change = &host_change,
	.call = &host_call,
	.time = &host_time,
	.trust = &host_trust,
	.memory = &host_memory,
	.prompt = &host_prompt,
	.repo = &host_repo,
};
