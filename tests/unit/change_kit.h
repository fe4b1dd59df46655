/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of code changes share: a remote, a configured repo, a scripted
 * agent, and a job that runs in a process of its own.
 */
#ifndef UNIT_CHANGE_KIT_H
#define UNIT_CHANGE_KIT_H

#include "fake_core.h"
#include "host/service.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define CRASHES_MAX 64

#define agent_runs() probe_lines(dir, "runs")
#define file_has(name, text) probe_has(dir, name, text)

/*
 * The test's folder. It contains the remote "origin.git", a checkout "work" of
 * it, and "output" and "log" with what the job has written.
 */
extern char *dir, *origin;
extern struct fake_core core;
extern struct config config;
extern struct config_repo repo;
extern char *nothing[1];
extern struct config_agent agent;
extern struct drover_job job;
extern struct drover_change ask;
extern size_t result_size;
extern char *agent_argv[2], *setup_argv[4], *check_argv[4], *forbidden[2];
extern char **setups[2], **checks[2];
extern char transport[], transport_git[];

void change_setup_kit(void);
void change_teardown_kit(void);
/*
 * Sets the agent's script. In it, $D is the test's folder and $N counts its
 * runs, from 1.
 */
void agent_does(const char *body);
/* Sets one command of the repo; its script may use $D, too. */
void command_is(char **argv, char ***list, const char *script);

struct outcome {
	int code;
	char text[DROVER_ERROR_MAX];
	struct drover_change_result result;
};
/*
 * Calls host->change.run in a process of its own. code is 1 if that process was
 * killed.
 */
struct outcome run(void);

#endif
