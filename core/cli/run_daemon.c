/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon behind `drover run`. run_connect() picks the configured daemon
 * when it knows this checkout, else a private one, which it starts if need be;
 * run_restart() starts a private one again that died, and run_disconnect()
 * stops it at the end unless it has jobs. A private daemon has a session of its
 * own and outlives a drover that was killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "cli/run.h"

#define START_MS 30000
#define STOP_MS 30000
#define LOOK_MS 100

static bool configured_serves(struct run *);
static bool list_has(struct cli *, const char *path, const char *member, const char *key,
    const char *value, char **name);
static bool daemon_is_ending(struct run *);
static int daemon_start(struct run *);
static int daemon_spawn(struct run *, const char *program, const char *notify);
static int notify_open(char *name, size_t size);
static int wait_ready(struct run *, int notify);
static char **clean_environment(const char *notify);
static void print_log_end(struct run *);

int
run_connect(struct run *run, int64_t parallel)
{
	struct cli *cli = run->cli;
	struct error err;
	int status;

	if (configured_serves(run))
		return CLI_OK;
	run->is_private = true;
	free(cli->socket);
	cli->socket = path_join(run->state_dir, "drover.sock");
	if ((status = run_configure(run, parallel)) != CLI_OK)
		return status;
	/* A daemon that is stopping since an earlier run must end first. */
	if (!client_alive(cli) || daemon_is_ending(run))
		return daemon_start(run);
	client_ask(cli, "POST", "/api/v1/undrain", NULL, NULL, &err);
	return cli_post(cli, NULL, NULL, "/api/v1/reload");
}

int
run_restart(struct run *run)
{
	int status = 0;

	/* Status 0: it was told to stop, and is not started again. */
	if (run->daemon > 0 && waitpid(run->daemon, &status, WNOHANG) == run->daemon &&
	    WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		run->daemon = 0;
		return CLI_DOWN;
	}
	run->daemon = 0;
	run_talk(run, "the daemon has died: starting it again; running jobs go on");
	return daemon_start(run);
}

void
run_disconnect(struct run *run)
{
	struct cli *cli = run->cli;
	static const char *const busy[] = { "queued", "running", "delayed" };
	struct error err;
	cJSON *stop;

	if (!run->is_private || cli->socket == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(busy) && !run->stuck; i++) {
		char *path = xasprintf("/api/v1/jobs?limit=1&state=%s", busy[i]);
		cJSON *answer = NULL;
		int some = client_ask(cli, "GET", path, NULL, &answer, &err) == 200 &&
		    cJSON_GetArraySize(json_get(answer, "jobs")) > 0;

		free(path);
		cJSON_Delete(answer);
		if (some) {
			cli_say(cli, "the daemon still has jobs: see `drover --socket %s list`",
			    cli->socket);
			return;
		}
	}
	stop = cJSON_CreateObject();
	json_add_bool(stop, "stop", true);
	client_ask(cli, "POST", "/api/v1/drain", stop, NULL, &err);
	cJSON_Delete(stop);
	if (run->daemon > 0 && proc_wait(run->daemon, clock_mono() + STOP_MS) == 0)
		proc_reap(run->daemon, NULL);
}

/*
 * True when the configured daemon answers, has this repository (by url) and
 * knows the agent.
 */
static bool
configured_serves(struct run *run)
{
	struct cli *cli = run->cli;
	struct error err;
	struct config *config;
	char *origin = NULL, *name = NULL;
	bool serves = false;

	if (cli->value[OPT_AGENT_COMMAND] != NULL || cli->checks_len > 0 ||
	    cli->value[OPT_BASE] != NULL)
		return false;
	if (cli->value[OPT_SOCKET] != NULL || getenv("DROVER_SOCKET") != NULL) {
		if (cli_socket(cli) != CLI_OK)
			return false;
	} else {
		if ((config = config_look(cli->value[OPT_CONFIG], &err)) == NULL)
			return false;
		cli->socket = xstrdup(config->socket);
		config_free(config);
	}
	if (client_alive(cli) &&
	    list_has(cli, "/api/v1/agents", "agents", "name", run->agent, NULL)) {
		origin = run_origin(run);
		serves = list_has(cli, "/api/v1/repos", "repos", "url", run->top, &name) ||
		    (origin != NULL &&
			list_has(cli, "/api/v1/repos", "repos", "url", origin, &name));
	}
	if (serves && name != NULL) {
		free(run->name);
		run->name = name;
	}
	free(origin);
	return serves;
}

static bool
list_has(struct cli *cli, const char *path, const char *member, const char *key, const char *value,
    char **name)
{
	struct error err;
	cJSON *answer = NULL;
	const cJSON *one;
	bool found = false;

	if (client_ask(cli, "GET", path, NULL, &answer, &err) == 200)
		cJSON_ArrayForEach(one, json_get(answer, member))
			if (!found && strcmp(json_str(one, key, ""), value) == 0) {
				found = true;
				if (name != NULL)
					*name = xstrdup(json_str(one, "name", ""));
			}
	cJSON_Delete(answer);
	return found;
}

/* Waits for a daemon that is stopping; true when it has gone. */
static bool
daemon_is_ending(struct run *run)
{
	for (int waited = 0; waited < STOP_MS; waited += LOOK_MS) {
		cJSON *status = NULL;
		struct error err;
		int http = client_ask(run->cli, "GET", "/api/v1/status", NULL, &status, &err);
		bool stopping = strcmp(json_str(status, "mode", ""), "stopping") == 0;

		cJSON_Delete(status);
		if (http == 0)
			return true;
		if (!stopping)
			return false;
		poll(NULL, 0, LOOK_MS);
	}
	return false;
}

static int
daemon_start(struct run *run)
{
	char notify[64], *program;
	int fd, status;

	if ((fd = notify_open(notify, sizeof notify)) == -1) {
		cli_say(run->cli, "cannot make a socket: %s", strerror(errno));
		return CLI_FAILED;
	}
	program = cli_droverd();
	if ((status = daemon_spawn(run, program, notify)) == CLI_OK)
		status = wait_ready(run, fd);
	free(program);
	close(fd);
	return status;
}

static int
daemon_spawn(struct run *run, const char *program, const char *notify)
{
	const char *const argv[] = { "droverd", "-c", run->config_file, NULL };
	char *path = path_join(run->state_dir, "daemon.log"), **env = clean_environment(notify);
	int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), rc = -1;
	/*
	 * A session of its own keeps it from ^C at this terminal, and it may
	 * outlive this process.
	 */
	struct spawn child = { .file = program,
		.argv = argv,
		.env = env,
		.fd = { SPAWN_NULL, log, log },
		.session = true };

	if (log == -1)
		cli_say(run->cli, "cannot write %s: %s", path, strerror(errno));
	else if ((rc = spawn_start(&child, &run->daemon)) == -1)
		cli_say(run->cli, "cannot start %s: %s; name it with DROVERD=PATH", program,
		    strerror(errno));
	if (log != -1)
		close(log);
	free_strings(env);
	free(path);
	return rc == 0 ? CLI_OK : CLI_FAILED;
}

/*
 * Makes the socket of systemd's readiness protocol, with this process in
 * systemd's place; its name is abstract and picked by the kernel.
 */
static int
notify_open(char *name, size_t size)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len = sizeof sun;
	int fd;

	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	if (bind(fd, (const struct sockaddr *)&sun, sizeof sun.sun_family) != 0) {
		close(fd);
		return -1;
	}
	if (getsockname(fd, (struct sockaddr *)&sun, &len) != 0 ||
	    len <= offsetof(struct sockaddr_un, sun_path) + 1) {
		close(fd);
		return -1;
	}
	snprintf(name, size, "@%.*s", (int)(len - offsetof(struct sockaddr_un, sun_path) - 1),
	    sun.sun_path + 1);
	return fd;
}

static int
wait_ready(struct run *run, int notify)
{
	int pidfd = pidfd_open(run->daemon, 0);
	struct pollfd p[] = { { .fd = notify, .events = POLLIN },
		{ .fd = pidfd, .events = POLLIN } };
	char text[64];
	ssize_t n;
	int rc;

	do {
		rc = poll(p, pidfd != -1 ? 2 : 1, START_MS);
		if (rc > 0 && (p[0].revents & POLLIN) != 0 &&
		    (n = recv(notify, text, sizeof text - 1, 0)) > 0) {
			text[n] = '\0';
			if (strstr(text, "READY=1") != NULL) {
				close(pidfd);
				return CLI_OK;
			}
		}
	} while ((rc == -1 && errno == EINTR) || (rc > 0 && p[1].revents == 0));
	if (pidfd != -1)
		close(pidfd);
	if (rc > 0) {
		proc_reap(run->daemon, NULL);
		run->daemon = 0;
		cli_say(run->cli,
		    "the daemon ended at once; the last line of %s/daemon.log:", run->state_dir);
	} else
		cli_say(run->cli,
		    "the daemon is not ready after %d seconds; the last line of %s/daemon.log:",
		    START_MS / 1000, run->state_dir);
	print_log_end(run);
	return CLI_DOWN;
}

/* The environment without what would change the private configuration. */
static char **
clean_environment(const char *notify)
{
	size_t n = 0, kept = 0;
	char **env;

	while (environ[n] != NULL)
		n++;
	env = xcalloc(n + 2, sizeof *env);
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "DROVER_", 7) != 0 &&
		    strncmp(environ[i], "NOTIFY_SOCKET=", 14) != 0)
			env[kept++] = xstrdup(environ[i]);
	env[kept] = xasprintf("NOTIFY_SOCKET=%s", notify);
	return env;
}

static void
print_log_end(struct run *run)
{
	char *path = path_join(run->state_dir, "daemon.log"), line[4096] = "", last[4096] = "";
	FILE *f = fopen(path, "re");

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		memcpy(last, line, sizeof last);
	last[strcspn(last, "\n")] = '\0';
	cli_say(run->cli, "%s", last);
	if (f != NULL)
		fclose(f);
	free(path);
}
